"""Slots: at most one use of a key (a channel, a line) per interval, however many processes ask."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from bot.storage.prepared import Prepared, insert_for
from bot.storage.tables import pacing

_ROW: dict[str, Any] = {"key": bindparam("key"), "next_at": bindparam("until")}
_NEW = {dialect: new.values(_ROW) for dialect, new in insert_for(pacing).items()}
_NOW = bindparam("now", type_=pacing.c.next_at.type)
_TAKE = Prepared(
    {
        dialect: new.on_conflict_do_update(
            index_elements=[pacing.c.key], set_={"next_at": new.excluded.next_at}, where=pacing.c.next_at <= _NOW
        ).returning(pacing.c.key)
        for dialect, new in _NEW.items()
    }
)
_CLOSE = Prepared(
    {
        dialect: new.on_conflict_do_update(
            index_elements=[pacing.c.key],
            set_={"next_at": new.excluded.next_at},
            where=pacing.c.next_at < new.excluded.next_at,
        )
        for dialect, new in _NEW.items()
    }
)


def take_slots(connection: Connection, keys: Iterable[str], now: datetime, interval: timedelta) -> set[str]:
    """Take the slot of each key that is free now; return those that were."""
    until = now + interval
    return {key for key in sorted(set(keys)) if _TAKE.rows(connection, key=key, until=until, now=now)}


def close_slot(connection: Connection, key: str, until: datetime) -> None:
    """Keep a key unused until then, or for longer if its slot was taken for longer: the neighbour said to wait."""
    _CLOSE.rows(connection, key=key, until=until)


def give_back_slot(connection: Connection, key: str, until: datetime, now: datetime) -> None:
    """Free a slot that was taken until then and not used, unless the key was closed for longer meanwhile."""
    mine = (pacing.c.key == key) & (pacing.c.next_at == until)
    connection.execute(update(pacing).where(mine).values(next_at=now))


def free_from(connection: Connection, key: str) -> datetime | None:
    """Return from when on the key may be used; None when it never was."""
    found: datetime | None = connection.scalar(select(pacing.c.next_at).where(pacing.c.key == key))
    return found
