"""Slots: at most one use of a key (a channel, a line) per interval, however many processes ask."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam

from bot.storage.dialect import insert_for
from bot.storage.tables import pacing

_NOW = bindparam("now", type_=pacing.c.next_at.type)
_ROW: dict[str, Any] = {"key": bindparam("key"), "next_at": bindparam("until")}
_TAKE = {
    dialect: new.values(_ROW)
    .on_conflict_do_update(
        index_elements=[pacing.c.key], set_={"next_at": new.excluded.next_at}, where=pacing.c.next_at <= _NOW
    )
    .returning(pacing.c.key)
    for dialect, new in insert_for(pacing).items()
}
_CLOSE = {
    dialect: new.values(_ROW).on_conflict_do_update(
        index_elements=[pacing.c.key],
        set_={"next_at": new.excluded.next_at},
        where=pacing.c.next_at < new.excluded.next_at,
    )
    for dialect, new in insert_for(pacing).items()
}


def take_slots(connection: Connection, keys: Iterable[str], now: datetime, interval: timedelta) -> set[str]:
    """Take the slot of each key that is free now; return those that were."""
    take, until = _TAKE[connection.dialect.name], now + interval
    wanted = sorted(set(keys))
    return {key for key in wanted if connection.scalar(take, {"key": key, "until": until, "now": now}) is not None}


def close_slot(connection: Connection, key: str, until: datetime) -> None:
    """Keep a key unused until then, or for longer if its slot was taken for longer: the neighbour said to wait."""
    connection.execute(_CLOSE[connection.dialect.name], {"key": key, "until": until})
