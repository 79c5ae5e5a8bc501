"""Conversations: one for each of our lines and customer, in which texts leave in the order they were accepted."""

from collections import Counter
from collections.abc import Iterable, Sequence
from uuid import UUID

from msgspec import Struct

from bot.domain.ids import new_id
from bot.storage.engine import Transaction
from bot.storage.sql import Sql


class Seat(Struct, frozen=True):
    """Where something said stands: in which conversation, and after what."""

    conversation_id: UUID
    seq: int


def next_seats(tx: Transaction, whom: Sequence[tuple[str, str]]) -> list[Seat]:
    """Return a seat for each line and customer (E.164), in order; a conversation begins with its first.

    Holds the conversations until the transaction ends, so nobody else gets the same seats.
    """
    wanted = Counter(whom)
    rows = [
        {"id": new_id(tx.now), "line": line, "customer": customer, "kind": "person", "next_seq": count}
        for (line, customer), count in sorted(wanted.items())
    ]
    ends = {(row.line, row.customer): row for row in tx.each(_NEXT_SEATS, rows)}
    seats = []
    for about in whom:
        seats.append(Seat(ends[about].id, ends[about].next_seq - wanted[about]))
        wanted[about] -= 1
    return seats


_NEXT_SEATS = Sql(
    "{insert conversations: id, line, customer, kind, next_seq} ON CONFLICT (customer, line) WHERE customer <> '' "
    "DO UPDATE SET next_seq = conversations.next_seq + excluded.next_seq RETURNING id, line, customer, next_seq"
)


def let_out(tx: Transaction, thread_ids: Iterable[UUID]) -> None:
    """Let the next text of the conversations of these threads go, if none is on its way.

    On its way is what is due, being sent, or waits for another try. The next is the first that is not parked behind a
    doubt; it goes once its own thread is open, or closed for good: what a person sends again there leaves, too. To be
    called by whatever opens a thread, ends a text's way or keeps others off a waiting one.
    """
    if not (ids := list(thread_ids)):
        return
    if not tx.alone:
        tx.do(_HOLD_OF_THREADS, ids=ids)  # so that of two who change the same one, the later sees what the earlier did
    tx.do(_LET_OUT, ids=ids, now=tx.estimate)


def holding(which: str) -> Sql:
    """Return a statement that holds these conversations: by everybody in the same order, after threads and messages."""
    return Sql(f"SELECT id FROM conversations WHERE {which} ORDER BY line, customer, id {{hold}}")


_OF_THREADS = "conversations.id IN (SELECT conversation_id FROM threads WHERE id {among ids})"
_HOLD_OF_THREADS = holding(_OF_THREADS)
# 0 is Delivery.ACCEPTED. Whoever has locked a text that is skipped here lets out after this.
_LET_OUT = Sql(f"""
    UPDATE messages SET send_at = :now WHERE id IN (
        SELECT messages.id FROM messages JOIN threads ON threads.id = messages.thread_id
        WHERE (root_ts IS NOT NULL OR closed <> '') AND messages.id IN (
            SELECT (
                SELECT id FROM messages
                WHERE conversation_id = conversations.id AND delivery = 0 AND send_at IS NULL AND NOT parked
                ORDER BY seq, part, accepted_at LIMIT 1
            ) FROM conversations WHERE {_OF_THREADS} AND NOT EXISTS (
                SELECT 1 FROM messages WHERE conversation_id = conversations.id AND send_at IS NOT NULL
            )
        ) {{lock of messages skip locked}}
    )
""")


def overtaken(tx: Transaction, ids: Sequence[UUID]) -> set[UUID]:
    """Return those of these texts after which others of their conversation have left, or may have."""
    return set(tx.ask(_OVERTAKEN, ids=ids).column()) if ids else set()


# 10 is Delivery.SENDING, 50 FAILED, 4 HandleFrom.REFUSAL: what was refused has not left (`Known.was_refused`).
_OVERTAKEN = Sql("""
    SELECT id FROM messages WHERE id {among ids} AND EXISTS (
        SELECT 1 FROM messages AS later
        WHERE later.conversation_id = messages.conversation_id AND later.seq > messages.seq AND later.delivery >= 10
        AND NOT (later.delivery = 50 AND (later.handle IS NULL OR later.handle_from = 4))
    )
""")
