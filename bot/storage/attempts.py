"""The sender's work: which message may be sent now, and which one has waited for too long."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, select, update

from bot.domain.delivery import Delivery
from bot.domain.message import Message
from bot.storage.claims import NOW, Ask, Claimed, Queues, with_slots
from bot.storage.messages import wake_threads
from bot.storage.pacing import close_slot
from bot.storage.prepared import Prepared
from bot.storage.rows import MESSAGE, load_messages, message_of
from bot.storage.tables import OTHERS, POSTING, UNSENT, messages, pacing, threads

SENDS = Queues(
    messages.c.send_at,
    messages.c.line,
    UNSENT,
    MESSAGE,
    {"delivery": Delivery.SENDING, "since": NOW, "attempts": messages.c.attempts + 1, "attempted_at": NOW},
)
_ABANDONED = Prepared(select(messages.c.id).where(messages.c.send_at <= NOW, messages.c.delivery == Delivery.SENDING))


def claim_sends(connection: Connection, now: datetime, items: Sequence[Ask]) -> list[Claimed[Message]]:
    """Claim one unsent message per free line. From here on it counts as possibly sent.

    `abandoned` are those somebody claimed and never finished: nobody knows whether they went out.
    """
    return [_claim_sends(connection, now, ask) for ask in items]


def _claim_sends(connection: Connection, now: datetime, ask: Ask) -> Claimed[Message]:
    ids, looks = with_slots(connection, now, SENDS.heads(connection), ask)
    held = SENDS.hold(connection, now, ids, ask.lease)
    abandoned = _ABANDONED.column(connection, now=now)
    return Claimed([message_of(row) for row in held], min(looks, default=None), abandoned)


@dataclass(frozen=True, slots=True)
class Release:
    """A claimed message that certainly did not go out: try again at `at`; its line rests until line_until.

    why: what its root says meanwhile; "" while that is not worth saying.
    """

    message: Message
    at: datetime
    line_until: datetime | None = None
    why: str = ""


def release_sends(connection: Connection, now: datetime, items: Sequence[Release]) -> list[bool]:
    """Give claims back. Returns whether they were still held."""
    for line, until in sorted({(item.message.line, item.line_until) for item in items if item.line_until is not None}):
        close_slot(connection, line, until)
    before = load_messages(connection, {item.message.id for item in items}, lock=True)
    results, told = [], []
    for item in items:
        held = (messages.c.id == item.message.id) & (messages.c.fence == item.message.fence)
        held &= messages.c.delivery == Delivery.SENDING
        values = {"delivery": Delivery.ACCEPTED, "send_at": item.at, "error_code": item.why}
        results.append(connection.execute(update(messages).where(held).values(values)).rowcount == 1)
        if results[-1] and item.why:
            waiting = replace(before[item.message.id], delivery=Delivery.ACCEPTED, error_code=item.why)
            told.append(replace(waiting, lease_until=item.at))
    wake_threads(connection, now, before, told)
    return results


_MOST_TOLD = 50  # roots are edited once a second, and the first of a queue wait for news most


@dataclass(frozen=True, slots=True)
class BusyLine:
    """A line from which Sendblue takes nothing until then. why: what the roots of its other texts say meanwhile."""

    line: str
    until: datetime
    why: str


def tell_of_busy_lines(connection: Connection, now: datetime, items: Sequence[BusyLine]) -> list[None]:
    """Have the roots of texts that wait behind another one on a busy line say so."""
    for item in sorted(items, key=lambda item: item.line):
        behind = (messages.c.line == item.line) & UNSENT & (messages.c.send_at <= item.until)
        query = select(messages.c.id).join(threads).where(behind, messages.c.error_code == "").order_by(threads.c.id)
        ids = list(connection.scalars(query.limit(_MOST_TOLD).with_for_update(skip_locked=True)))
        before = load_messages(connection, ids)
        after = [replace(message, error_code=item.why) for message in before.values()]
        if after:
            connection.execute(update(messages).where(messages.c.id.in_(ids)).values(error_code=item.why))
            wake_threads(connection, now, before, after)
    return [None for _ in items]


def unsent_since(connection: Connection, cutoff: datetime, *, limit: int = 100) -> list[UUID]:
    """Return messages accepted before `cutoff` that nobody has tried to send yet, oldest first."""
    waiting = (messages.c.delivery == Delivery.ACCEPTED) & (messages.c.accepted_at < cutoff)
    return list(connection.scalars(select(messages.c.id).where(waiting).order_by(messages.c.accepted_at).limit(limit)))


def end_leases(connection: Connection, now: datetime, items: Sequence[None]) -> list[None]:
    """Take over at once what a dead process held. Only when no other process can be alive."""
    sending = messages.c.delivery == Delivery.SENDING
    connection.execute(update(messages).where(sending, messages.c.send_at.is_not(None)).values(send_at=now))
    for lane in (POSTING, OTHERS):
        connection.execute(update(threads).where(lane, threads.c.due_at > now).values(due_at=now))
    connection.execute(pacing.delete().where(pacing.c.next_at > now + timedelta(minutes=1)))
    return list(items)
