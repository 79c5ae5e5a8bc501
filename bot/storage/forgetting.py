"""Forgetting what people wrote once it is long over, while counts and states stay for some time more."""

from datetime import timedelta

from bot.storage.conversations import holding
from bot.storage.engine import Transaction, one_by_one
from bot.storage.sql import Sql

_AT_ONCE = 500

# 40 is Delivery.SENT, 50 FAILED.
_OVER = Sql("""
    SELECT sends.id FROM sends JOIN threads ON threads.id = sends.thread_id
    WHERE sends.accepted_at < :before AND sends.recipient <> '' AND threads.due_at IS NULL
    AND (sends.delivery >= 50 OR sends.unconfirmed OR sends.delivery = 40 AND sends.service = 'SMS')
    ORDER BY sends.accepted_at LIMIT :most
""")
_BLANK = (
    Sql("UPDATE sends SET text = '', recipient = '', media_url = NULL, error_text = '' WHERE id {among ids}"),
    # What was said goes with its last part. Held first, so that of two who forget parts of it the later sees both.
    Sql("SELECT id FROM messages WHERE id IN (SELECT message_id FROM sends WHERE id {among ids}) ORDER BY id {hold}"),
    Sql("""
        UPDATE messages SET answer_url = '', text = CASE
            WHEN EXISTS (SELECT 1 FROM sends WHERE message_id = messages.id AND recipient <> '') THEN text ELSE '' END
        WHERE id IN (SELECT message_id FROM sends WHERE id {among ids})
    """),
    Sql("UPDATE reports SET error_text = '' WHERE send_id {among ids}"),
    # Held first: a text that is being accepted is seen only by a statement that begins after it.
    holding("id IN (SELECT conversation_id FROM sends WHERE id {among ids})"),
    Sql("""
        UPDATE conversations SET customer = ''
        WHERE id IN (SELECT conversation_id FROM sends WHERE id {among ids}) AND NOT EXISTS (
            SELECT 1 FROM sends WHERE recipient = conversations.customer AND conversation_id = conversations.id
        )
    """),
)


@one_by_one
def forget_many(tx: Transaction, age: timedelta) -> int:
    """Blank texts, numbers and explanations of sends that are over and older than that; return how many.

    At most 500 at once. A thread that still has something to say keeps its words until it has said it.
    """
    ids = tx.ask(_OVER, before=tx.now - age, most=_AT_ONCE).column()
    for statement in _BLANK if ids else ():
        tx.do(statement, ids=ids)
    return len(ids)


_OLD = Sql("""
    SELECT DISTINCT thread_id FROM (
        SELECT thread_id FROM sends JOIN threads ON threads.id = thread_id
        WHERE sends.accepted_at < :before AND threads.due_at IS NULL AND NOT EXISTS (
            SELECT 1 FROM messages JOIN sends AS other ON other.message_id = messages.id
            WHERE messages.thread_id = threads.id
            AND (other.accepted_at >= :before OR other.send_at IS NOT NULL OR other.poll_at IS NOT NULL)
        )
        ORDER BY sends.accepted_at LIMIT :most
    ) AS over
""")
_OF_THREADS = "message_id IN (SELECT id FROM messages WHERE thread_id {among ids})"
_REMOVE = (
    Sql("SELECT id FROM threads WHERE id {among ids} ORDER BY id {lock}"),  # as whoever brings news of them
    Sql(f"DELETE FROM reports WHERE send_id IN (SELECT id FROM sends WHERE {_OF_THREADS})"),
    Sql(f"DELETE FROM sends WHERE {_OF_THREADS}"),
    Sql("DELETE FROM messages WHERE thread_id {among ids}"),
    Sql("DELETE FROM threads WHERE id {among ids}"),
)
# Held first, as above: one that gets a thread meanwhile stays. One gesture taken in with two lines leaves one without.
_WITHOUT_THREAD = "NOT EXISTS (SELECT 1 FROM threads WHERE conversation_id = conversations.id)"
_REMOVE_CONVERSATIONS = (holding(_WITHOUT_THREAD), Sql(f"DELETE FROM conversations WHERE {_WITHOUT_THREAD}"))


@one_by_one
def remove_many(tx: Transaction, age: timedelta) -> int:
    """Remove threads that are over and older than that, with all that is theirs alone; return how many, 500 at most."""
    ids = tx.ask(_OLD, before=tx.now - age, most=_AT_ONCE).column()
    for statement in _REMOVE if ids else ():
        tx.do(statement, ids=ids)
    for statement in _REMOVE_CONVERSATIONS if len(ids) < _AT_ONCE else ():  # once, at the end: it looks at each
        tx.do(statement)
    return len(ids)
