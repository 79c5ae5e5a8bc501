"""Rows ⇄ frozen values."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import fields
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, Table, select

from bot.domain.message import Message
from bot.domain.thread import Thread
from bot.storage.prepared import Prepared, Row, among
from bot.storage.tables import messages, threads


def _columns(kind: type[Any], table: Table, due: Column[Any]) -> list[Column[Any]]:
    """The columns of a value in the order of its fields; until when it is claimed is said by when it is due."""
    names = [field.name for field in fields(kind)]
    return [due if name == "lease_until" else table.c[name] for name in names if name != "messages"]


MESSAGE = _columns(Message, messages, messages.c.send_at)
"""What `message_of` reads."""
THREAD = _columns(Thread, threads, threads.c.due_at)
"""What `threads_of` reads."""

_BEFORE_MESSAGES = [field.name for field in fields(Thread)].index("messages")

REPORTED = (
    *("delivery", "since", "service", "picture_lost", "unconfirmed", "asked"),
    *("handle", "handle_from", "error_code", "error_text", "told"),
)
"""The columns of a message that a report can change."""


def message_of(row: Row) -> Message:
    """Read the columns MESSAGE of one row."""
    return Message(*row)


def reported(message: Message) -> dict[str, Any]:
    """Return the columns REPORTED, and the id as `row_id`."""
    return {"row_id": message.id} | {name: getattr(message, name) for name in REPORTED}


_FIND_MESSAGES = select(*MESSAGE).where(among(messages.c.id)).order_by(messages.c.thread_id, messages.c.id)
_FIND_THREADS = select(*THREAD).where(among(threads.c.id)).order_by(threads.c.id)
_TEXTS = Prepared(
    select(*MESSAGE)
    .where(among(messages.c.thread_id))
    .order_by(messages.c.thread_id, messages.c.accepted_at, messages.c.part)
)
# By lock. Locked thread by thread, always in the order of ids, so that nobody deadlocks. SQLite has no row locks and
# needs none: its transactions begin as the only writer.
_MESSAGES = {
    False: Prepared(_FIND_MESSAGES),
    True: Prepared({"sqlite": _FIND_MESSAGES, "postgresql": _FIND_MESSAGES.join(threads).with_for_update()}),
}
_THREADS = {False: Prepared(_FIND_THREADS), True: Prepared(_FIND_THREADS.with_for_update())}


def load_messages(connection: Connection, ids: Iterable[UUID], *, lock: bool = False) -> dict[UUID, Message]:
    """Return those that exist, by id. lock: keep others off them and off their threads until the transaction ends."""
    return {row[0]: message_of(row) for row in _MESSAGES[lock].rows(connection, among=ids)}


def load_threads(connection: Connection, ids: Iterable[UUID], *, lock: bool = False) -> dict[UUID, Thread]:
    """Return those that exist, by id, each with its messages in order. lock: keep others off the threads likewise."""
    return threads_of(connection, _THREADS[lock].rows(connection, among=ids))


def threads_of(connection: Connection, rows: list[Row]) -> dict[UUID, Thread]:
    """Read the columns THREAD of each row, and its messages."""
    texts: dict[UUID, list[Message]] = defaultdict(list)
    for row in _TEXTS.rows(connection, among=[row[0] for row in rows]) if rows else ():
        message = message_of(row)
        texts[message.thread_id].append(message)
    found: dict[UUID, Thread] = {}
    for row in rows:
        before, after = row[:_BEFORE_MESSAGES], row[_BEFORE_MESSAGES:]
        found[row[0]] = Thread(*[*before, tuple(texts[row[0]]), *after])
    return found
