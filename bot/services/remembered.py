"""What was found out by asking a neighbour, for as long as it counts."""

from datetime import datetime, timedelta
from typing import Generic, TypeVar

from bot.domain.clock import Clock

K = TypeVar("K")
V = TypeVar("V")

_MOST = 10_000


class Remembered(Generic[K, V]):
    """Answers by what was asked. A clock that was set back makes all of them old."""

    def __init__(self, clock: Clock, counts_for: timedelta) -> None:
        self._clock, self._counts_for = clock, counts_for
        self._known: dict[K, tuple[datetime, V]] = {}

    def __contains__(self, asked: K) -> bool:
        known = self._known.get(asked)
        return known is not None and timedelta(0) <= self._clock() - known[0] <= self._counts_for

    def __getitem__(self, asked: K) -> V:
        return self._known[asked][1]

    def __setitem__(self, asked: K, answer: V) -> None:
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[asked] = (self._clock(), answer)
