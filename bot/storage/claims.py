"""What is due, and who does it: every claim is one guarded UPDATE with a lease and a fence.

A claim raises the fence; whoever finishes must still hold it. So a process that slept past its lease cannot
finish what another has taken over meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic
from uuid import UUID

from bot.storage.engine import Rows, T, Transaction
from bot.storage.pacing import take_slots
from bot.storage.sql import Sql

_SLACK = 10  # a slot free for less than a tenth of its interval counts from when it became free, or latency adds up


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much somebody is ready to do, how long they may hold it, how far apart uses of one key must be."""

    count: int
    lease: timedelta
    interval: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Claimed(Generic[T]):
    items: list[T]  # what somebody got to do
    soonest: datetime | None  # when to ask again at the latest; None: when woken
    abandoned: list[UUID] = field(default_factory=list)
    opted_out: list[UUID] = field(default_factory=list)  # sends to customers who want none, so nobody gets to do them


@dataclass(frozen=True, slots=True)
class Head:
    """A row that may be claimed once it is due and the slot of its key is free."""

    id: UUID
    key: str  # "" where it needs no slot
    due_at: datetime
    next_at: datetime | None
    opened: bool  # of a thread: whether its root stands

    @property
    def when(self) -> datetime:
        return max(self.due_at, self.next_at or self.due_at)

    def slot_until(self, now: datetime, interval: timedelta) -> datetime:
        """Return until when its key is used if it goes now."""
        return now + interval if self.next_at is None else max(self.next_at, now - interval / _SLACK) + interval


class Queue:
    """Rows that wait their turn, for each key in a queue of its own, whose rows share its slots (see `pacing`).

    Asking costs what there are keys, not what is due: the first of each queue is found by stepping through an index on
    key and due.

    which: rows that queue, as the index says it. held: what is read of a claimed row. changes: what a claim does to it,
    beside its lease and its fence; may use the parameter `:now`. unless: of which rows no claim is made.
    """

    def __init__(
        self,
        table: str,
        *,
        due: str,
        key: str,
        which: str,
        held: str,
        changes: str = "",
        unless: str = "false",
        opened: str = "false",
    ) -> None:
        self._heads = _heads(table, due, key, which, opened)
        claim = f"UPDATE {table} SET fence = fence + 1, {due} = :until {changes}"
        self._hold = Sql(
            f"""
            WITH row AS (SELECT row.* {{from id, key, next_at}}),
            taken AS (
                INSERT INTO pacing (key, next_at) SELECT key, next_at FROM row WHERE key <> '' ORDER BY key
                ON CONFLICT (key) DO UPDATE SET next_at = excluded.next_at WHERE pacing.next_at <= :now RETURNING key
            ),
            slots AS MATERIALIZED (SELECT array_agg(key::text) AS keys FROM taken)
            {claim} WHERE id IN (
                SELECT {table}.id FROM {table} JOIN row ON row.id = {table}.id
                WHERE {due} <= :now AND NOT {unless}
                AND (row.key = '' OR row.key = ANY((SELECT keys FROM slots)::text[]))
                FOR UPDATE OF {table} SKIP LOCKED
            ) RETURNING {held}
            """,
            # It can neither insert in the middle of an UPDATE, nor need it: nobody comes between the two.
            sqlite=f"{claim} WHERE id = :id AND {due} <= :now AND NOT {unless} RETURNING {held}",
        )
        self._waiting_for_slot = Sql(
            f"SELECT count(*) FROM {table} JOIN pacing ON pacing.key = {table}.{key} "
            f"WHERE {which} AND {due} <= :now AND pacing.next_at > :now"
        )

    def heads(self, tx: Transaction) -> Rows:
        """Ask for the first of each queue (see `Head`)."""
        return tx.ask(self._heads)

    def hold(self, tx: Transaction, heads: Sequence[Head], capacity: Capacity) -> Rows:
        """Claim those that may go, with the slots of their keys; return what is held of them."""
        slots = {head.key: head.slot_until(tx.now, capacity.interval) for head in heads if head.key}
        if tx.alone:
            taken = {"", *take_slots(tx, slots).column()}
            heads = [head for head in heads if head.key in taken]
        rows = [{"id": head.id, "key": head.key, "next_at": slots.get(head.key)} for head in heads]
        return tx.each(self._hold, rows, until=tx.now + capacity.lease, now=tx.now)

    def waiting_for_slot(self, tx: Transaction) -> int:
        """Return how many rows are due whose slot is taken. Costs what is due."""
        return int(tx.ask(self._waiting_for_slot, now=tx.now).value())


def _heads(table: str, due: str, key: str, which: str, opened: str) -> Sql:
    waiting = f"SELECT id FROM {table} WHERE {which} AND {due} IS NOT NULL"
    first = f"ORDER BY {key}, {due} LIMIT 1"
    return Sql(f"""
        WITH RECURSIVE heads(id, key, due_at, opened) AS (
            SELECT id, {key}, {due}, {opened} FROM {table} WHERE id = ({waiting} {first})
            UNION ALL
            SELECT following.id, following.{key}, following.{due}, {opened} FROM heads
            JOIN {table} AS following ON following.id = ({waiting} AND {key} > heads.key {first})
        )
        SELECT heads.id, heads.key, heads.due_at, pacing.next_at, heads.opened FROM heads
        LEFT JOIN pacing ON pacing.key = heads.key
    """)


def next_to_go(tx: Transaction, heads: Sequence[Head], capacity: Capacity) -> tuple[list[Head], datetime | None]:
    """Return the heads that may go, the longest waiting first, and when the queues are worth another question."""
    ready = sorted((head for head in heads if head.when <= tx.now), key=lambda head: head.when)[: capacity.count]
    going = {head.id for head in ready}
    again = [
        head.slot_until(tx.now, capacity.interval) if head.id in going else head.when
        for head in heads
        if head.key or head.id not in going
    ]
    return ready, min(again, default=None)
