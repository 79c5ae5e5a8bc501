"""What is due, and who does it: every claim is one guarded UPDATE with a lease and a fence.

A claim raises the fence; whoever finishes must still hold it. So a process that slept past its lease cannot
finish what another has taken over meanwhile.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Connection, Table, case, func, select, update

from bot.storage.tables import pacing

T = TypeVar("T")


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


@dataclass(frozen=True, slots=True)
class Waiting:
    """Rows that wait their turn: `due` says since when, and rows of one `key` share its slots (see pacing)."""

    table: Table
    due: Column[datetime]
    key: ColumnElement[str]

    def first_per_key(
        self, connection: Connection, now: datetime, which: ColumnElement[bool], room: int
    ) -> dict[UUID, str]:
        """Return for each key whose slot is free the id of the row that has been due longest."""
        place = func.row_number().over(partition_by=self.key, order_by=self.due).label("place")
        ranked = (
            select(self.table.c.id, self.key.label("key"), place)
            .outerjoin(pacing, pacing.c.key == self.key)
            .where(self.due <= now, which, func.coalesce(pacing.c.next_at, now) <= now)
            .subquery()
        )
        rows = connection.execute(select(ranked.c.id, ranked.c.key).where(ranked.c.place == 1).limit(room))
        return {row.id: row.key for row in rows}

    def hold(
        self, connection: Connection, now: datetime, ids: Iterable[UUID], lease: timedelta, **values: Any
    ) -> list[UUID]:
        """Claim those that are still due; return their ids."""
        wanted = list(ids)
        if not wanted:
            return []
        free = select(self.table.c.id).where(self.table.c.id.in_(wanted), self.due <= now)
        claim = update(self.table).where(self.table.c.id.in_(free.with_for_update(skip_locked=True).scalar_subquery()))
        claim = claim.values({**values, "fence": self.table.c.fence + 1, self.due.name: now + lease})
        return list(connection.scalars(claim.returning(self.table.c.id)))

    def soonest(self, connection: Connection, now: datetime) -> datetime | None:
        """Return when the next row is due and its slot is free; never earlier than now."""
        found = self.doable_since(connection)
        return found if found is None else max(found, now)

    def doable_since(self, connection: Connection) -> datetime | None:
        """Return since when, or from when on, the next row is due and its slot is free."""
        free_at = func.coalesce(pacing.c.next_at, self.due)
        when = case((free_at > self.due, free_at), else_=self.due)
        query = select(func.min(when)).outerjoin_from(self.table, pacing, pacing.c.key == self.key)
        found: datetime | None = connection.scalar(query.where(self.due.is_not(None)))
        return found

    def waiting_for_slot(self, connection: Connection, now: datetime) -> int:
        """Return how many rows are due whose slot is taken."""
        query = select(func.count()).select_from(self.table).join(pacing, pacing.c.key == self.key)
        return connection.scalar(query.where(self.due <= now, pacing.c.next_at > now)) or 0
