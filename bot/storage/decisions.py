"""What a person decided about a message: once, and only while there is something to decide."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, insert, select, update

from bot.domain.delivery import Delivery
from bot.domain.message import Message
from bot.storage.messages import new_row, wake_threads
from bot.storage.rows import load_messages
from bot.storage.tables import messages, threads


@dataclass(frozen=True, slots=True)
class Decision:
    """choice: "resend" or "leave". repeat_id: the id the repeated message will have. who: a Slack user id."""

    message_id: UUID
    choice: str
    who: str
    repeat_id: UUID


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of it. message is as it stood before (None: there is none)."""

    message: Message | None
    counted: bool = False


def asked_in(connection: Connection, message_id: UUID) -> str:
    """Return the conversation in which a message was typed, "" when there is no such message."""
    query = select(threads.c.asked_in).join(messages).where(messages.c.id == message_id)
    return connection.scalar(query) or ""


def decide_many(connection: Connection, now: datetime, items: Sequence[Decision]) -> list[Decided]:
    """Record decisions. A second click, and one that comes too late, changes nothing."""
    return [_decide(connection, now, item) for item in items]


def _decide(connection: Connection, now: datetime, item: Decision) -> Decided:
    message = load_messages(connection, [item.message_id], lock=True).get(item.message_id)
    if message is None or message.decision or not _open_to(message, item.choice):
        return Decided(message)
    decided = replace(message, decision=item.choice, decided_by=item.who, decided_at=now)
    values = {"decision": item.choice, "decided_by": item.who, "decided_at": now}
    connection.execute(update(messages).where(messages.c.id == message.id).values(values))
    if item.choice == "resend":
        connection.execute(
            insert(messages).values(new_row(_repeated(message, item.repeat_id, now), now) | {"send_at": now})
        )
    wake_threads(connection, now, {message.id: message}, [decided])
    return Decided(message, counted=True)


def _open_to(message: Message, choice: str) -> bool:
    if not message.recipient:  # forgotten
        return False
    if message.delivery is Delivery.UNCERTAIN:
        return True
    return choice == "resend" and message.delivery is Delivery.FAILED and not message.was_taken


def _repeated(message: Message, repeat_id: UUID, now: datetime) -> Message:
    """The same text once more, with nothing of what became of the first."""
    return Message(
        id=repeat_id,
        thread_id=message.thread_id,
        recipient=message.recipient,
        line=message.line,
        text=message.text,
        accepted_at=now,
        since=now,
        part=message.part,
        parts=message.parts,
        style=message.style,
        media_url=message.media_url,
        again_of=message.id,
    )
