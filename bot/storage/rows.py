"""Rows ⇄ frozen values."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, Select, select

from bot.domain.delivery import Delivery, News, Service
from bot.domain.message import Message
from bot.domain.thread import Thread
from bot.storage.tables import messages, threads

_THREAD_ONLY = ("key", "lane", "due_at")


def message_of(row: Mapping[Any, Any]) -> Message:
    """Read one row of `messages`."""
    fields = dict(row)
    lease_until = fields.pop("send_at")
    fields.pop("poll_at")
    return Message(
        **fields
        | {
            "delivery": Delivery(row["delivery"]),
            "service": Service(row["service"]),
            "told": News(row["told"]),
            "telling": News(row["telling"]),
        },
        lease_until=lease_until,
    )


def values_of(message: Message) -> dict[str, Any]:
    """Return the columns a report or an announcement can change, for an UPDATE by `row_id`."""
    return {
        "row_id": message.id,
        "delivery": message.delivery.value,
        "since": message.since,
        "service": message.service.value,
        "picture_lost": message.picture_lost,
        "unconfirmed": message.unconfirmed,
        "asked": message.asked,
        "handle": message.handle,
        "error_code": message.error_code,
        "error_text": message.error_text,
        "told": message.told.value,
        "telling": message.telling.value,
    }


def load_messages(connection: Connection, ids: Iterable[UUID], *, lock: bool = False) -> dict[UUID, Message]:
    """Return those that exist, by id. lock: until the transaction ends, in id order so that nobody deadlocks."""
    query = select(messages).where(messages.c.id.in_(list(ids))).order_by(messages.c.id)
    return {row["id"]: message_of(row) for row in _mappings(connection, query, lock=lock)}


def load_threads(connection: Connection, ids: Iterable[UUID], *, lock: bool = False) -> dict[UUID, Thread]:
    """Return those that exist, by id, each with its messages in order."""
    wanted = list(ids)
    rows = _mappings(connection, select(threads).where(threads.c.id.in_(wanted)).order_by(threads.c.id), lock=lock)
    query = select(messages).where(messages.c.thread_id.in_(wanted))
    query = query.order_by(messages.c.thread_id, messages.c.accepted_at, messages.c.part)
    texts: dict[UUID, list[Message]] = defaultdict(list)
    for row in _mappings(connection, query, lock=False):
        texts[row["thread_id"]].append(message_of(row))
    return {
        row["id"]: Thread(
            **{name: value for name, value in row.items() if name not in _THREAD_ONLY},
            messages=tuple(texts[row["id"]]),
            lease_until=row["due_at"],
        )
        for row in rows
    }


def lock_threads(connection: Connection, ids: Iterable[UUID]) -> None:
    """Keep other processes off these threads until the transaction ends. Always before their messages."""
    if connection.dialect.name != "sqlite":  # whose transactions begin as the only writer
        query = select(threads.c.id).where(threads.c.id.in_(list(ids))).order_by(threads.c.id)
        connection.execute(query.with_for_update())


def lock_threads_of(connection: Connection, message_ids: Iterable[UUID]) -> None:
    """The same, for the threads of these messages."""
    if connection.dialect.name != "sqlite":
        query = select(messages.c.thread_id).where(messages.c.id.in_(list(message_ids)))
        lock_threads(connection, connection.scalars(query))


def _mappings(connection: Connection, query: Select[Any], *, lock: bool) -> list[RowMapping]:
    # SQLite has no row locks and needs none: its transactions begin as writers.
    if lock:
        query = query.with_for_update()
    return list(connection.execute(query).mappings())
