"""Rows ⇄ frozen values."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Connection, RowMapping, Select, Update, bindparam, select, update

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


@cache
def update_messages(*columns: str) -> Update:
    """Return an UPDATE of these columns for many rows, each with its `row_id`."""
    changes: dict[str, Any] = {column: bindparam(column) for column in columns if column != "row_id"}
    return update(messages).where(messages.c.id == bindparam("row_id")).values(changes)


# Statements that run with every piece of news are built once: building one costs more than running it.
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_MESSAGES = select(messages).where(messages.c.id.in_(_IDS)).order_by(messages.c.id)
_THREADS = select(threads).where(threads.c.id.in_(_IDS)).order_by(threads.c.id)
_TEXTS = (
    select(messages)
    .where(messages.c.thread_id.in_(_IDS))
    .order_by(messages.c.thread_id, messages.c.accepted_at, messages.c.part)
)
_LOCK = select(threads.c.id).where(threads.c.id.in_(_IDS)).order_by(threads.c.id).with_for_update()
_OWNING = select(messages.c.thread_id).where(messages.c.id.in_(_IDS))
_LOCKING = {_MESSAGES: _MESSAGES.with_for_update(), _THREADS: _THREADS.with_for_update()}


def load_messages(connection: Connection, ids: Iterable[UUID], *, lock: bool = False) -> dict[UUID, Message]:
    """Return those that exist, by id. lock: until the transaction ends, in id order so that nobody deadlocks."""
    return {row["id"]: message_of(row) for row in _mappings(connection, _MESSAGES, ids, lock=lock)}


def load_threads(connection: Connection, ids: Iterable[UUID], *, lock: bool = False) -> dict[UUID, Thread]:
    """Return those that exist, by id, each with its messages in order."""
    wanted = list(ids)
    rows = _mappings(connection, _THREADS, wanted, lock=lock)
    texts: dict[UUID, list[Message]] = defaultdict(list)
    for row in _mappings(connection, _TEXTS, wanted, lock=False):
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
        connection.execute(_LOCK, {"ids": list(ids)})


def lock_threads_of(connection: Connection, message_ids: Iterable[UUID]) -> None:
    """The same, for the threads of these messages."""
    if connection.dialect.name != "sqlite":
        lock_threads(connection, connection.scalars(_OWNING, {"ids": list(message_ids)}))


def _mappings(connection: Connection, query: Select[Any], ids: Iterable[UUID], *, lock: bool) -> list[RowMapping]:
    # SQLite has no row locks and needs none: its transactions begin as writers.
    wanted = list(ids)
    if not wanted:
        return []
    return list(connection.execute(_LOCKING[query] if lock else query, {"ids": wanted}).mappings())
