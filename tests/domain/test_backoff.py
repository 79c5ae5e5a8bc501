"""How long to wait before asking again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.backoff import backoff

chances = st.floats(0, 1, exclude_max=True)


def seconds(tries: int, chance: float = 0.0, first: float = 1, longest: float = 60) -> float:
    return backoff(tries, lambda: chance, first=first, longest=longest).total_seconds()


@pytest.mark.parametrize(("tries", "least"), [(0, 0.5), (1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (7, 30), (10**9, 30)])
def test_the_wait_doubles_until_it_is_long_enough(tries, least):
    assert seconds(tries) == least


@settings(deadline=None)
@given(tries=st.integers(0, 10**6), chance=chances, first=st.floats(0.01, 600), longest=st.floats(0.01, 90_000))
def test_nobody_waits_less_than_half_of_what_is_due_or_longer_than_the_longest(tries, chance, first, longest):
    due = min(longest, first * 2 ** min(tries, 30))
    wait = seconds(tries, chance, first, longest)
    assert due / 2 - 1e-6 <= wait <= due + 1e-6
    assert wait <= longest + 1e-6


def test_many_waiting_at_once_do_not_come_back_at_once():
    assert len({seconds(3, chance / 10) for chance in range(10)}) == 10
