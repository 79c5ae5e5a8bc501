"""Looking back: which messages there were, and every report about one."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, or_, select

from bot.domain.delivery import Delivery, Service
from bot.domain.message import Message
from bot.storage.rows import message_of
from bot.storage.tables import messages, reports, threads


@dataclass(frozen=True, slots=True)
class Filter:
    """Which messages: all that is set must hold. number: E.164. limit: how many, newest first."""

    number: str | None = None
    sender: str | None = None
    only_open: bool = False
    only_failed: bool = False
    limit: int = 20


def find_messages(connection: Connection, wanted: Filter) -> list[Message]:
    """Return messages, newest first."""
    query = select(messages)
    if wanted.sender is not None:
        query = query.join(threads).where(threads.c.sender == wanted.sender)
    if wanted.number is not None:
        query = query.where(messages.c.recipient == wanted.number)
    if wanted.only_failed:
        query = query.where(messages.c.delivery == Delivery.FAILED.value)
    if wanted.only_open:
        on_its_way = messages.c.delivery < Delivery.SENT.value
        unconfirmed = (messages.c.delivery == Delivery.SENT.value) & (messages.c.service != Service.SMS.value)
        query = query.where(or_(on_its_way, unconfirmed), messages.c.unconfirmed.is_(False))
    query = query.order_by(messages.c.accepted_at.desc(), messages.c.part.desc()).limit(wanted.limit)
    return [message_of(row) for row in connection.execute(query).mappings()]


def history_of(connection: Connection, message_id: UUID) -> list[dict[str, Any]]:
    """Return every report about a message as it came in, oldest first."""
    query = select(reports).where(reports.c.message_id == message_id).order_by(reports.c.id)
    return [dict(row) for row in connection.execute(query).mappings()]
