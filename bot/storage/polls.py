"""Whom to ask Sendblue about: messages that went quiet, and the evidence for those in doubt."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, select

from bot.domain.delivery import Delivery
from bot.domain.message import Message
from bot.storage.claims import NOW, Claimed
from bot.storage.pacing import close_slot, free_from, take_slots
from bot.storage.prepared import Prepared, update_each
from bot.storage.rows import MESSAGE, message_of
from bot.storage.tables import messages

_MOST_AT_ONCE = 8
"""Of one claim, so that what becomes due meanwhile does not wait for long."""

_WITH_HANDLE = {"polls": messages.c.handle.is_not(None), "doubts": messages.c.handle.is_(None)}
"""Pacing key → which messages share it: a status is asked for by a handle, a doubt looks through the list."""


@dataclass(frozen=True, slots=True)
class PollAsk:
    """How many messages somebody is ready to ask Sendblue about.

    key: "polls" or "doubts". wait: message → how long until it is asked again. each: how long one takes of what
    Sendblue allows to all of us.
    """

    key: str
    room: int
    wait: Callable[[Message], timedelta]
    each: timedelta = timedelta(0)


def claim_polls(connection: Connection, now: datetime, items: Sequence[PollAsk]) -> list[Claimed[Message]]:
    """Claim messages that have been silent for too long, longest first; each comes back later by itself.

    None while the questions of the last claim, whosever it was, are still being asked.
    """
    return [_claim_polls(connection, now, ask) for ask in items]


def _claim_polls(connection: Connection, now: datetime, ask: PollAsk) -> Claimed[Message]:
    quiet, room = _QUIET[ask.key], min(ask.room, _MOST_AT_ONCE)
    if not quiet.rows(connection, now=now, room=1):
        return Claimed([], None)
    if ask.each and not take_slots(connection, [ask.key], now, ask.each):
        return Claimed([], free_from(connection, ask.key))
    found = [message_of(row) for row in quiet.rows(connection, now=now, room=room)]
    busy_until = now + ask.each * len(found)
    close_slot(connection, ask.key, busy_until)
    later = {message.id: {"poll_at": now + ask.wait(message), "polls": message.polls + 1} for message in found}
    _ASKED.each(connection, [{"row_id": message_id} | values for message_id, values in later.items()])
    return Claimed(found, busy_until if len(found) == room else None)


_QUIET = {
    key: Prepared(
        select(*MESSAGE)
        .where(messages.c.poll_at <= NOW, which)
        .order_by(messages.c.poll_at)
        .limit(bindparam("room"))
        .with_for_update(skip_locked=True)
    )
    for key, which in _WITH_HANDLE.items()
}
_ASKED = update_each(messages, "poll_at", "polls")


def silent_since(connection: Connection, now: datetime, key: str) -> datetime | None:
    """Return since when somebody could have been asked about a silent message of this kind, if there is one."""
    quiet = select(func.min(messages.c.poll_at)).where(messages.c.poll_at <= now, _WITH_HANDLE[key])
    oldest: datetime | None = connection.scalar(quiet)
    free = free_from(connection, key)
    return oldest if oldest is None or free is None else max(oldest, free)


def overdue(connection: Connection, *, watched_since: datetime, doubted_since: datetime) -> list[UUID]:
    """Return messages whose watch should be over, and doubts that a person should have been asked about."""
    unwatched = ~messages.c.unconfirmed & (messages.c.accepted_at < watched_since)
    unasked = ~messages.c.asked & (messages.c.attempted_at < doubted_since)
    late = messages.c.poll_at.is_not(None) & (unwatched | ((messages.c.delivery == Delivery.UNCERTAIN) & unasked))
    return list(connection.scalars(select(messages.c.id).where(late).limit(_MOST_ENDED)))


_MOST_ENDED = 500


def owned_handles(connection: Connection, handles: Sequence[str]) -> set[str]:
    """Return those handles that belong to a message of ours."""
    return set(connection.scalars(select(messages.c.handle).where(messages.c.handle.in_(handles))))


def doubted_like(connection: Connection, message: Message) -> list[UUID]:
    """Return the uncertain messages that read exactly like this one, itself included, oldest attempt first.

    None while such a one is being sent: nobody could tell whose text is whose.
    """
    alike = (
        messages.c.delivery.in_((Delivery.UNCERTAIN, Delivery.SENDING))
        & messages.c.handle.is_(None)
        & (messages.c.recipient == message.recipient)
        & (messages.c.line == message.line)
        & (messages.c.text == message.text)
    )
    query = select(messages.c.id, messages.c.delivery).where(alike).order_by(messages.c.attempted_at)
    twins = {row.id: row.delivery for row in connection.execute(query)}
    return [] if Delivery.SENDING in twins.values() else list(twins)
