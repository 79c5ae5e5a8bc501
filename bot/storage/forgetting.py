"""Forgetting what people wrote once it is long over, while counts and states stay for some time more."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from bot.storage.conversations import holding
from bot.storage.engine import Transaction, one_by_one
from bot.storage.sql import Sql

_AT_ONCE = 500


def _forget_customers(table: str) -> tuple[Sql, Sql]:
    """Return what forgets the customers of whom no words are left, of the conversations of these rows.

    Held first: what is being taken in is seen only by a statement that begins after it.
    """
    concerned = f"id IN (SELECT conversation_id FROM {table} WHERE id {{among ids}})"
    return holding(concerned), Sql(f"""
        UPDATE conversations SET customer = '' WHERE {concerned} AND NOT EXISTS (
            SELECT 1 FROM sends WHERE recipient = conversations.customer AND conversation_id = conversations.id
        ) AND NOT EXISTS (
            SELECT 1 FROM threads JOIN messages ON messages.thread_id = threads.id
            WHERE threads.conversation_id = conversations.id AND direction = 'in' AND text <> ''
        )
    """)


# 40 is Delivery.SENT, 50 FAILED.
_OVER = Sql("""
    SELECT sends.id FROM sends JOIN threads ON threads.id = sends.thread_id
    WHERE sends.accepted_at < :before AND sends.recipient <> '' AND threads.due_at IS NULL
    AND (sends.delivery >= 50 OR sends.unconfirmed OR sends.delivery = 40 AND sends.service = 'SMS')
    ORDER BY sends.accepted_at LIMIT :most
""")
_LEFT = "EXISTS (SELECT 1 FROM sends WHERE message_id = messages.id AND recipient <> '')"
_BLANK = (
    Sql("UPDATE sends SET text = '', recipient = '', media_url = NULL, error_text = '' WHERE id {among ids}"),
    # What was said goes with its last part. Held first, so that of two who forget parts of it the later sees both.
    Sql("SELECT id FROM messages WHERE id IN (SELECT message_id FROM sends WHERE id {among ids}) ORDER BY id {hold}"),
    Sql(
        """
        UPDATE messages SET answer_url = '', text = CASE WHEN {left} THEN text ELSE '' END,
            files = CASE WHEN {left} THEN files ELSE '' END
        WHERE id IN (SELECT message_id FROM sends WHERE id {among ids})
    """.replace("{left}", _LEFT)
    ),
    Sql("""
        DELETE FROM attachments WHERE message_id IN (SELECT message_id FROM sends WHERE id {among ids})
        AND message_id IN (SELECT id FROM messages WHERE files = '')
    """),
    Sql("UPDATE reports SET error_text = '' WHERE send_id {among ids}"),
    *_forget_customers("sends"),
)
# What customers said, once their thread shows it.
_OVER_INBOUND = Sql("""
    SELECT messages.id FROM messages JOIN threads ON threads.id = messages.thread_id
    WHERE direction = 'in' AND text <> '' AND said_at < :before AND threads.due_at IS NULL AND threads.channel <> ''
    ORDER BY said_at LIMIT :most
""")
_BLANK_INBOUND = (
    Sql("UPDATE messages SET text = '', files = '' WHERE id {among ids}"),
    Sql("DELETE FROM attachments WHERE message_id {among ids}"),
    *_forget_customers("messages"),
)


@one_by_one
def forget_many(tx: Transaction, age: timedelta) -> int:
    """Blank words, numbers and explanations of sends that are over, and of what customers said; return how many.

    All that is older than that, at most 500 of each at once. A thread that still has something to say keeps its words
    until it has said it.
    """
    count = 0
    for over, blanks in ((_OVER, _BLANK), (_OVER_INBOUND, _BLANK_INBOUND)):
        ids = tx.ask(over, before=tx.now - age, most=_AT_ONCE).column()
        for statement in blanks if ids else ():
            tx.do(statement, ids=ids)
        count += len(ids)
    return count


_IS_OVER = """threads.due_at IS NULL AND threads.channel <> '' AND NOT EXISTS (
    SELECT 1 FROM messages LEFT JOIN sends AS other ON other.message_id = messages.id
    WHERE messages.thread_id = threads.id AND (
        messages.said_at >= :before OR messages.to_show
        OR other.accepted_at >= :before OR other.send_at IS NOT NULL OR other.poll_at IS NOT NULL
    )
)"""
_OLD = Sql(f"""
    SELECT DISTINCT thread_id FROM (
        SELECT thread_id FROM sends JOIN threads ON threads.id = thread_id
        WHERE sends.accepted_at < :before AND {_IS_OVER} ORDER BY sends.accepted_at LIMIT :most
    ) AS over
""")
_OLD_INBOUND, _OLD_NOTES = (
    Sql(f"""
        SELECT DISTINCT thread_id FROM (
            SELECT thread_id FROM messages JOIN threads ON threads.id = thread_id
            WHERE direction = '{direction}' AND said_at < :before AND {_IS_OVER} ORDER BY said_at LIMIT :most
        ) AS over
    """)
    for direction in ("in", "note")
)
_OF_THREADS = "message_id IN (SELECT id FROM messages WHERE thread_id {among ids})"
_STILL = Sql("SELECT id FROM threads WHERE id {among ids} AND due_at IS NULL ORDER BY id {lock}")
_REMOVE = (
    Sql(f"DELETE FROM reports WHERE send_id IN (SELECT id FROM sends WHERE {_OF_THREADS})"),
    Sql(f"DELETE FROM sends WHERE {_OF_THREADS}"),
    Sql(f"DELETE FROM attachments WHERE {_OF_THREADS}"),
    Sql("DELETE FROM messages WHERE thread_id {among ids}"),
    Sql("DELETE FROM threads WHERE id {among ids}"),
)


@one_by_one
def remove_many(tx: Transaction, age: timedelta) -> int:
    """Remove threads that are over and older than that, with all that is theirs alone; return how many, 500 at most."""
    before = tx.now - age
    found = (tx.ask(old, before=before, most=_AT_ONCE).column() for old in (_OLD, _OLD_INBOUND, _OLD_NOTES))
    ids = next(filter(None, found), [])
    ids = tx.ask(_STILL, ids=ids).column() if ids else []
    for statement in _REMOVE if ids else ():
        tx.do(statement, ids=ids)
    return len(ids)


_HAS_NO_THREAD = "NOT EXISTS (SELECT 1 FROM threads WHERE conversation_id = conversations.id)"
_WITHOUT_THREAD = Sql(f"SELECT id FROM conversations WHERE {_HAS_NO_THREAD} LIMIT :most")
# Held first, as above: one that gets a thread meanwhile stays.
_REMOVE_CONVERSATIONS = (
    holding(f"id {{among ids}} AND {_HAS_NO_THREAD}"),
    Sql(f"DELETE FROM conversations WHERE id {{among ids}} AND {_HAS_NO_THREAD}"),
)


def without_thread(tx: Transaction) -> list[UUID]:
    """Return conversations whose threads were removed, or that never had one: 500 at most. Looks at each there is."""
    return tx.ask(_WITHOUT_THREAD, most=_AT_ONCE).column()


@one_by_one
def remove_conversations(tx: Transaction, ids: Sequence[UUID]) -> None:
    """Remove those of them that still have no thread."""
    for statement in _REMOVE_CONVERSATIONS:
        tx.do(statement, ids=ids)
