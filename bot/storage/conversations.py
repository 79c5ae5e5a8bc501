"""Conversations: one for each of our lines and customer, in which texts leave in the order they were accepted."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict

from bot.domain.attention import Attention
from bot.domain.ids import new_id
from bot.storage.engine import Rows, Transaction
from bot.storage.sql import Sql


class Gesture(Struct, frozen=True):
    """Something said, by whomever, that is to be stored."""

    key: str
    line: str
    customer: str
    thread_id: UUID | None  # which becomes the conversation's current one; None: that stays
    inbound: bool = False  # or a text to the customer, which gets no seat if they have opted out
    author: str | None = None  # of a text to the customer, who waits for an answer no more


class Current(Attention, frozen=True, kw_only=True):
    """A conversation, and the thread from which somebody wrote in it last."""

    id: UUID
    customer: str
    line: str
    thread_id: UUID | None
    channel: str | None  # None: the thread is gone
    private: bool | None
    closed: str | None
    root_ts: str | None

    def is_active(self, since: datetime) -> bool:
        """Whether its thread stands and was not quiet since then."""
        return self.closed == "" and self.last_at is not None and self.last_at > since


def conversations_with(tx: Transaction, customers: Collection[str]) -> dict[str, list[Current]]:
    """Return customer → their conversations with our lines, the one last spoken in first."""
    found: dict[str, list[Current]] = defaultdict(list)
    for current in tx.ask(_WITH, customers=list(customers)).of(Current):
        found[current.customer].append(current)
    return found


_WITH = Sql("""
    SELECT conversations.id, customer, line, last_at, author, author_at, burst_at, threads.id AS thread_id, channel,
        private, closed, root_ts
    FROM conversations LEFT JOIN threads ON threads.id = thread_id
    WHERE customer {among customers} AND customer <> '' AND last_at IS NOT NULL ORDER BY last_at DESC
""")


class Seat(Struct, frozen=True):
    """Where something said stands: in which conversation, and after what."""

    conversation_id: UUID
    seq: int


def opted_out(customer: str) -> str:
    """Return the condition that a customer, named by this expression, wants no texts. As `OptOut.stands` says it."""
    return (
        f"EXISTS (SELECT 1 FROM opt_outs WHERE hash = {{digest {customer}}} AND stopped_at IS NOT NULL "
        "AND (lifted_at IS NULL OR stopped_at >= lifted_at))"
    )


def next_seats(tx: Transaction, gestures: Sequence[Gesture]) -> dict[str, Seat]:
    """Return key → seat for each gesture that is not stored yet, in their order.

    A conversation begins with its first. Holds the conversations until the transaction ends, so nobody else gets the
    same seats. A replay takes none, for to hold its conversation it might have to wait; a text to a customer who has
    opted out takes none either.
    """
    rows = [asdict(one) | {"id": new_id(tx.now), "place": place} for place, one in enumerate(gestures)]
    found = tx.each(_NEXT_SEATS, rows, now=tx.now)
    return _take(tx, rows, found) if tx.alone else {row.key: Seat(row.conversation_id, row.seq) for row in found}


def _take(tx: Transaction, rows: Sequence[dict[str, Any]], found: Rows) -> dict[str, Seat]:
    """Take seats for those of these rows that were found to be new: the next ones of each conversation."""
    seats, after, new = dict[str, Seat](), dict[tuple[str, str], Seat](), list[dict[str, Any]]()
    for row in found:
        gesture = rows[row.place]
        where = gesture["line"], gesture["customer"]
        seat = seats[row.key] = after.get(where) or Seat(row.conversation_id, row.seq)
        after[where] = Seat(seat.conversation_id, seat.seq + 1)
        author_at = None if gesture["author"] is None else tx.now
        new.append(gesture | {"id": seat.conversation_id, "author_at": author_at})
    tx.each(_TAKE, new, now=tx.now)
    return seats


# PostgreSQL takes all at once, and may change each conversation only once. SQLite looks first, and nobody else takes
# any meanwhile: where an INSERT has conditions, or returns something, it copies each page before it changes it.
_KIND = "CASE WHEN substr({customer}, 1, 6) = 'group:' THEN 'group' ELSE 'person' END"
_CHANGED = """
    last_at = excluded.last_at, thread_id = coalesce(excluded.thread_id, conversations.thread_id),
    author = coalesce(excluded.author, conversations.author),
    author_at = coalesce(excluded.author_at, conversations.author_at),
    waiting_since = CASE WHEN excluded.author IS NULL THEN conversations.waiting_since END
"""
_ITS = "FROM conversations WHERE line = :line AND customer = :customer AND customer <> ''"
_NEXT_SEATS = Sql(
    f"""
    WITH fresh AS (
        SELECT row.* {{from id, key, line, customer, thread_id, place, inbound, author}}
        WHERE (SELECT true FROM messages WHERE messages.key = row.key) IS NULL
        AND (row.inbound OR NOT {opted_out("row.customer")})
    ),
    taken AS (
        INSERT INTO conversations (id, line, customer, kind, next_seq, last_at, thread_id, author, author_at)
        SELECT (array_agg(id))[1], line, customer, {_KIND.format(customer="customer")}, count(*), :now,
            (array_agg(thread_id ORDER BY place DESC) FILTER (WHERE thread_id IS NOT NULL))[1],
            (array_agg(author ORDER BY place DESC))[1], CASE WHEN count(author) > 0 THEN :now::timestamptz END
        FROM fresh GROUP BY line, customer ORDER BY line, customer
        ON CONFLICT (customer, line) WHERE customer <> '' DO UPDATE SET
            next_seq = conversations.next_seq + excluded.next_seq, {_CHANGED}
        RETURNING id, line, customer, next_seq
    )
    SELECT fresh.key, taken.id AS conversation_id,
        (next_seq - row_number() OVER (PARTITION BY taken.id ORDER BY place DESC))::int AS seq
    FROM fresh JOIN taken ON taken.line = fresh.line AND taken.customer = fresh.customer
    """,
    sqlite=f"""
    SELECT :key AS key, :place AS place, coalesce((SELECT id {_ITS}), :id) AS conversation_id,
        coalesce((SELECT next_seq {_ITS}), 0) AS seq
    WHERE NOT EXISTS (SELECT 1 FROM messages WHERE key = :key) AND (:inbound OR NOT {opted_out(":customer")})
    """,
)
_TAKE = Sql(f"""
    INSERT INTO conversations (id, line, customer, kind, next_seq, last_at, thread_id, author, author_at)
    {{values row.id, row.line, row.customer, {_KIND.format(customer="row.customer")}, 1, :now, row.thread_id,
        row.author, row.author_at}}
    ON CONFLICT (customer, line) WHERE customer <> '' DO UPDATE SET
        next_seq = conversations.next_seq + 1, {_CHANGED}
""")


def let_out(tx: Transaction, thread_ids: Iterable[UUID]) -> None:
    """Let the next text of the conversations of these threads go, if none is on its way.

    On its way is what is due, being sent, or waits for another try. The next is the first that is not parked behind a
    doubt; it goes once its own thread is open, or closed for good (what a person sends again there leaves, too), and
    once Sendblue has all its files. To be called by whatever opens a thread, ends a text's way, brings its last file
    or keeps others off a waiting one.
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
        WHERE (root_ts IS NOT NULL OR closed <> '') AND NOT EXISTS (
            SELECT 1 FROM attachments WHERE message_id = sends.message_id AND way = 'out' AND stage = 0
        ) AND sends.id IN (
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
