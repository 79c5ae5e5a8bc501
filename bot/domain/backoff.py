"""How long to wait before trying again. Pure: the caller brings the randomness."""

from collections.abc import Callable
from datetime import timedelta

Chance = Callable[[], float]  # returns a number in [0, 1)


def backoff(tries: int, chance: Chance, *, first: float, longest: float) -> timedelta:
    """Return a wait that doubles with every try, between `first` and `longest` seconds, with jitter.

    The upper half is random, so that many waiting at once do not come back at once, and nobody comes back
    sooner than half of what is due.
    """
    ceiling = min(longest, first * 2 ** min(tries, 30))
    return timedelta(seconds=ceiling * (1 + chance()) / 2)
