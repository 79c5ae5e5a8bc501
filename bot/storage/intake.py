"""Taking in what is to be sent."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict

from bot.domain.message import Message, Origin
from bot.domain.thread import Lane
from bot.storage.engine import Transaction
from bot.storage.rows import columns_of
from bot.storage.sql import Sql


class NewThread(Struct, frozen=True):
    """One gesture: a thread to open and the messages (parts) to send in it, in order."""

    id: UUID
    origin: Origin
    messages: tuple[Message, ...]


def accept_many(tx: Transaction, items: Sequence[NewThread]) -> list[bool]:
    """Store each gesture once. Returns whether it was new; a replay changes nothing."""
    due = {"created_at": tx.now, "due_at": tx.now, "lane": Lane.POST} | _NOTHING_YET
    threads = [asdict(item.origin) | due | {"id": item.id, "asked_in": item.origin.channel} for item in items]
    new = set(tx.each(_NEW_THREADS, threads).column())
    insert_messages(tx, (message for item in items if item.id in new for message in item.messages))
    return [item.id in new for item in items]


_COUNTS = ("replies", "rev", "shown_rev", "looked", "fence", "failures")
_NOTHING_YET = {"aside": "", "closed": "", "patient": False, **dict.fromkeys(_COUNTS, 0)}
_NEW_THREADS = Sql(
    "{insert threads: id, key, team, channel, asked_in, sender, answer_url, created_at, due_at, lane, replies, rev, "
    "shown_rev, looked, aside, closed, patient, fence, failures} ON CONFLICT (key) DO NOTHING RETURNING id"
)


def insert_messages(tx: Transaction, messages: Iterable[Message], *, due: bool = False) -> None:
    """Store messages accepted now. due: they may leave at once, not only when their turn in the thread has come."""
    times = {"accepted_at": tx.now, "since": tx.now, "send_at": tx.now if due else None}
    tx.each(_NEW_MESSAGES, [columns_of(message) | times for message in messages])


_NEW_MESSAGES = Sql(
    "{insert messages: id, thread_id, recipient, line, text, accepted_at, part, parts, style, media_url, again_of, "
    "delivery, since, service, handle, handle_from, error_code, error_text, picture_lost, unconfirmed, asked, "
    "decision, decided_by, decided_at, told, telling, attempts, attempted_at, polls, fence, send_at}"
)
