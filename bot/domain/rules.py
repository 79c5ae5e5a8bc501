"""Who may text customers, from where, what becomes of words typed in a thread, and how long things may take. Pure."""

import re
from collections.abc import Collection
from datetime import timedelta
from enum import Enum, StrEnum

from msgspec import Struct


class Rules(Struct, frozen=True):
    """Who may text, and from where: everybody and everywhere where nothing is named."""

    channels: Collection[str] = ()  # `C…`, `G…`, `D…`
    users: Collection[str] = ()  # `U…`, `W…`
    groups: Collection[str] = ()  # `S…`
    guests: bool = False


class Durations(Struct, frozen=True, kw_only=True):
    """The settings of the same names; docs/settings.md explains them."""

    stale_after: timedelta
    watch_for: timedelta
    doubt_window: timedelta
    send_within: timedelta
    sendblue_timeout: timedelta
    sendblue_send_interval: timedelta
    slack_post_interval: timedelta
    new_thread_after: timedelta
    held_for: timedelta
    catch_up_interval: timedelta
    keep_text_for: timedelta
    keep_history_for: timedelta

    @property
    def sent_waits(self) -> timedelta:
        """How long *Sent* waits for *Delivered*, so that both are one post: two posts' time, two seconds at most."""
        return min(2 * self.slack_post_interval, timedelta(seconds=2))


class Replies(StrEnum):
    """A channel's rule for what is typed there."""

    ASK = "ask"  # each is held until its author says so
    SEND = "send"  # each is sent, unless it is a note
    MENTION = "mention"  # only what begins with our mention is sent


class Verdict(Enum):
    SEND = "send"
    HOLD = "hold"  # and ask its author
    NOTE = "note"  # it never leaves


_NOTE = re.compile(
    r"[\s*_~`\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe0f\ufeff]*(?:[!\uff01]|(?:note|private)[\s*_~`]*[:：])",
    re.IGNORECASE,
)


def is_note(text: str) -> bool:
    """Whether its author marked it as not for the customer: `!`, `note:` or `private:` first, in any case and dress."""
    return _NOTE.match(text) is not None


def judge(rule: Replies, text: str, *, to_us: bool, names_others: bool) -> Verdict:
    """Return what becomes of a text. to_us: it begins with our mention; names_others: it mentions others."""
    if to_us:
        return Verdict.SEND
    if is_note(text) or rule is Replies.MENTION:
        return Verdict.NOTE
    return Verdict.HOLD if rule is Replies.ASK or names_others else Verdict.SEND
