"""What is due, and who does it: every claim is one guarded UPDATE with a lease and a fence.

A claim raises the fence; whoever finishes must still hold it. So a process that slept past its lease cannot
finish what another has taken over meanwhile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import BindParameter, Column, ColumnElement, Connection, bindparam, func, outerjoin, select, update

from bot.storage.pacing import take_slots
from bot.storage.prepared import Prepared, Row, among
from bot.storage.tables import pacing

T = TypeVar("T")

NOW: BindParameter[datetime] = bindparam("now", type_=pacing.c.next_at.type)


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
class Head:
    """The row of a key that has been due longest, and when it may go: due, and its key's slot free."""

    id: UUID
    key: str
    when: datetime


class Queues:
    """Rows that wait their turn, one queue for each key, whose rows share its slots (see pacing).

    Asking costs what there are keys, not what is due: the first of each queue is found by stepping through an index on
    key and due.

    which: rows that queue, as the index says it. held: the columns of a claimed row. changes: what a claim does to it,
    beside its lease and its fence; may use the parameter `now`.
    """

    def __init__(
        self,
        due: Column[datetime],
        key: Column[str],
        which: ColumnElement[bool],
        held: Sequence[Column[Any]],
        changes: Mapping[str, Any] | None = None,
    ) -> None:
        table, queued = due.table, which & due.is_not(None)
        keys = select(func.min(key).label("key")).where(queued).cte("keys", recursive=True)
        following = select(func.min(key)).where(queued, key > keys.c.key).scalar_subquery()
        keys = keys.union_all(select(following).where(keys.c.key.is_not(None)))
        first = select(table.c.id).where(queued, key == keys.c.key).order_by(due).limit(1).scalar_subquery()
        since = select(func.min(due)).where(queued, key == keys.c.key).scalar_subquery()
        with_slot = outerjoin(keys, pacing, pacing.c.key == keys.c.key)
        heads = select(first.label("id"), keys.c.key, since.label("due"), pacing.c.next_at).select_from(with_slot)
        self._heads = Prepared(heads.where(keys.c.key.is_not(None)))
        free = select(table.c.id).where(among(table.c.id), due <= NOW).with_for_update(skip_locked=True)
        claim = {**(changes or {}), "fence": table.c.fence + 1, due.name: bindparam("until")}
        hold = update(table).where(table.c.id.in_(free.scalar_subquery())).values(claim)
        self._hold = Prepared(hold.returning(*held))
        taken = select(func.count()).select_from(table).join(pacing, pacing.c.key == key)
        self._taken = Prepared(taken.where(queued, due <= NOW, pacing.c.next_at > NOW))

    def heads(self, connection: Connection) -> list[Head]:
        """Return the first of each queue, the longest waiting in front."""
        rows = self._heads.rows(connection)
        heads = (Head(row_id, key, max(due, free_at or due)) for row_id, key, due, free_at in rows)
        return sorted(heads, key=lambda head: head.when)

    def hold(self, connection: Connection, now: datetime, ids: Sequence[UUID], lease: timedelta) -> list[Row]:
        """Claim those that are still due; return what is held of them."""
        return self._hold.rows(connection, among=ids, now=now, until=now + lease) if ids else []

    def waiting_for_slot(self, connection: Connection, now: datetime) -> int:
        """Return how many rows are due whose slot is taken. Costs what is due."""
        [[count]] = self._taken.rows(connection, now=now)
        return int(count)


def with_slots(
    connection: Connection, now: datetime, heads: Sequence[Head], ask: Ask
) -> tuple[list[UUID], list[datetime]]:
    """Take the slots of the heads that may go; return these, and when the queues are worth another look."""
    ready = {head.id: head.key for head in [head for head in heads if head.when <= now][: ask.room]}
    slots = take_slots(connection, ready.values(), now, ask.interval)
    looks = [now + ask.interval if head.id in ready else head.when for head in heads]
    return [row_id for row_id, key in ready.items() if key in slots], looks
