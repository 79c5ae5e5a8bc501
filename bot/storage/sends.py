"""The sender's work: which message may be sent now, and which one has waited for too long."""

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
