"""Forgetting what people wrote once it is long over, while counts and states stay for some time more."""

from datetime import timedelta

from bot.storage.conversations import holding
from bot.storage.engine import Transaction, one_by_one
from bot.storage.sql import Sql

_AT_ONCE = 500

# 40 is Delivery.SENT, 50 FAILED.
_OVER = Sql("""
    SELECT messages.id FROM messages JOIN threads ON threads.id = messages.thread_id
    WHERE messages.accepted_at < :before AND messages.recipient <> '' AND threads.due_at IS NULL
    AND (messages.delivery >= 50 OR messages.unconfirmed OR messages.delivery = 40 AND messages.service = 'SMS')
    ORDER BY messages.accepted_at LIMIT :most
""")
_BLANK = (
    Sql("UPDATE threads SET answer_url = '' WHERE id IN (SELECT thread_id FROM messages WHERE id {among ids})"),
    Sql("UPDATE messages SET text = '', recipient = '', media_url = NULL, error_text = '' WHERE id {among ids}"),
    Sql("UPDATE reports SET error_text = '' WHERE message_id {among ids}"),
    # Held first: a text that is being accepted is seen only by a statement that begins after it.
    holding("id IN (SELECT conversation_id FROM messages WHERE id {among ids})"),
    Sql("""
        UPDATE conversations SET customer = ''
        WHERE id IN (SELECT conversation_id FROM messages WHERE id {among ids}) AND NOT EXISTS (
            SELECT 1 FROM messages WHERE recipient = conversations.customer AND conversation_id = conversations.id
        )
    """),
)


@one_by_one
def forget_many(tx: Transaction, age: timedelta) -> int:
    """Blank texts, numbers and explanations of messages that are over and older than that; return how many.

    At most 500 at once. A thread that still has something to say keeps its words until it has said it.
    """
    ids = tx.ask(_OVER, before=tx.now - age, most=_AT_ONCE).column()
    for statement in _BLANK if ids else ():
        tx.do(statement, ids=ids)
    return len(ids)


_OLD = Sql("""
    SELECT DISTINCT thread_id FROM (
        SELECT thread_id FROM messages JOIN threads ON threads.id = thread_id
        WHERE messages.accepted_at < :before AND threads.due_at IS NULL AND NOT EXISTS (
            SELECT 1 FROM messages AS other WHERE other.thread_id = threads.id
            AND (other.accepted_at >= :before OR other.send_at IS NOT NULL OR other.poll_at IS NOT NULL)
        )
        ORDER BY messages.accepted_at LIMIT :most
    ) AS over
""")
_REMOVE = (
    Sql("DELETE FROM reports WHERE message_id IN (SELECT id FROM messages WHERE thread_id {among ids})"),
    Sql("DELETE FROM messages WHERE thread_id {among ids}"),
)
_REMOVE_THREADS = Sql("DELETE FROM threads WHERE id {among ids} RETURNING conversation_id")
# Held first, as above: one that gets a new thread meanwhile stays.
_REMOVE_CONVERSATIONS = (
    holding("id {among ids}"),
    Sql(
        "DELETE FROM conversations WHERE id {among ids} "
        "AND NOT EXISTS (SELECT 1 FROM threads WHERE conversation_id = conversations.id)"
    ),
)


@one_by_one
def remove_many(tx: Transaction, age: timedelta) -> int:
    """Remove threads that are over and older than that, with all that is theirs alone; return how many, 500 at most."""
    ids = tx.ask(_OLD, before=tx.now - age, most=_AT_ONCE).column()
    for statement in _REMOVE if ids else ():
        tx.do(statement, ids=ids)
    conversations = tx.ask(_REMOVE_THREADS, ids=ids).column() if ids else []
    for statement in _REMOVE_CONVERSATIONS if conversations else ():
        tx.do(statement, ids=conversations)
    return len(ids)
