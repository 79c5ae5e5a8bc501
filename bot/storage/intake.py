"""Taking in what is to be sent."""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict

from bot.domain.message import Origin
from bot.domain.send import Send
from bot.storage.conversations import Seat, next_seats
from bot.storage.engine import Rows, Transaction
from bot.storage.sql import Sql


class NewMessage(Struct, frozen=True):
    """One gesture: what is said, the thread to open for it, and its sends (parts), in order."""

    id: UUID
    thread_id: UUID
    origin: Origin
    text: str
    sends: tuple[Send, ...]


def accept_many(tx: Transaction, items: Sequence[NewMessage]) -> Iterator[bool]:
    """Store each gesture once. Returns whether it was new; a replay changes nothing."""
    first = [(item.origin.key, item.sends[0].words) for item in items]
    seats = next_seats(tx, [(key, words.line, words.recipient) for key, words in first])
    seated = [(item, seats[item.origin.key]) for item in items if item.origin.key in seats]
    rows = [_row(item, seat) for item, seat in seated]
    stored = tx.each(_NEW_MESSAGES, rows, now=tx.now)
    tx.each(_NEW_THREADS, rows, now=tx.now)
    insert_sends(tx, ((one, seat) for item, seat in seated for one in item.sends))
    return _were_new(items, stored)


def _were_new(items: Sequence[NewMessage], stored: Rows) -> Iterator[bool]:
    """Look at what was stored only when it is asked for: after the commit, which then waits for nothing else."""
    ids = set(stored.column())
    yield from (item.id in ids for item in items)


def _row(item: NewMessage, seat: Seat) -> dict[str, object]:
    ids = {"id": item.id, "thread_id": item.thread_id, "conversation_id": seat.conversation_id, "seq": seat.seq}
    return ids | asdict(item.origin) | {"text": item.text}


# What is the same for every new row stands in the statement; handed over, it would be a column of copies.
# The message comes first. Its thread and its sends are stored only if it was: of two with one key, the first wins.
# It is looked for row by row: for EXISTS PostgreSQL would read all messages while it takes them for few.
_NEW_MESSAGES = Sql("""
    INSERT INTO messages
        (id, thread_id, conversation_id, seq, key, direction, origin, team, author, answer_url, text, said_at)
    SELECT row.id, row.thread_id, row.conversation_id, row.seq, row.key, 'out', 'command', row.team, row.author,
        row.answer_url, row.text, :now
    {from id, thread_id, conversation_id, seq, key, team, author, answer_url, text}
    WHERE true ON CONFLICT (key) DO NOTHING RETURNING id
""")
# 2 is Lane.POST.
_NEW_THREADS = Sql("""
    INSERT INTO threads (id, conversation_id, seq, channel, asked_in, due_at, lane,
        replies, rev, shown_rev, looked, closed, patient, fence, failures)
    SELECT row.thread_id, row.conversation_id, row.seq, row.channel, row.channel, :now, 2,
        0, 0, 0, 0, '', false, 0, 0
    {from id, thread_id, conversation_id, seq, channel}
    WHERE (SELECT true FROM messages WHERE messages.id = row.id)
""")


def insert_sends(tx: Transaction, sends: Iterable[tuple[Send, Seat]]) -> None:
    """Store sends as they begin: of each its ids and its words. Nothing leaves before it is let out."""
    rows = [
        {"id": one.id, "message_id": one.message_id, "thread_id": one.thread_id, "seq": seat.seq}
        | {"conversation_id": seat.conversation_id, **asdict(one.words)}
        for one, seat in sends
    ]
    tx.each(_NEW_SENDS, rows, now=tx.now)


# 0 is Delivery.ACCEPTED, HandleFrom.NOWHERE and News.NONE.
_NEW_SENDS = Sql("""
    INSERT INTO sends (id, message_id, thread_id, conversation_id, seq, recipient, line, text, accepted_at, since,
        part, parts, try_number, style, media_url,
        delivery, service, handle_from, error_code, error_text, picture_lost, unconfirmed, asked, decision, decided_by,
        told, under_way, owed, attempts, polls, parked, fence)
    SELECT row.id, row.message_id, row.thread_id, row.conversation_id, row.seq, row.recipient, row.line, row.text,
        :now, :now, row.part, row.parts, row.try_number, row.style, row.media_url,
        0, '', 0, '', '', false, false, false, '', '', 0, 0, 0, 0, 0, false, 0
    {from id, message_id, thread_id, conversation_id, seq, recipient, line, text, part, parts, try_number, style,
        media_url}
    WHERE (SELECT true FROM messages WHERE messages.id = row.message_id)
""")
