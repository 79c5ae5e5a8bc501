"""Whom a customer's words call: one mention per burst, or the whole channel, or nobody. Pure.

Slack tells only those who follow a thread of a new reply. A mention that is added by an edit tells nobody, so whom
a message calls is decided once, when it is taken in.
"""

from datetime import datetime, timedelta

from msgspec import Struct

CHANNEL = "*"  # calls everybody: the reply is shown in the channel, too

_BURST = timedelta(minutes=3)  # what follows within that time belongs to the same burst
_RECENT = timedelta(days=7)  # who wrote longer ago is not called
_SILENT = timedelta(days=1)  # after that nobody is expected to look into the thread
_OLD = timedelta(hours=1)  # nobody is called for what was written longer ago


class Attention(Struct, frozen=True):
    """What a conversation remembers of who wrote in it, and when."""

    last_at: datetime | None = None  # something was said last
    author: str | None = None  # who of us wrote last: a Slack user id, and when
    author_at: datetime | None = None
    burst_at: datetime | None = None  # the newest of what the customer wrote and people were told at the time

    def called(self, said_at: datetime, now: datetime) -> str | None:
        """Return whom words call: a Slack user id, CHANNEL, or "" for nobody; None if they are too old to count."""
        if is_old(said_at, now):
            return None
        if self.burst_at is not None and said_at - self.burst_at < _BURST:
            return ""
        silent = self.is_silent(now)
        recent = self.author_at is not None and now - self.author_at < _RECENT
        return self.author if self.author and recent and not silent else CHANNEL

    def is_silent(self, now: datetime) -> bool:
        """Whether nothing was said for so long that nobody looks into the thread."""
        return self.last_at is None or now - self.last_at > _SILENT


def is_old(said_at: datetime, now: datetime) -> bool:
    return now - said_at > _OLD
