"""Texts that certainly did not go out and are tried again, and those that wait behind them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.delivery import Delivery
from bot.domain.send import Send
from bot.storage.conversations import let_out
from bot.storage.engine import Transaction
from bot.storage.pacing import close_slots
from bot.storage.rows import load_sends
from bot.storage.sql import Sql
from bot.storage.waking import wake_threads


class Release(Struct, frozen=True):
    """A claimed send that certainly did not go out."""

    send: Send
    wait: timedelta  # until it is tried again: a length, because clocks may be set meanwhile
    line_rests: timedelta | None = None  # so long
    why: str = ""  # what its root says meanwhile; "" while that is not worth saying


_RELEASE = Sql("{update sends: delivery, send_at, error_code}")


def release_sends(tx: Transaction, items: Sequence[Release]) -> list[bool]:
    """Give claims back. Returns whether they were still held."""
    rests = sorted((item.send.words.line, item.line_rests) for item in items if item.line_rests is not None)
    close_slots(tx, {line: tx.now + rest for line, rest in dict(rests).items()})  # the longest of each line
    before = load_sends(tx, {item.send.id for item in items}, lock=True)
    held = [_is_held(before[item.send.id], item.send) for item in items]
    released = [item for item, still in zip(items, held, strict=True) if still]
    rows = [
        {"id": item.send.id, "delivery": Delivery.ACCEPTED, "send_at": tx.now + item.wait, "error_code": item.why}
        for item in released
    ]
    tx.each(_RELEASE, rows)
    wake_threads(tx, before, [_waiting(before[item.send.id], item, tx.now) for item in released if item.why])
    return held


def _is_held(send: Send, claimed: Send) -> bool:
    return send.schedule.fence == claimed.schedule.fence and send.known.delivery is Delivery.SENDING


def _waiting(send: Send, item: Release, now: datetime) -> Send:
    known = replace(send.known, delivery=Delivery.ACCEPTED, error_code=item.why)
    return replace(send, known=known, schedule=replace(send.schedule, lease_until=now + item.wait))


class BusyLine(Struct, frozen=True):
    """A line from which Sendblue takes nothing for so long."""

    line: str
    rests: timedelta
    why: str  # what the roots of its other texts say meanwhile


_MOST_TOLD = 50  # roots are edited once a second, and the first of a queue wait for news most

_BEHIND = Sql("""
    SELECT sends.id FROM sends JOIN threads ON threads.id = sends.thread_id
    WHERE line = :line AND delivery = 0 AND (send_at <= :until OR send_at IS NULL) AND error_code = ''
    AND root_ts IS NOT NULL
    ORDER BY threads.id LIMIT :most {lock skip locked}
""")
_SAY_WHY = Sql("UPDATE sends SET error_code = :why WHERE id {among ids}")


def tell_of_busy_lines(tx: Transaction, items: Sequence[BusyLine]) -> list[None]:
    """Have the roots of texts that wait behind another one on a busy line say so."""
    threads = set()
    for item in sorted(items, key=lambda item: item.line):
        ids = tx.ask(_BEHIND, line=item.line, until=tx.now + item.rests, most=_MOST_TOLD).column()
        if ids:
            before = load_sends(tx, ids)
            threads |= {send.thread_id for send in before.values()}
            tx.do(_SAY_WHY, ids=ids, why=item.why)
            told = [replace(one, known=replace(one.known, error_code=item.why)) for one in before.values()]
            wake_threads(tx, before, told)
    let_out(tx, threads)  # nobody else could let go what was locked here
    return [None for _ in items]


_UNSENT = Sql("SELECT id FROM sends WHERE delivery = 0 AND accepted_at < :cutoff ORDER BY accepted_at LIMIT 100")


def unsent_since(tx: Transaction, cutoff: datetime) -> list[UUID]:
    """Return sends accepted before `cutoff` that nobody has tried to send yet, oldest first, 100 at most."""
    return tx.ask(_UNSENT, cutoff=cutoff).column()


_END_LEASES = (
    Sql("UPDATE sends SET send_at = :now WHERE delivery = 10 AND send_at IS NOT NULL"),
    # What is patient is held by nobody: it waits until an edit that nobody answered cannot come any more.
    Sql("UPDATE threads SET due_at = :now WHERE lane = 2 AND due_at > :now AND NOT patient"),
    Sql("UPDATE threads SET due_at = :now WHERE lane < 2 AND due_at > :now AND NOT patient"),
    Sql("UPDATE private_notes SET due_at = :now WHERE due_at > :now"),
)
_FORGET_SLOTS = Sql("DELETE FROM pacing WHERE next_at > :later")


def end_leases(tx: Transaction, items: Sequence[None]) -> list[None]:
    """Take over at once what a dead process held. Only when no other process can be alive."""
    for statement in _END_LEASES:
        tx.do(statement, now=tx.now)
    tx.do(_FORGET_SLOTS, later=tx.now + timedelta(minutes=1))
    return list(items)
