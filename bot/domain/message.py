"""What somebody wants to say, and a message: what was said. Pure."""

import unicodedata
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace


class Request(Struct, frozen=True):
    """What a person wants to have sent."""

    recipient: str  # E.164
    text: str  # exactly what the customer shall read; may be empty beside a media_url
    line: str | None = None  # E.164; None: the default line
    style: str | None = None
    media_url: str | None = None


class Origin(Struct, frozen=True):
    """Where in Slack a request came from. `key` is the same for every replay of the same gesture."""

    key: str
    team: str
    channel: str
    author: str
    answer_url: str = ""


class Notice(StrEnum):
    """What words are beside words: what they changed about texting a customer, or ask, or what was decided on it."""

    NONE = ""
    STOPPED = "stopped"  # they want no more texts
    LIFTED = "lifted"  # they want texts again
    ASKS = "asks"  # they may want no more texts: people are to decide
    UNDONE = "undone"  # decided: they asked to continue
    OPTED_OUT = "opted_out"  # decided: they want no more texts
    KEPT = "kept"  # decided: they do
    REACTED = "reacted"  # no words at all: a sign that they put to a message
    ELSEWHERE = "elsewhere"  # not theirs: a text to them that was not sent from here
    NOT_COPIED = "not_copied"  # no words either: a file of theirs that Slack does not have yet, and why
    SMS = "sms"  # the first text typed to them that went as SMS
    OURS = "ours"  # was taken for that, and was sent from here after all


class Inbound(Struct, frozen=True):
    """What a customer said, or somebody elsewhere said to them, as Sendblue tells it."""

    handle: str  # Sendblue's name for it, the same in each copy
    line: str  # E.164: which of our lines it came to
    customer: str  # E.164, or an e-mail address
    text: str  # all that can be said of it in words; may be empty
    files: tuple[str, ...]  # URLs; Sendblue removes what is there after thirty days
    at: datetime  # when it was written, by Sendblue's clock
    opted_out: bool = False  # what Sendblue says of the customer
    part: int = 1  # of what is too long for one post
    edited: bool = False  # it was known with other words
    notice: Notice = Notice.NONE  # what it is beside words, where that is known at once

    @property
    def is_group(self) -> bool:
        """Whether it was said to several people."""
        return self.customer.startswith("group:")

    @property
    def key(self) -> str:
        key = f"{'out' if self.notice is Notice.ELSEWHERE else 'in'}:{self.handle}"
        key = key if self.part == 1 else f"{key}:{self.part}"
        return f"{key}:{sha256(_plain(self.text).encode()).hexdigest()[:16]}" if self.edited else key

    def edits(self, known: str) -> bool:
        """Whether it has other words than those that are known of it; none, or forgotten ones, are no others."""
        return bool(known and _plain(self.text)) and _plain(self.text) != _plain(known)


WITHOUT_WORDS = "(no words)"
"""Stands for what was said without any: what is forgotten has an empty text."""


def _plain(text: str) -> str:
    """Return words as they are compared: Sendblue may spell the same ones in another way."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


class Message(Struct, frozen=True):
    """What somebody said. Nothing changes it but being shown, and forgetting."""

    id: UUID
    conversation_id: UUID
    seq: int  # its place in the conversation
    direction: str  # "out": to the customer; "in": from Sendblue; "held": not yet out; "note": for colleagues alone
    team: str  # the workspace its author acted in
    author: str  # a Slack user id; "" of a customer's
    answer_url: str  # of the command; Slack takes answers there for half an hour
    text: str  # all of it, however many parts it is sent in
    files: str  # what came with it: a URL a line, or of what people shared in Slack a name a line
    said_at: datetime  # when it was accepted; a customer's: when it was written
    to_show: bool = False  # in its thread, whose root does not show it
    showing: bool = False  # in the reply that is being posted right now
    notice: Notice = Notice.NONE
    calls: str = ""  # whom its post calls (`bot.domain.attention`)
    origin: str = "command"  # or "phone"; "typed" in a thread, "drafted" there while the names in it are not known
    held_until: datetime | None = None  # for so long it waits for its author's word

    @property
    def is_note(self) -> bool:
        return self.direction == "note"

    @property
    def words(self) -> str:
        """What is to be read of it, beside the names of its files."""
        return "" if self.files and self.text == WITHOUT_WORDS else self.text

    @property
    def inbound(self) -> bool:
        return self.direction == "in"

    @property
    def went_out(self) -> bool:
        """Whether the customer was told it, from wherever."""
        return self.direction == "out" or self.notice in (Notice.ELSEWHERE, Notice.OURS)

    def shown(self) -> "Message":
        return replace(self, to_show=self.to_show and not self.showing, showing=False)
