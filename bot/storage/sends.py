"""The sender's work: which message may be sent now, and which one has waited for too long."""

from collections.abc import Sequence
from uuid import UUID

from bot.domain.message import Message
from bot.storage.claims import Capacity, Claimed, Head, Queue, next_to_go
from bot.storage.engine import Transaction, one_by_one
from bot.storage.rows import MESSAGE, message_of
from bot.storage.sql import Sql

# Messages that nobody has tried to send: 0 is Delivery.ACCEPTED, 10 SENDING.
_BEGUN = ", delivery = 10, since = :now, attempts = attempts + 1, attempted_at = :now"
SENDS = Queue("messages", due="send_at", key="line", which="delivery = 0", held=MESSAGE, changes=_BEGUN)
_ABANDONED = Sql("SELECT id FROM messages WHERE send_at <= :now AND delivery = 10")


@one_by_one
def claim_sends(tx: Transaction, capacity: Capacity) -> Claimed[Message]:
    """Claim one unsent message per free line. From here on it counts as possibly sent.

    `abandoned` are those somebody claimed and never finished: nobody knows whether they went out.
    """
    ready, again = next_to_go(tx, SENDS.heads(tx).of(Head), capacity)
    held = SENDS.hold(tx, ready, capacity).of(message_of) if ready else []
    return Claimed(held, again, tx.ask(_ABANDONED, now=tx.now).column())


def let_out(tx: Transaction, thread_ids: Sequence[UUID]) -> None:
    """Let go out of these threads what may: the first part once the thread is open, others once Sendblue has the last.

    The second is `Message.frees_the_next_part`.
    """
    if thread_ids:
        tx.do(_LET_OUT, ids=thread_ids, now=tx.estimate)


_LET_OUT = Sql("""
    UPDATE messages SET send_at = :now
    WHERE thread_id {among ids} AND delivery = 0 AND send_at IS NULL AND (
        part = 1 AND EXISTS (SELECT 1 FROM threads WHERE threads.id = messages.thread_id AND root_ts IS NOT NULL)
        OR EXISTS (
            SELECT 1 FROM messages AS earlier
            WHERE earlier.thread_id = messages.thread_id AND earlier.part = messages.part - 1
            AND earlier.delivery >= 30 AND earlier.delivery <> 50
        )
    )
""")
