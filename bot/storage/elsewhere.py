"""Texts to customers that were not sent from here: by the dashboard, by another program."""

from datetime import timedelta

from msgspec import Struct

from bot.domain.message import Inbound
from bot.storage.engine import Transaction, one_by_one
from bot.storage.inbound import LOCK_STANDING, Arrival, take_many
from bot.storage.intake import KNOWN
from bot.storage.sql import Sql

WAITS = "waits"  # it may be one of ours whose call has no answer yet: bring it again


class SentElsewhere(Struct, frozen=True):
    said: Inbound
    doubt_window: timedelta  # for so long a call of ours without an answer may have led to it


@one_by_one
def take_sent(tx: Transaction, item: SentElsewhere) -> str:
    """Show a text in the customer's thread, once: "new". Others are "known", "ours", WAITS, or "ignored": no thread."""
    said = item.said
    about = {"line": said.line, "customer": said.customer}
    if tx.ask(_OURS, handle=said.handle).column():
        return "ours"
    if tx.ask(KNOWN, keys=[said.key]).column():
        return "known"
    if tx.ask(_IN_DOUBT, **about, since=tx.now - item.doubt_window).column():
        return WAITS
    standing = tx.ask(LOCK_STANDING, ids=tx.ask(_CURRENT, **about).column())
    if not any(row.opened for row in standing):
        return "ignored"
    [new] = take_many(tx, [Arrival(said, "")])
    tx.do(_ANSWERED, **about, at=said.at)
    return "new" if new else "known"


_OURS = Sql("SELECT id FROM sends WHERE handle = :handle")
# 10 is Delivery.SENDING, 20 UNCERTAIN.
_IN_DOUBT = Sql("""
    SELECT id FROM sends WHERE recipient = :customer AND line = :line AND delivery IN (10, 20)
    AND coalesce(attempted_at, accepted_at) > :since
""")
_CURRENT = Sql("""
    SELECT thread_id FROM conversations WHERE customer = :customer AND line = :line AND thread_id IS NOT NULL
""")
_ANSWERED = Sql("""
    UPDATE conversations SET waiting_since = NULL WHERE customer = :customer AND line = :line AND waiting_since < :at
""")
