"""How much is due, by kind. Each count costs what is due, not what is stored."""

from datetime import datetime

from sqlalchemy import Connection, func, select

from bot.domain.delivery import Delivery
from bot.storage.tables import messages, threads


def backlog(connection: Connection, now: datetime) -> dict[str, int]:
    """Return kind of work → rows that are due now (or, for `waiting`, unsent for whatever reason)."""
    counts = {
        "announce": select(func.count()).where(threads.c.due_at <= now),
        "send": select(func.count()).where(messages.c.send_at <= now),
        "poll": select(func.count()).where(messages.c.poll_at <= now),
        "waiting": select(func.count()).select_from(messages).where(messages.c.delivery == Delivery.ACCEPTED.value),
    }
    return {kind: connection.scalar(query) or 0 for kind, query in counts.items()}
