"""Who asked for no more texts from this account, and the words that say so."""

import unicodedata
from collections.abc import Callable

from sandbox.sendblue.faults import SendblueFaults

STOP_WORDS = frozenset({"stop", "unsubscribe", "cancel", "opt out", "revoke", "end", "quit"})
"""Source: Sendblue's support pages, "How does the Opt-Out feature work?"."""
START_WORD = "start"


class OptOuts:
    """Numbers that opted out of the account: all its lines are refused alike."""

    def __init__(self, faults: SendblueFaults) -> None:
        self._faults = faults
        self._numbers: set[str] = set()
        self.changed: Callable[[], None] = lambda: None

    def __contains__(self, number: str) -> bool:
        """Whether texts to `number` are refused: it said STOP, or the switch says so of everybody."""
        return self._faults.opted_out or number in self._numbers

    @property
    def numbers(self) -> list[str]:
        """Those who said STOP themselves, and not START since."""
        return sorted(self._numbers)

    def hear(self, number: str, text: str) -> None:
        """Take note of what a customer wrote."""
        word = keyword(text)
        if word in STOP_WORDS or word == START_WORD:
            self.set(number, opted_out=word in STOP_WORDS)

    def set(self, number: str, *, opted_out: bool) -> None:
        """Take note of what somebody decided."""
        (self._numbers.add if opted_out else self._numbers.discard)(number)
        self.changed()


def keyword(text: str) -> str:
    """Return a whole message as it is compared: no case, single spaces, no punctuation at its end."""
    words = " ".join(text.casefold().split())
    while words and (words[-1].isspace() or unicodedata.category(words[-1]).startswith("P")):
        words = words[:-1]
    return words
