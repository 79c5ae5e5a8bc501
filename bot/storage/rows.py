"""Rows ⇄ frozen values, by name. A column's other name is said where it is read."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct

from bot.domain.attachment import Copy
from bot.domain.known import Known
from bot.domain.message import Message
from bot.domain.send import Decision, Schedule, Send, Telling, Words
from bot.domain.thread import Thread
from bot.storage.conversations import opted_out
from bot.storage.engine import Rows, Transaction
from bot.storage.sql import Sql

T = TypeVar("T", bound=Struct)

_OWNERS = (Words, Known, Telling, Schedule)


def _read_as(table: str, *fields: str, **columns: str) -> str:
    named = ((name, columns.get(name, name)) for name in fields)
    return ", ".join(f"{table}.{column} AS {name}" for name, column in named)


_FIELDS = [name for owner in _OWNERS for name in owner.__struct_fields__]
_DECISION = ("decision", "decided_by", "decided_at")

# Until when a send or a thread is claimed is said by when it is due.
SEND = _read_as("sends", "id", "message_id", "thread_id", *_FIELDS, *_DECISION, lease_until="send_at")
MESSAGE = ", ".join(f"messages.{name} AS its_{name}" for name in Message.__struct_fields__)  # also beside a SEND
_ITS = ("line", "customer")  # of its conversation
_PARENT = "SELECT {} FROM threads AS parent WHERE parent.id = threads.parent_id AND parent.channel = threads.channel"
_ITS_CARD = f"SELECT next_seq > 1 OR {opted_out('customer')} FROM conversations WHERE id = threads.conversation_id"
_ELSEWHERE = (*_ITS, "message", "sends", "unshown", "copies", "waits", "thread_ts", "has_card", "card")
_OF_THREAD = [name for name in Thread.__struct_fields__ if name not in _ELSEWHERE]
THREAD = ", ".join(
    [
        _read_as("threads", "seq", *_OF_THREAD, lease_until="due_at"),
        *(f"(SELECT {name} FROM conversations WHERE id = threads.conversation_id) AS {name}" for name in _ITS),
        f"({_ITS_CARD}) AS has_card",
        f"coalesce(threads.thread_ts, ({_PARENT.format('root_ts')} AND closed = '')) AS thread_ts",
        f"EXISTS ({_PARENT.format('1')} AND closed = '' AND root_ts IS NULL) AS waits",
    ]
)

_SENDS = Sql(f"SELECT {SEND} FROM sends WHERE id {{among ids}} ORDER BY thread_id, id")
_LOCKED_SENDS = Sql(
    f"SELECT {SEND} FROM threads JOIN sends ON sends.thread_id = threads.id "
    "WHERE sends.id {among ids} ORDER BY sends.thread_id, sends.id {lock}"
)
THREADS = Sql(f"SELECT {THREAD} FROM threads WHERE id {{among ids}} ORDER BY id")
IN_ORDER = "sends.thread_id, sends.accepted_at, sends.part, sends.try_number"
AS_SAID = "messages.thread_id, messages.said_at, messages.seq"
_SENDS_OF_THREADS = Sql(
    f"SELECT {SEND} FROM messages JOIN sends ON sends.message_id = messages.id "
    f"WHERE messages.thread_id {{among ids}} ORDER BY {IN_ORDER}"
)
_MESSAGES_OF_THREADS = Sql(
    f"SELECT messages.thread_id, {MESSAGE} FROM messages WHERE thread_id {{among ids}} ORDER BY {AS_SAID}"
)


def send_of(*, id: UUID, message_id: UUID, thread_id: UUID, **fields: Any) -> Send:  # noqa: A002 - a column's name
    """Put a send together from what SEND reads."""
    choice, by, at = (fields[name] for name in _DECISION)
    return Send(
        id,
        message_id,
        thread_id,
        _owned(Words, fields),
        _owned(Known, fields),
        Decision(choice, by, at) if choice else None,
        _owned(Telling, fields),
        _owned(Schedule, fields),
    )


def _owned(owner: type[T], fields: Mapping[str, Any]) -> T:
    return owner(**{name: fields[name] for name in owner.__struct_fields__})


def send_and_message(**fields: Any) -> tuple[Send, Message]:
    """Put both together from what SEND and MESSAGE read."""
    said = Message(*(fields.pop(f"its_{name}") for name in Message.__struct_fields__))
    return send_of(**fields), said


def load_sends(tx: Transaction, ids: Iterable[UUID], *, lock: bool = False) -> dict[UUID, Send]:
    """Return those that exist, by id. lock: keep others off them and off their threads until the transaction ends.

    They are locked thread by thread in the order of ids, each thread before its sends, as everywhere: PostgreSQL
    locks in the order of FROM. So no two wait for each other.
    """
    found = tx.ask(_LOCKED_SENDS if lock else _SENDS, ids=list(ids))
    return {send.id: send for send in found.of(send_of)}


def load_threads(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, Thread]:
    """Return those that exist, by id, each with all its messages and sends in order."""
    ids = list(ids)
    return threads_of(
        tx.ask(THREADS, ids=ids), tx.ask(_MESSAGES_OF_THREADS, ids=ids), tx.ask(_SENDS_OF_THREADS, ids=ids)
    )


def threads_of(threads: Rows, messages: Rows, sends: Rows, copies: Iterable[Copy] = ()) -> dict[UUID, Thread]:
    """Return threads by id. messages: MESSAGE, and of which thread; both in order.

    A thread without the message that its root shows is being removed, and left out.
    """
    said: dict[UUID, list[Message]] = defaultdict(list)
    for row in messages:
        said[row.thread_id].append(Message(*row[1:]))
    sent: dict[UUID, list[Send]] = defaultdict(list)
    for send in sends.of(send_of):
        sent[send.thread_id].append(send)
    found = {}
    for row in threads:
        fields = row._asdict()
        seq, messages_of = fields.pop("seq"), said[row.id]
        root = next((one for one in messages_of if one.seq == seq), None)
        if root is not None:
            others = tuple(one for one in messages_of if one is not root)
            files = tuple(one for one in copies if one.thread_id == row.id)
            found[row.id] = Thread(**fields, message=root, sends=tuple(sent[row.id]), unshown=others, copies=files)
    return found


def values(value: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return the fields of these names."""
    return {name: getattr(value, name) for name in names}
