"""Ids are new, and sort by time."""

from datetime import UTC, datetime, timedelta

from bot.domain.ids import new_id

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_ids_of_one_moment_differ() -> None:
    assert len({new_id(NOW) for _ in range(10_000)}) == 10_000


def test_a_later_id_sorts_later() -> None:
    ids = [new_id(NOW + timedelta(milliseconds=number)) for number in range(1000)]
    assert ids == sorted(ids)


def test_it_is_what_rfc_9562_calls_version_seven() -> None:
    made = new_id(NOW)
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == NOW.timestamp() * 1000
