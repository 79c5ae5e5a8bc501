"""How far the list of what came in was read, for each line: a mark that moves when every page before it is stored."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from bot.storage.claims import Claimed
from bot.storage.engine import Transaction, one_by_one
from bot.storage.pacing import free_from, take_slots
from bot.storage.sql import Sql

_PACE = "inbound"  # the pacing key of whoever reads the list
_FIRST = timedelta(hours=24)  # how far back what came in to a new line is read


class Reading(Struct, frozen=True):
    """A line whose list is to be read."""

    key: str
    at: datetime  # what came before then, by Sendblue's clock, is stored
    fence: int


class ReadingCapacity(Struct, frozen=True):
    keys: Sequence[str]  # "inbound:" or "outbound:" and a line, of all lines
    lease: timedelta
    each: timedelta  # from one to the next, over all processes
    at_once: bool  # whether all are due now: this process has just begun


@one_by_one
def claim_reading(tx: Transaction, capacity: ReadingCapacity) -> Claimed[Reading]:
    """Claim the line that has waited longest, one at a time."""
    keys = list(capacity.keys)
    begin = {key: tx.now - (_FIRST if key.startswith("inbound:") else timedelta(0)) for key in keys}
    tx.each(_BEGIN, [{"key": key, "at": at} for key, at in begin.items()], now=tx.now)
    if capacity.at_once:
        tx.do(_NOT_OURS, keys=keys)
        tx.do(_AT_ONCE, keys=keys, now=tx.now)
    due_at: datetime | None = tx.ask(_NEXT, keys=keys).value()
    if due_at is None or due_at > tx.now:
        return Claimed([], due_at)
    if not take_slots(tx, {_PACE: tx.now + capacity.each}).column():
        return Claimed([], free_from(tx, _PACE))
    held = tx.ask(_CLAIM, keys=keys, now=tx.now, until=tx.now + capacity.lease).of(Reading)
    return Claimed(held, tx.ask(_NEXT, keys=keys).value())


_BEGIN = Sql("""
    INSERT INTO progress (key, at, due_at, fence) {values row.key, row.at, :now, 0} ON CONFLICT (key) DO NOTHING
""")
_NOT_OURS = Sql("DELETE FROM progress WHERE NOT key {among keys} AND substr(key, 1, 8) IN ('inbound:', 'outbound')")
_AT_ONCE = Sql("UPDATE progress SET due_at = :now WHERE key {among keys} AND due_at > :now")
_NEXT = Sql("SELECT min(due_at) AS due_at FROM progress WHERE key {among keys}")
_CLAIM = Sql("""
    UPDATE progress SET due_at = :until, fence = fence + 1 WHERE key IN (
        SELECT key FROM progress WHERE key {among keys} AND due_at <= :now ORDER BY due_at LIMIT 1 {lock skip locked}
    ) RETURNING key, at, fence
""")


class Read(Struct, frozen=True):
    """What became of a reading: the mark now, and when it is to be done again, or until when it goes on."""

    reading: Reading
    at: datetime
    due_in: timedelta


@one_by_one
def note_reading(tx: Transaction, read: Read) -> bool:
    """Store it; returns whether the claim was still held."""
    values = {"key": read.reading.key, "fence": read.reading.fence, "at": read.at, "due_at": tx.now + read.due_in}
    return bool(tx.ask(_NOTED, **values).column())


_NOTED = Sql("UPDATE progress SET at = :at, due_at = :due_at WHERE key = :key AND fence = :fence RETURNING key")
