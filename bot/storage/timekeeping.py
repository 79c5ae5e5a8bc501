"""A clock that was set back: everything would wait until it has caught up, so what is due later is due now.

The database keeps the latest time anybody has seen. Whoever sees an earlier one finds that out, in the same life or in
the next.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from bot.domain.delivery import Delivery
from bot.storage.pacing import close_slot
from bot.storage.prepared import update_each
from bot.storage.tables import alarms, messages, pacing, threads

_LATEST = "clock"
"""The pacing key whose time is the latest seen."""

_STEP = timedelta(seconds=5)
"""Clocks of machines that work together differ by less."""

_LEASE = timedelta(seconds=60)
_LONGEST_SEND = timedelta(seconds=150)
"""No call and no lease takes longer, so nobody alive loses what is held."""

_LONG_AGO = timedelta(days=1)
"""When a post began that is under way: nobody knows any more, so it is looked for as far back as this."""


def keep_time(connection: Connection, now: datetime, items: Sequence[None]) -> list[timedelta]:
    """Note the time; where it is earlier than before, mend what waits. Returns by how much it was set back."""
    latest = connection.scalar(select(pacing.c.next_at).where(pacing.c.key == _LATEST).with_for_update())
    back = timedelta(0) if latest is None else latest - now
    if back > _STEP:
        _mend(connection, now, back)
        connection.execute(update(pacing).where(pacing.c.key == _LATEST).values(next_at=now))
        return [back for _ in items]
    close_slot(connection, _LATEST, now)
    return [timedelta(0) for _ in items]


def _mend(connection: Connection, now: datetime, back: timedelta) -> None:
    connection.execute(update(pacing).where(pacing.c.next_at > now + _LEASE).values(next_at=now))
    for due in (threads.c.due_at, alarms.c.due_at):
        connection.execute(update(due.table).where(due > now + _LEASE).values({due.name: now + _LEASE}))
    posting = threads.c.posting.is_not(None) & threads.c.due_at.is_not(None)
    connection.execute(update(threads).where(posting).values(posting_since=now - _LONG_AGO))
    sending = messages.c.delivery == Delivery.SENDING
    held, until = sending & (messages.c.send_at > now + _LONGEST_SEND), now + _LONGEST_SEND
    connection.execute(update(messages).where(held).values(send_at=until))
    connection.execute(update(messages).where(~sending, messages.c.send_at > now).values(send_at=now))
    connection.execute(update(messages).where(messages.c.poll_at > now).values(poll_at=now))
    doubted = (messages.c.delivery == Delivery.UNCERTAIN) & messages.c.attempted_at.is_not(None)
    doubts = connection.execute(select(messages.c.id, messages.c.attempted_at).where(doubted)).all()
    _SINCE.each(connection, [{"row_id": one.id, "attempted_at": one.attempted_at - back} for one in doubts])


_SINCE = update_each(messages, "attempted_at")
"""So that what is searched for as evidence stays as old as it is."""
