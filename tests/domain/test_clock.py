"""Time as the app gets it."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain import clock as clock_module
from bot.domain.clock import TheirClock, read_date, steady_clock


class Wall:
    """A wall clock somebody can set, and one that nobody can."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
        self.monotonic_at = 1000.0

    def now(self, zone: object) -> datetime:
        assert zone is UTC
        return self.wall

    def clock_gettime(self, which: int) -> float:
        assert which == time.CLOCK_BOOTTIME  # which goes on while the machine sleeps
        return self.monotonic_at


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    wall = Wall()
    monkeypatch.setattr(clock_module, "datetime", wall)
    monkeypatch.setattr(clock_module, "time", wall)
    return wall


def test_the_clock_starts_at_the_wall_s_time_in_utc():
    now = steady_clock()()
    assert now.utcoffset() == timedelta(0)
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)


@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(days=400)])
def test_a_wall_clock_that_is_set_neither_stops_nor_hurries_anything(wall, jump):
    clock = steady_clock()
    started = clock()
    wall.wall += jump
    wall.monotonic_at += 2.5
    assert clock() - started == timedelta(seconds=2.5)


def test_time_does_not_go_back():
    clock = steady_clock()
    times = [clock() for _ in range(1000)]
    assert times == sorted(times)


def test_a_neighbour_s_clock_goes_on_from_what_it_said_last(wall):
    theirs = TheirClock()
    assert theirs() is None
    theirs.heard("Fri, 20 Nov 2026 17:00:00 GMT")
    wall.wall += timedelta(hours=3)
    wall.monotonic_at += 4
    theirs.heard("not a date")
    theirs.heard(None)
    assert theirs() == datetime(2026, 11, 20, 17, 0, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    "header",
    [
        *(None, "", "tomorrow", "Fri, 99 Nov 2026 17:00:00 GMT", "\ud800"),
        *("Mon, 01 Jan 0999 00:00:00 +2359", "Fri, 31 Dec 9999 23:59:59 -2359", "Thu, 01 Jan 1970 00:00:00 GMT"),
    ],
)
def test_what_is_no_date_is_none(header):
    assert read_date(header) is None
