"""Slots: at most one use of a key (a channel, a line) per interval, however many processes ask."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from bot.storage.dialect import insert
from bot.storage.tables import pacing


def take_slots(connection: Connection, keys: Iterable[str], now: datetime, interval: timedelta) -> set[str]:
    """Take the slot of each key that is free now; return those that were."""
    rows = [{"key": key, "next_at": now + interval} for key in sorted(set(keys))]
    if not rows:
        return set()
    statement = insert(connection, pacing).values(rows)
    statement = statement.on_conflict_do_update(
        index_elements=[pacing.c.key],
        set_={"next_at": statement.excluded.next_at},
        where=pacing.c.next_at <= now,
    )
    return set(connection.scalars(statement.returning(pacing.c.key)))


def close_slot(connection: Connection, key: str, until: datetime) -> None:
    """Keep a key unused until then, or for longer if its slot was taken for longer: the neighbour said to wait."""
    statement = insert(connection, pacing).values(key=key, next_at=until)
    statement = statement.on_conflict_do_update(
        index_elements=[pacing.c.key], set_={"next_at": until}, where=pacing.c.next_at < until
    )
    connection.execute(statement)
