"""Whether a customer wants no more texts: which words say so, and who has the last word. Pure.

Words: the seven that 47 CFR 64.1200(a)(10) names, and those that Twilio, Telnyx and AWS take besides. Only a whole
message counts, whatever its case, spaces and punctuation; Sendblue and the carriers compare alike.
"""

import re
import unicodedata
from datetime import datetime, timedelta
from enum import Enum
from typing import Self

from msgspec import Struct
from msgspec.structs import replace


class Wish(Enum):
    """What an inbound message asks for."""

    STOP = "stop"  # no more texts: certain enough to obey at once
    START = "start"  # texts again
    YES = "yes"  # the same, but only of somebody who has opted out
    PERHAPS_STOP = "perhaps_stop"  # people are to decide


_STOP = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "arret"})
_START = frozenset({"start", "unstop"})
_LOOSE = re.compile(
    r"\b(stop (texting|messaging|contacting|sending|writing)|leave me alone|(do not|don't|dont) (text|message|contact)"
    r"|no mas|deja de|arrete[zr]?|remove me|take me off|unsubscribe me|opt (me )?out|wrong number)\b"
)


def wish(text: str) -> Wish | None:
    """Return what a message wishes, if it says so."""
    plain = text.casefold() if text.isascii() else _without_marks(text)
    word = re.sub(r"[\W_]+", "", plain).removesuffix("please").removeprefix("please")
    if word in _STOP:
        return Wish.STOP
    if word in _START:
        return Wish.START
    if word == "yes":
        return Wish.YES
    return Wish.PERHAPS_STOP if _LOOSE.search(" ".join(plain.split())) else None


def _without_marks(text: str) -> str:
    """Return it without accents, in the plainest letters."""
    plain = unicodedata.normalize("NFKD", text.replace("’", "'")).casefold()
    return "".join(character for character in plain if not unicodedata.combining(character))


class OptOut(Struct, frozen=True):
    """The newest STOP and the newest word against it, by the vendor's clock. A join: any order, any copies."""

    stopped_at: datetime | None = None
    lifted_at: datetime | None = None

    @property
    def stands(self) -> bool:
        """Whether nothing may be sent. What came at the same time counts as STOP."""
        if self.stopped_at is None:
            return False
        return self.lifted_at is None or self.stopped_at >= self.lifted_at

    def stopped(self, at: datetime) -> Self:
        """Return it after a STOP, or a flag of Sendblue's that says so."""
        return replace(self, stopped_at=at if self.stopped_at is None else max(self.stopped_at, at))

    def closed(self, now: datetime) -> Self:
        """Return it after an answer of Sendblue's, or a person's decision, by our clock: nothing known is newer."""
        return self.stopped(max(now, self.lifted_at or now))

    def undone(self, now: datetime) -> Self:
        """Return it after somebody wrote down that they want texts again: a STOP that comes after this one counts."""
        return self.lifted(now if self.stopped_at is None else self.stopped_at + timedelta(microseconds=1))

    def lifted(self, at: datetime) -> Self:
        """Return it after a START."""
        return replace(self, lifted_at=at if self.lifted_at is None else max(self.lifted_at, at))
