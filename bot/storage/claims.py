"""What is due, and who does it: every claim is one guarded UPDATE with a lease and a fence.

A claim raises the fence; whoever finishes must still hold it. So a process that slept past its lease cannot
finish what another has taken over meanwhile.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    Table,
    bindparam,
    case,
    func,
    outerjoin,
    select,
    update,
)

from bot.storage.tables import pacing

T = TypeVar("T")

NOW: BindParameter[datetime] = bindparam("now", type_=pacing.c.next_at.type)
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)


@dataclass(frozen=True, slots=True)
class Ask:
    """How much somebody is ready to do, how long they may hold it, how far apart uses of one key must be."""

    room: int
    lease: timedelta
    interval: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Claimed(Generic[T]):
    """What somebody got to do, and when to ask again at the latest (None: when woken)."""

    items: list[T]
    soonest: datetime | None
    abandoned: list[UUID] = field(default_factory=list)


class Waiting:
    """Rows that wait their turn. Its statements are built once: building one costs more than running it.

    due: since when. key: rows of one key share its slots (see pacing). which: those that need a slot. changes: what a
    claim does to a row, beside its lease and its fence; may use the parameter `now`.
    """

    def __init__(
        self,
        table: Table,
        due: Column[datetime],
        key: ColumnElement[str],
        which: ColumnElement[bool],
        changes: Mapping[str, Any] | None = None,
    ) -> None:
        due_now, slot_free = due <= NOW, func.coalesce(pacing.c.next_at, NOW) <= NOW
        with_slot = outerjoin(table, pacing, pacing.c.key == key)
        place = func.row_number().over(partition_by=key, order_by=due).label("place")
        ranked = select(table.c.id, key.label("key"), place).select_from(with_slot).where(due_now, which, slot_free)
        of_rank = ranked.subquery()
        self._first = select(of_rank.c.id, of_rank.c.key).where(of_rank.c.place == 1).limit(bindparam("room"))
        free = select(table.c.id).where(table.c.id.in_(_IDS), due_now).with_for_update(skip_locked=True)
        claim = {**(changes or {}), "fence": table.c.fence + 1, due.name: bindparam("until")}
        self._hold = update(table).where(table.c.id.in_(free.scalar_subquery())).values(claim).returning(table.c.id)
        free_at = func.coalesce(pacing.c.next_at, due)
        when = func.min(case((free_at > due, free_at), else_=due))
        self._soonest = select(when).select_from(with_slot).where(due.is_not(None))
        taken = select(func.count()).select_from(table).join(pacing, pacing.c.key == key)
        self._taken = taken.where(due_now, pacing.c.next_at > NOW)

    def first_per_key(self, connection: Connection, now: datetime, room: int) -> dict[UUID, str]:
        """Return for each key whose slot is free the id of the row that has been due longest."""
        return {row.id: row.key for row in connection.execute(self._first, {"now": now, "room": room})}

    def hold(self, connection: Connection, now: datetime, ids: Iterable[UUID], lease: timedelta) -> list[UUID]:
        """Claim those that are still due; return their ids."""
        wanted = list(ids)
        if not wanted:
            return []
        return list(connection.scalars(self._hold, {"ids": wanted, "now": now, "until": now + lease}))

    def soonest(self, connection: Connection, now: datetime) -> datetime | None:
        """Return when the next row is due and its slot is free; never earlier than now."""
        found = self.doable_since(connection)
        return found if found is None else max(found, now)

    def doable_since(self, connection: Connection) -> datetime | None:
        """Return since when, or from when on, the next row is due and its slot is free."""
        found: datetime | None = connection.scalar(self._soonest)
        return found

    def waiting_for_slot(self, connection: Connection, now: datetime) -> int:
        """Return how many rows are due whose slot is taken."""
        return connection.scalar(self._taken, {"now": now}) or 0
