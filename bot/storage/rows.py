"""Rows ⇄ frozen values, by name. A column's other name is said where it is read."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from bot.domain.message import Message
from bot.domain.thread import Thread
from bot.storage.engine import Rows, Transaction
from bot.storage.sql import Sql


def _read_as(kind: type[Any], table: str, **columns: str) -> str:
    """Return the columns of a value's fields. columns: field → its column, where that is named otherwise."""
    names = [name for name in kind.__struct_fields__ if name != "messages"]
    return ", ".join(f"{table}.{columns.get(name, name)} AS {name}" for name in names)


MESSAGE = _read_as(Message, "messages", lease_until="send_at")
"""What is read of a message. Until when it is claimed is said by when it is due."""

THREAD = _read_as(Thread, "threads", lease_until="due_at", private_note="aside")
"""What is read of a thread, beside its messages."""

_MESSAGES = Sql(f"SELECT {MESSAGE} FROM messages WHERE id {{among ids}} ORDER BY thread_id, id")
_LOCKED_MESSAGES = Sql(
    f"SELECT {MESSAGE} FROM threads JOIN messages ON messages.thread_id = threads.id "
    "WHERE messages.id {among ids} ORDER BY messages.thread_id, messages.id {lock}"
)
_THREADS = Sql(f"SELECT {THREAD} FROM threads WHERE id {{among ids}} ORDER BY id")
_LOCKED_THREADS = Sql(f"SELECT {THREAD} FROM threads WHERE id {{among ids}} ORDER BY id {{lock}}")
_TEXTS = Sql(f"SELECT {MESSAGE} FROM messages WHERE thread_id {{among ids}} ORDER BY thread_id, accepted_at, part")


def load_messages(tx: Transaction, ids: Iterable[UUID], *, lock: bool = False) -> dict[UUID, Message]:
    """Return those that exist, by id. lock: keep others off them and off their threads until the transaction ends.

    They are locked thread by thread in the order of ids, each thread before its messages, as everywhere: PostgreSQL
    locks in the order of FROM. So no two wait for each other.
    """
    found = tx.ask(_LOCKED_MESSAGES if lock else _MESSAGES, ids=list(ids))
    return {message.id: message for message in found.of(Message)}


def load_threads(tx: Transaction, ids: Iterable[UUID], *, lock: bool = False) -> dict[UUID, Thread]:
    """Return those that exist, by id, each with its messages in order. lock: keep others off the threads likewise."""
    ids = list(ids)
    found = tx.ask(_LOCKED_THREADS if lock else _THREADS, ids=ids)
    return with_messages(found, tx.ask(_TEXTS, ids=ids))


def messages_of(tx: Transaction, ids: Iterable[UUID]) -> Rows:
    """Ask for the messages of threads, see `with_messages`."""
    return tx.ask(_TEXTS, ids=list(ids))


def with_messages(threads: Rows, messages: Rows) -> dict[UUID, Thread]:
    """Return threads by id, each with its messages."""
    texts: dict[UUID, list[Message]] = defaultdict(list)
    found = threads.of(Thread)
    for message in messages.of(Message):
        texts[message.thread_id].append(message)
    return {thread.id: replace(thread, messages=tuple(texts[thread.id])) for thread in found}


def values(value: Any, names: Iterable[str]) -> Mapping[str, Any]:
    """Return the fields of these names."""
    return {name: getattr(value, name) for name in names}
