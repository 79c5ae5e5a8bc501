"""Conversations: one for each of our lines and customer, in which texts leave in the order they were accepted."""

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


def next_seats(tx: Transaction, gestures: Sequence[tuple[str, str, str]]) -> dict[str, Seat]:
    """Return key → seat for each gesture (key, line, customer) that is not stored yet, in their order.

    A conversation begins with its first. Holds the conversations until the transaction ends, so nobody else gets the
    same seats. A replay takes none: to hold its conversation it might have to wait.
    """
    rows = [
        {"id": new_id(tx.now), "key": key, "line": line, "customer": customer, "place": place}
        for place, (key, line, customer) in enumerate(gestures)
    ]
    return {row.key: Seat(row.conversation_id, row.seq) for row in tx.each(_NEXT_SEATS, rows)}


# SQLite takes gesture after gesture. PostgreSQL takes all at once, and may change each conversation only once.
_NEXT_SEATS = Sql(
    """
    WITH fresh AS (
        SELECT row.* {from id, key, line, customer, place}
        WHERE (SELECT true FROM messages WHERE messages.key = row.key) IS NULL
    ),
    taken AS (
        INSERT INTO conversations (id, line, customer, kind, next_seq)
        SELECT (array_agg(id))[1], line, customer, 'person', count(*) FROM fresh
        GROUP BY line, customer ORDER BY line, customer
        ON CONFLICT (customer, line) WHERE customer <> ''
        DO UPDATE SET next_seq = conversations.next_seq + excluded.next_seq RETURNING id, line, customer, next_seq
    )
    SELECT fresh.key, taken.id AS conversation_id,
        (next_seq - row_number() OVER (PARTITION BY taken.id ORDER BY place DESC))::int AS seq
    FROM fresh JOIN taken ON taken.line = fresh.line AND taken.customer = fresh.customer
    """,
    sqlite="""
    INSERT INTO conversations (id, line, customer, kind, next_seq)
    SELECT :id, :line, :customer, 'person', 1 WHERE NOT EXISTS (SELECT 1 FROM messages WHERE key = :key)
    ON CONFLICT (customer, line) WHERE customer <> '' DO UPDATE SET next_seq = conversations.next_seq + 1
    RETURNING :key AS key, id AS conversation_id, next_seq - 1 AS seq
    """,
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
    """Return a statement that holds these conversations: by everybody in the same order, after threads and sends."""
    return Sql(f"SELECT id FROM conversations WHERE {which} ORDER BY line, customer, id {{hold}}")


_OF_THREADS = "conversations.id IN (SELECT conversation_id FROM threads WHERE id {among ids})"
_HOLD_OF_THREADS = holding(_OF_THREADS)
# 0 is Delivery.ACCEPTED. Whoever has locked a text that is skipped here lets out after this.
_LET_OUT = Sql(f"""
    UPDATE sends SET send_at = :now WHERE id IN (
        SELECT sends.id FROM sends JOIN threads ON threads.id = sends.thread_id
        WHERE (root_ts IS NOT NULL OR closed <> '') AND sends.id IN (
            SELECT (
                SELECT id FROM sends
                WHERE conversation_id = conversations.id AND delivery = 0 AND send_at IS NULL AND NOT parked
                ORDER BY seq, part, try_number LIMIT 1
            ) FROM conversations WHERE {_OF_THREADS} AND NOT EXISTS (
                SELECT 1 FROM sends WHERE conversation_id = conversations.id AND send_at IS NOT NULL
            )
        ) {{lock of sends skip locked}}
    )
""")


def overtaken(tx: Transaction, ids: Sequence[UUID]) -> set[UUID]:
    """Return those of these texts after which others of their conversation have left, or may have."""
    return set(tx.ask(_OVERTAKEN, ids=ids).column()) if ids else set()


# 10 is Delivery.SENDING, 50 FAILED, 4 HandleFrom.REFUSAL: what was refused has not left (`Known.was_refused`).
_OVERTAKEN = Sql("""
    SELECT id FROM sends WHERE id {among ids} AND EXISTS (
        SELECT 1 FROM threads JOIN messages ON messages.thread_id = threads.id
        JOIN sends AS later ON later.message_id = messages.id
        WHERE threads.conversation_id = sends.conversation_id AND messages.seq > sends.seq AND later.delivery >= 10
        AND NOT (later.delivery = 50 AND (later.handle IS NULL OR later.handle_from = 4))
    )
""")
