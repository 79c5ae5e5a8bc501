"""Taking in what is to be sent."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict

from bot.domain.message import Message, Origin
from bot.domain.thread import Lane
from bot.storage.conversations import Seat, next_seats
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
    known = set(tx.ask(_KNOWN, keys=[item.origin.key for item in items]).column())
    fresh = [item for item in items if item.origin.key not in known]
    words = [item.messages[0].words for item in fresh]
    seated = list(zip(fresh, next_seats(tx, [(one.line, one.recipient) for one in words]), strict=True))
    threads = [_new_thread(tx, item, seat) for item, seat in seated]
    new = set(tx.each(_NEW_THREADS, threads).column())
    insert_messages(tx, ((one, seat) for item, seat in seated if item.id in new for one in item.messages))
    return [item.id in new for item in items]


# A replay takes no seat. To insert it would wait for whoever changes its thread, and they for its conversation.
_KNOWN = Sql("SELECT key FROM threads WHERE key {among keys}")


def _new_thread(tx: Transaction, item: NewThread, seat: Seat) -> dict[str, object]:
    about = {"id": item.id, **asdict(seat), "asked_in": item.origin.channel}
    due = {"created_at": tx.now, "due_at": tx.now, "lane": Lane.POST}
    return about | asdict(item.origin) | due | _NOTHING_YET


_COUNTS = ("replies", "rev", "shown_rev", "looked", "fence", "failures")
_NOTHING_YET = {"closed": "", "patient": False, **dict.fromkeys(_COUNTS, 0)}
_NEW_THREADS = Sql(
    "{insert threads: id, conversation_id, seq, key, team, channel, asked_in, sender, answer_url, created_at, due_at, "
    "lane, replies, rev, shown_rev, looked, closed, patient, fence, failures} "
    "ON CONFLICT (key) DO NOTHING RETURNING id"
)


def insert_messages(tx: Transaction, messages: Iterable[tuple[Message, Seat]]) -> None:
    """Store messages accepted now, each with its place in its conversation. Nothing leaves before it is let out."""
    times = {"accepted_at": tx.now, "since": tx.now, "send_at": None}
    tx.each(_NEW_MESSAGES, [columns_of(message) | asdict(seat) | times for message, seat in messages])


_NEW_MESSAGES = Sql(
    "{insert messages: id, thread_id, conversation_id, seq, recipient, line, text, accepted_at, part, parts, style, "
    "media_url, again_of, delivery, since, service, handle, handle_from, error_code, error_text, picture_lost, "
    "unconfirmed, asked, decision, decided_by, decided_at, told, under_way, owed, attempts, attempted_at, polls, "
    "parked, fence, send_at}"
)
