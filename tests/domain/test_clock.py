"""Time as the house gets it."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain import clock as clock_module
from bot.domain.clock import steady_clock


class Wall:
    """A wall clock somebody can set, and a monotonic one nobody can."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
        self.monotonic_at = 1000.0

    def now(self, zone: object) -> datetime:
        assert zone is UTC
        return self.wall

    def monotonic(self) -> float:
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
