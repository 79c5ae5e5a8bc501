"""Who wants no more texts. A number stands here as a hash, so it is still known when the number is forgotten."""

from collections.abc import Callable
from datetime import timedelta

from bot.domain.delivery import Delivery
from bot.domain.known import Report
from bot.domain.message import Inbound, Notice
from bot.domain.optout import OptOut, Wish, wish
from bot.storage.engine import Transaction, one_by_one
from bot.storage.reports import Heard, apply_many
from bot.storage.sql import Sql
from bot.storage.waking import wake_current


def heard(tx: Transaction, said: Inbound) -> Notice:
    """Obey what a customer says of texting them, before it is stored with the same commit; return what it changed."""
    if said.is_group or said.notice:
        return said.notice
    wanted = wish(said.text)
    if wanted is Wish.YES and not known_of(tx, said.customer).stands:
        return Notice.NONE  # an answer like any other
    if wanted in (Wish.START, Wish.YES):
        before, after = change(tx, said.customer, lambda known: known.lifted(said.at), why="words")
        return Notice.LIFTED if before.stands and not after.stands else Notice.NONE
    if wanted is Wish.STOP or said.opted_out:
        why = "words" if wanted is Wish.STOP else "flag"
        before, after = change(tx, said.customer, lambda known: known.stopped(said.at), why=why)
        return Notice.STOPPED if after.stands and not before.stands else Notice.NONE
    if wanted is Wish.PERHAPS_STOP and not known_of(tx, said.customer).stands:
        return Notice.ASKS
    return Notice.NONE


def change(
    tx: Transaction, customer: str, changed: Callable[[OptOut], OptOut], *, why: str, by: str = ""
) -> tuple[OptOut, OptOut]:
    """Merge a word into what is known of a customer (E.164); return that before and after.

    Once it stands, what nobody has begun to send to them is cancelled, from whichever line. by: a Slack user id, if it
    was not the customer.
    """
    tx.do(_NEW, customer=customer)
    before = known_of(tx, customer)
    after = changed(before)
    if after != before:
        tx.do(_STORE, customer=customer, stopped_at=after.stopped_at, lifted_at=after.lifted_at, by=by, why=why)
    if after.stands != before.stands:
        wake_current(tx, customer)
    if after.stands and (waiting := tx.ask(_WAITING, customer=customer).column()):
        report = Report("bot", tx.now, Delivery.FAILED, error_code="opted_out", if_still=Delivery.ACCEPTED)
        apply_many(tx, [Heard(one, report, timedelta(0)) for one in waiting])
    return before, after


@one_by_one
def note_refusal(tx: Transaction, customer: str) -> None:
    """Note that Sendblue refused a text because they opted out."""
    now = tx.now
    change(tx, customer, lambda known: known.closed(now), why="refused")


def known_of(tx: Transaction, customer: str) -> OptOut:
    """Return what is known of a customer (E.164)."""
    return next(iter(tx.ask(_LOAD, customer=customer).of(OptOut)), OptOut())


_NEW = Sql("""
    INSERT INTO opt_outs (hash, by, why) VALUES ({digest :customer}, '', '') ON CONFLICT (hash) DO NOTHING
""")
_LOAD = Sql("SELECT stopped_at, lifted_at FROM opt_outs WHERE hash = {digest :customer} {lock}")
_STORE = Sql("""
    UPDATE opt_outs SET stopped_at = :stopped_at, lifted_at = :lifted_at, by = :by, why = :why
    WHERE hash = {digest :customer}
""")
_WAITING = Sql("SELECT id FROM sends WHERE recipient = :customer AND delivery = 0 ORDER BY thread_id, id")
