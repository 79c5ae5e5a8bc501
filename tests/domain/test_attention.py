"""Whom a customer's words call."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.attention import CHANNEL, Attention

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


def ago(**length: float) -> datetime:
    return NOW - timedelta(**length)


WROTE = Attention(last_at=ago(hours=2), author="U0ANA", author_at=ago(hours=2))


@pytest.mark.parametrize(
    ("before", "called"),
    [
        (WROTE, "U0ANA"),
        (Attention(last_at=ago(hours=2)), CHANNEL),  # nobody has written
        (Attention(last_at=ago(hours=2), author="U0ANA", author_at=ago(days=8)), CHANNEL),  # nobody for long
        (Attention(last_at=ago(hours=25), author="U0ANA", author_at=ago(hours=25)), CHANNEL),  # nobody looks there
        (Attention(last_at=NOW, author="U0ANA", author_at=NOW, burst_at=ago(minutes=2)), ""),  # they are told already
        (Attention(last_at=ago(minutes=4), author="U0ANA", author_at=ago(hours=1), burst_at=ago(minutes=4)), "U0ANA"),
    ],
)
def test_one_mention_or_the_channel_and_once_a_burst(before: Attention, called: str) -> None:
    assert before.called(NOW, NOW) == called


def test_what_was_written_long_ago_calls_nobody() -> None:
    assert WROTE.called(ago(minutes=61), NOW) is None
    assert WROTE.called(ago(minutes=59), NOW) == "U0ANA"


def test_what_comes_in_the_wrong_order_belongs_to_the_same_burst() -> None:
    told = Attention(last_at=NOW, author="U0ANA", author_at=ago(hours=1), burst_at=ago(minutes=1))
    assert told.called(ago(minutes=10), NOW) == ""
