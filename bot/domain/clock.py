"""Time, as the rest of the bot gets it.

Whatever waits follows a clock that nobody can set. The wall's time is for what people read, and for what the database
compares with itself.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

Clock = Callable[[], datetime]  # returns now, aware UTC; never goes back while the process lives

_COUNTED = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux counts the time asleep in the first only, macOS in the second, too."""


def elapsed() -> float:
    """Return seconds since some moment, those included for which the machine slept."""
    return time.clock_gettime(_COUNTED)


def steady_clock() -> Clock:
    """Return a clock that starts at the wall's time and then follows `elapsed`.

    A wall clock set back by an hour would stop everything that is due for an hour, and one set forward would end every
    lease at once; this one does neither.
    """
    started_at, started = datetime.now(UTC), elapsed()
    return lambda: started_at + timedelta(seconds=elapsed() - started)


def read_date(header: str | None) -> datetime | None:
    """Return the time in a `Date` header (aware UTC, whole seconds), None where there is none that can be true."""
    try:
        found = parsedate_to_datetime(header) if header else None
    except ValueError:
        return None
    if found is None or not 2000 <= found.year < 3000:  # near the ends of the calendar nothing can be added
        return None
    return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)


class TheirClock:
    """A neighbour's clock, by the last `Date` header it sent; None before the first. Times in its answers go by it."""

    def __init__(self) -> None:
        self._said: tuple[datetime, float] | None = None

    def heard(self, header: str | None) -> None:
        if (said := read_date(header)) is not None:
            self._said = (said, elapsed())

    def __call__(self) -> datetime | None:
        return self._said and self._said[0] + timedelta(seconds=elapsed() - self._said[1])
