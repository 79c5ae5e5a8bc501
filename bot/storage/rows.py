"""Rows ⇄ frozen values, by name. A column's other name is said where it is read."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict, replace

from bot.domain.known import Known
from bot.domain.message import Decision, Message, Schedule, Telling, Words
from bot.domain.thread import Thread
from bot.storage.engine import Rows, Transaction
from bot.storage.sql import Sql

T = TypeVar("T", bound=Struct)

_OWNERS = (Words, Known, Telling, Schedule)


def _read_as(table: str, *fields: str, **columns: str) -> str:
    named = ((name, columns.get(name, name)) for name in fields)
    return ", ".join(f"{table}.{column} AS {name}" for name, column in named)


_FIELDS = [name for owner in _OWNERS for name in owner.__struct_fields__]
_DECISION = ("decision", "decided_by", "decided_at")

# Until when a message or a thread is claimed is said by when it is due.
MESSAGE = _read_as("messages", "id", "thread_id", *_FIELDS, *_DECISION, lease_until="send_at")
THREAD = _read_as("threads", *Thread.__struct_fields__[:-1], lease_until="due_at")  # all but its messages

_MESSAGES = Sql(f"SELECT {MESSAGE} FROM messages WHERE id {{among ids}} ORDER BY thread_id, id")
_LOCKED_MESSAGES = Sql(
    f"SELECT {MESSAGE} FROM threads JOIN messages ON messages.thread_id = threads.id "
    "WHERE messages.id {among ids} ORDER BY messages.thread_id, messages.id {lock}"
)
THREADS = Sql(f"SELECT {THREAD} FROM threads WHERE id {{among ids}} ORDER BY id")
_TEXTS = Sql(
    f"SELECT {MESSAGE} FROM messages WHERE thread_id {{among ids}} "
    "ORDER BY thread_id, accepted_at, part, again_of IS NOT NULL"
)


def message_of(*, id: UUID, thread_id: UUID, **fields: Any) -> Message:  # noqa: A002 - a column's name
    """Put a message together from what MESSAGE reads."""
    choice, by, at = (fields[name] for name in _DECISION)
    return Message(
        id,
        thread_id,
        _owned(Words, fields),
        _owned(Known, fields),
        Decision(choice, by, at) if choice else None,
        _owned(Telling, fields),
        _owned(Schedule, fields),
    )


def _owned(owner: type[T], fields: Mapping[str, Any]) -> T:
    return owner(**{name: fields[name] for name in owner.__struct_fields__})


def columns_of(message: Message) -> dict[str, Any]:
    """Return a message as its columns; `send_at` is for whoever stores it."""
    made = message.decision
    decided = ("", "", None) if made is None else (made.choice, made.by, made.at)
    return {
        "id": message.id,
        "thread_id": message.thread_id,
        **asdict(message.words),
        **asdict(message.known),
        **dict(zip(_DECISION, decided, strict=True)),
        **asdict(message.telling),
        "owed": message.news,
        **asdict(message.schedule),
    }


def load_messages(tx: Transaction, ids: Iterable[UUID], *, lock: bool = False) -> dict[UUID, Message]:
    """Return those that exist, by id. lock: keep others off them and off their threads until the transaction ends.

    They are locked thread by thread in the order of ids, each thread before its messages, as everywhere: PostgreSQL
    locks in the order of FROM. So no two wait for each other.
    """
    found = tx.ask(_LOCKED_MESSAGES if lock else _MESSAGES, ids=list(ids))
    return {message.id: message for message in found.of(message_of)}


def load_threads(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, Thread]:
    """Return those that exist, by id, each with all its messages in order."""
    ids = list(ids)
    return with_messages(tx.ask(THREADS, ids=ids), tx.ask(_TEXTS, ids=ids))


def with_messages(threads: Rows, messages: Rows) -> dict[UUID, Thread]:
    """Return threads by id, each with its messages."""
    texts: dict[UUID, list[Message]] = defaultdict(list)
    found = threads.of(Thread)
    for message in messages.of(message_of):
        texts[message.thread_id].append(message)
    return {thread.id: replace(thread, messages=tuple(texts[thread.id])) for thread in found}


def values(value: Any, names: Iterable[str]) -> Mapping[str, Any]:
    """Return the fields of these names."""
    return {name: getattr(value, name) for name in names}
