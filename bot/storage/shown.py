"""Reading what one step needs of its thread, which costs the same however long that is."""

from collections.abc import Sequence
from uuid import UUID

from bot.domain.attachment import Copy
from bot.domain.thread import MOST_TOLD, Thread
from bot.storage.attachments import copies
from bot.storage.engine import Rows, Transaction
from bot.storage.rows import AS_SAID, IN_ORDER, MESSAGE, SEND, THREADS, threads_of
from bot.storage.sql import Sql

# What a step needs of its thread, however long that is: what the root shows, what is under way, and the first of what
# is owed; one more than fits at once, so that the rest is not forgotten. SQLite has no LATERAL, and takes thread after
# thread.
_ROOT = "FROM threads JOIN messages ON messages.thread_id = threads.id AND messages.seq = threads.seq"


def _needed(what: str, table: str, *, root: str, under_way: str, owed: str, order: str) -> Sql:
    """Return the statement that reads these rows of one table."""
    ours = f"SELECT id FROM {table} WHERE"
    return Sql(
        f"""
        WITH row AS (SELECT * FROM unnest(%(id)s::uuid[]) AS row(id))
        SELECT {what} FROM {table} WHERE id IN (
            {root} WHERE threads.id IN (SELECT id FROM row)
            UNION {ours} {under_way} AND thread_id IN (SELECT id FROM row)
            UNION SELECT owed.id FROM row, LATERAL ({ours} thread_id = row.id AND {owed} LIMIT {MOST_TOLD + 1}) AS owed
        ) ORDER BY {order}
        """,
        sqlite=f"""
        SELECT {what} FROM {table} WHERE id IN (
            {root} WHERE threads.id = :id
            UNION {ours} {under_way} AND thread_id = :id
            UNION SELECT id FROM ({ours} thread_id = :id AND {owed} LIMIT {MOST_TOLD + 1})
        ) ORDER BY {order}
        """,
    )


_SENDS = _needed(
    SEND,
    "sends",
    root=f"SELECT sends.id {_ROOT} JOIN sends ON sends.message_id = messages.id",
    under_way="under_way <> 0",
    owed="owed <> 0 ORDER BY seq, part",
    order=IN_ORDER,
)
_MESSAGES = _needed(
    f"messages.thread_id, {MESSAGE}",
    "messages",
    root=f"SELECT messages.id {_ROOT}",
    under_way="showing",
    owed="to_show ORDER BY said_at, seq",
    order=AS_SAID,
)


def needed(tx: Transaction, ids: Sequence[UUID]) -> tuple[Rows, Rows, list[Copy]]:
    """Return the messages, the sends and the files that steps of these threads need, as `threads_of` takes them."""
    rows = [{"id": one} for one in ids]
    return tx.each(_MESSAGES, rows), tx.each(_SENDS, rows), copies(tx, ids)


def load_shown(tx: Transaction, thread_id: UUID) -> Thread | None:
    """Return a thread as a step has it, if it is still there."""
    return threads_of(tx.ask(THREADS, ids=[thread_id]), *needed(tx, [thread_id])).get(thread_id)
