"""Claiming sends: which may be made now, and which somebody claimed and never finished."""

from bot.domain.send import Send
from bot.storage.claims import Capacity, Claimed, Head, Queue, next_to_go
from bot.storage.conversations import opted_out
from bot.storage.engine import Transaction, one_by_one
from bot.storage.rows import SEND, send_of
from bot.storage.sql import Sql

# Sends that nobody has begun: 0 is Delivery.ACCEPTED; 10 is SENDING.
_BEGUN = ", delivery = 10, since = :now, attempts = attempts + 1, attempted_at = :now"
_OPTED_OUT = opted_out("sends.recipient")
SENDS = Queue("sends", due="send_at", key="line", which="delivery = 0", held=SEND, changes=_BEGUN, unless=_OPTED_OUT)
_SUPPRESSED = Sql(f"SELECT id FROM sends WHERE id {{among ids}} AND delivery = 0 AND {_OPTED_OUT}")
_ABANDONED = Sql("SELECT id FROM sends WHERE send_at <= :now AND delivery = 10")


@one_by_one
def claim_sends(tx: Transaction, capacity: Capacity) -> Claimed[Send]:
    """Claim one waiting send for each free line. From here on it counts as possibly sent.

    `abandoned` are those somebody claimed and never finished: nobody knows whether they went out. `opted_out` are those
    whose customer wants no texts, as the claim itself found.
    """
    ready, again = next_to_go(tx, SENDS.heads(tx).of(Head), capacity)
    held = SENDS.hold(tx, ready, capacity).of(send_of) if ready else []
    left = {head.id for head in ready} - {send.id for send in held}
    suppressed = tx.ask(_SUPPRESSED, ids=list(left)).column() if left else []
    return Claimed(held, again, tx.ask(_ABANDONED, now=tx.now).column(), suppressed)
