"""Slots: at most one use of a key (a channel, a line) per interval, however many processes ask."""

from collections.abc import Mapping
from datetime import datetime

from bot.storage.engine import Rows, Transaction
from bot.storage.sql import Sql

_PUT = """
    INSERT INTO pacing (key, next_at) {values row.key, row.next_at}
    ON CONFLICT (key) DO UPDATE SET next_at = excluded.next_at
"""
_TAKE = Sql(f"{_PUT} WHERE pacing.next_at <= :now RETURNING key")
_CLOSE = Sql(f"{_PUT} WHERE pacing.next_at < excluded.next_at")
_GIVE_BACK = Sql("UPDATE pacing SET next_at = :now WHERE key = :key AND next_at = :until")
_FREE_FROM = Sql("SELECT next_at FROM pacing WHERE key = :key")


def take_slots(tx: Transaction, until: Mapping[str, datetime]) -> Rows:
    """Take the slot of each key that is free now until then; the rows are those keys."""
    return tx.each(_TAKE, _in_order(until), now=tx.now)


def close_slots(tx: Transaction, until: Mapping[str, datetime]) -> None:
    """Keep keys unused until then, or for longer if a slot was taken for longer: the neighbour said to wait."""
    tx.each(_CLOSE, _in_order(until))


def give_back_slot(tx: Transaction, key: str, until: datetime) -> None:
    """Free a slot that was taken until then and not used, unless the key was closed for longer meanwhile."""
    tx.do(_GIVE_BACK, key=key, until=until, now=tx.now)


def free_from(tx: Transaction, key: str) -> datetime | None:
    """Return from when on the key may be used; None when it never was."""
    found: datetime | None = tx.ask(_FREE_FROM, key=key).value()
    return found


def _in_order(until: Mapping[str, datetime]) -> list[dict[str, object]]:
    return [{"key": key, "next_at": until[key]} for key in sorted(until)]  # so that no two wait for each other
