"""Forgetting what people wrote once it is long over, while counts and states stay."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, select, update

from bot.domain.delivery import Delivery, Service
from bot.storage.tables import messages, reports, threads

_AT_ONCE = 500


def forget_many(connection: Connection, now: datetime, items: Sequence[timedelta]) -> list[int]:
    """Blank texts, numbers and explanations of messages that are over and older than that; return how many.

    At most 500 at once. A thread that still has something to say keeps its words until it has said it.
    """
    return [_forget(connection, now - age) for age in items]


def _forget(connection: Connection, before: datetime) -> int:
    over = or_(
        messages.c.delivery >= Delivery.FAILED,
        messages.c.unconfirmed.is_(True),
        (messages.c.delivery == Delivery.SENT) & (messages.c.service == Service.SMS),
    )
    old = select(messages.c.id, messages.c.thread_id).join(threads)
    old = old.where(messages.c.accepted_at < before, messages.c.recipient != "", over, threads.c.due_at.is_(None))
    rows = connection.execute(old.order_by(messages.c.accepted_at).limit(_AT_ONCE)).all()
    ids = [row.id for row in rows]
    if ids:
        blank = {"text": "", "recipient": "", "media_url": None, "error_text": ""}
        connection.execute(update(messages).where(messages.c.id.in_(ids)).values(blank))
        connection.execute(update(reports).where(reports.c.message_id.in_(ids)).values(error_text=""))
        done = threads.c.id.in_({row.thread_id for row in rows})
        connection.execute(update(threads).where(done).values(answer_url=""))
    return len(ids)
