"""Looking back: which messages there were, and the whole story of one.

Everything here reads for a moment only: on SQLite whoever reads for long keeps the service from writing.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, tuple_

from bot.domain.delivery import Delivery, Service
from bot.domain.message import Message, Report
from bot.domain.thread import Thread
from bot.domain.timeline import Noted
from bot.storage.rows import MESSAGE, load_threads, message_of
from bot.storage.tables import messages, reports, threads

Place: TypeAlias = tuple[datetime, int, UUID]
"""Where a message stands among all: accepted_at, part, id."""

PAGE = 1000
"""Messages looked at in one transaction."""

_PLACE = (messages.c.accepted_at, messages.c.part, messages.c.id)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which messages: all that is set must hold.

    number: E.164. since, until: accepted no earlier, no later. limit: how many, newest first.
    """

    number: str | None = None
    sender: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    only_open: bool = False
    only_failed: bool = False
    limit: int = 20


@dataclass(frozen=True, slots=True)
class Listed:
    """A message, who asked for it and where: ids of a Slack user and a conversation."""

    message: Message
    sender: str
    channel: str


@dataclass(frozen=True, slots=True)
class Story:
    """One message with all that is known about it. noted: oldest first."""

    message: Message
    thread: Thread
    noted: list[Noted]


def find_messages(connection: Connection, wanted: Filter) -> list[Message]:
    """Return messages, newest first."""
    query = select(*MESSAGE).where(*_within(wanted), *_state(wanted))
    if wanted.sender is not None:
        query = query.join(threads).where(threads.c.sender == wanted.sender)
    query = query.order_by(messages.c.accepted_at.desc(), messages.c.part.desc()).limit(wanted.limit)
    return [message_of(row) for row in connection.execute(query)]


def extent(connection: Connection, wanted: Filter) -> tuple[int, datetime | None]:
    """Return how many messages must be looked at to find these, and when the newest of them was accepted."""
    query = select(func.count(), func.max(messages.c.accepted_at)).where(*_within(wanted))
    count, newest = connection.execute(query).one()
    return count, newest


def next_page(
    connection: Connection, *, wanted: Filter, after: Place | None, newest_first: bool = False, size: int = PAGE
) -> tuple[list[Listed], Place | None]:
    """Look at the next `size` messages; return those among them that are wanted, and where to go on (None: done)."""
    here, order = tuple_(*_PLACE), [column.desc() if newest_first else column for column in _PLACE]
    ahead = _within(wanted)
    if after is not None:
        ahead.append(here < after if newest_first else here > after)
    last = connection.execute(select(*_PLACE).where(*ahead).order_by(*order).limit(1).offset(size - 1)).one_or_none()
    place = None if last is None else (last.accepted_at, last.part, last.id)
    if place is not None:
        ahead.append(here >= place if newest_first else here <= place)
    query = select(threads.c.sender, threads.c.asked_in, *MESSAGE).join_from(messages, threads)
    rows = connection.execute(query.where(*ahead, *_state(wanted)).order_by(*order))
    return [Listed(message_of(text), sender, channel) for sender, channel, *text in rows], place


def story_of(connection: Connection, message_id: UUID) -> Story | None:
    """Return a message with its thread and every report about it, or None when there is no such message."""
    thread_id = connection.scalar(select(messages.c.thread_id).where(messages.c.id == message_id))
    if thread_id is None:
        return None
    thread = load_threads(connection, [thread_id])[thread_id]
    [message] = [message for message in thread.messages if message.id == message_id]
    rows = connection.execute(select(reports).where(reports.c.message_id == message_id).order_by(reports.c.id))
    return Story(message, thread, [_noted(dict(row)) for row in rows.mappings()])


def _within(wanted: Filter) -> list[ColumnElement[bool]]:
    """The conditions that an index answers."""
    found: list[ColumnElement[bool]] = []
    if wanted.number is not None:
        found.append(messages.c.recipient == wanted.number)
    if wanted.since is not None:
        found.append(messages.c.accepted_at >= wanted.since)
    if wanted.until is not None:
        found.append(messages.c.accepted_at <= wanted.until)
    return found


def _state(wanted: Filter) -> list[ColumnElement[bool]]:
    """The conditions that take a look at each message."""
    found: list[ColumnElement[bool]] = []
    if wanted.only_failed:
        found.append(messages.c.delivery == Delivery.FAILED)
    if wanted.only_open:
        unconfirmed = and_(messages.c.delivery == Delivery.SENT, messages.c.service != Service.SMS)
        found += [or_(messages.c.delivery < Delivery.SENT, unconfirmed), messages.c.unconfirmed.is_(False)]
    return found


def _noted(row: dict[str, Any]) -> Noted:
    fields = {name: row[name] for name in ("source", "at", "word", "error_code", "error_text", "delivery", "service")}
    return Noted(Report(**fields), row["received_at"])
