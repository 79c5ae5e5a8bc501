"""Counting what waits. It costs what is due, not what is stored."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select

from bot.domain.backlog import Backlog
from bot.domain.delivery import Delivery
from bot.storage.alarms import callbacks_missing, last_callback
from bot.storage.announcements import STEPS, doable_since
from bot.storage.attempts import SENDS
from bot.storage.polls import silent_since
from bot.storage.tables import OTHERS, POSTING, messages, threads


def backlog(connection: Connection, now: datetime) -> Backlog:
    """Count it."""
    sends = (head.when for head in SENDS.heads(connection))
    doable = {"announce": doable_since(connection), "send": min(sends, default=None)}
    doable |= {"poll": silent_since(connection, now, "polls"), "doubt": silent_since(connection, now, "doubts")}
    quiet, known = messages.c.poll_at <= now, messages.c.handle.is_not(None)
    due: dict[str, list[ColumnElement[bool]]] = {
        "announce": [lane & (threads.c.due_at <= now) for lane in (POSTING, OTHERS)],
        "send": [messages.c.send_at <= now],
        "poll": [quiet & known],
        "doubt": [quiet & ~known],
    }
    return Backlog(
        due={kind: sum(_count(connection, condition) for condition in conditions) for kind, conditions in due.items()},
        doable_since={kind: since for kind, since in doable.items() if since is not None and since <= now},
        waiting_for_slot={
            "announce": STEPS.waiting_for_slot(connection, now),
            "send": SENDS.waiting_for_slot(connection, now),
        },
        open=_open(connection),
        last_callback=last_callback(connection),
        callbacks_missing=callbacks_missing(connection),
    )


def _count(connection: Connection, condition: ColumnElement[bool]) -> int:
    return connection.scalar(select(func.count()).where(condition)) or 0


def _open(connection: Connection) -> dict[str, int]:
    by_delivery = select(messages.c.delivery, func.count().label("many")).group_by(messages.c.delivery)
    watched = connection.execute(by_delivery.where(messages.c.poll_at.is_not(None))).all()
    unsent = connection.execute(by_delivery.where(messages.c.delivery == Delivery.ACCEPTED)).all()
    sending = messages.c.send_at.is_not(None) & (messages.c.delivery == Delivery.SENDING)
    return {
        row.delivery.name.lower(): row.many
        for row in (*unsent, *connection.execute(by_delivery.where(sending)), *watched)
    }
