"""Time, as the rest of the house gets it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
"""Returns now, aware UTC. It never goes back while the process lives."""


def steady_clock() -> Clock:
    """Return a clock that starts at the wall's time and then follows the monotonic one.

    A wall clock set back by an hour would stop everything that is due for an hour, and one set forward would
    end every lease at once; this one does neither.
    """
    started_at, started = datetime.now(UTC), time.monotonic()
    return lambda: started_at + timedelta(seconds=time.monotonic() - started)
