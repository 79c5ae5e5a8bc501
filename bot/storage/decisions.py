"""What a person decided, about a send or about texting a customer: once, and only while it changes something."""

from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.ids import new_id
from bot.domain.message import Notice
from bot.domain.send import Decision
from bot.domain.thread import Step
from bot.storage.attachments import carry
from bot.storage.conversations import Gesture, Seat, let_out, next_seats
from bot.storage.engine import Transaction, one_by_one
from bot.storage.inbound import LOCK_STANDING, NEW_SAID
from bot.storage.intake import KNOWN, insert_sends
from bot.storage.opt_outs import change, known_of
from bot.storage.rows import load_sends
from bot.storage.sql import Sql
from bot.storage.waking import wake, wake_threads


class NewDecision(Struct, frozen=True):
    send_id: UUID
    choice: str  # see `Decision`
    by: str
    repeat_id: UUID  # the id the repeated send will have


_ASKED_IN = Sql("""
    SELECT asked_in FROM threads WHERE id = coalesce(
        (SELECT thread_id FROM sends WHERE id = :about), (SELECT thread_id FROM messages WHERE id = :about)
    )
""")
_SEAT = Sql("SELECT conversation_id, seq FROM sends WHERE id = :id")
_DECIDE = Sql("UPDATE sends SET decision = :choice, decided_by = :by, decided_at = :now, owed = :owed WHERE id = :id")


def asked_in(tx: Transaction, about: UUID) -> str:
    """Return the Slack channel of the thread of a send or a message, as it was first meant; "" when there is none."""
    return tx.ask(_ASKED_IN, about=about).value() or ""


@one_by_one
def decide_many(tx: Transaction, item: NewDecision) -> bool:
    """Record a decision; return whether it counts. A second click, and one that comes too late, changes nothing."""
    send = load_sends(tx, [item.send_id], lock=True).get(item.send_id)
    if send is None or not send.is_open_to(item.choice):
        return False
    decided = replace(send, decision=Decision(item.choice, item.by, tx.now))
    tx.do(_DECIDE, id=send.id, choice=item.choice, by=item.by, now=tx.now, owed=decided.news)
    if item.choice == "resend":
        [seat] = tx.ask(_SEAT, id=send.id).of(Seat)
        insert_sends(tx, [(send.repeated(item.repeat_id, tx.now), seat)])
        carry(tx, send.message_id)
        let_out(tx, [send.thread_id])
    wake_threads(tx, {send.id: send}, [decided])
    return True


class OptOutClick(Struct, frozen=True):
    """What somebody decides about texting a customer, beside something the customer said."""

    message_id: UUID
    choice: Notice
    by: str  # a Slack user id


@one_by_one
def decide_opt_out(tx: Transaction, click: OptOutClick) -> str:
    """Store a decision, and that the thread is to say so; return the customer it is about, "" if it does not count.

    It counts once, and only if it changes something.
    """
    about = next(iter(tx.ask(_ABOUT, id=click.message_id)), None)
    if about is None or not about.customer or not list(tx.ask(LOCK_STANDING, ids=[about.thread_id])):
        return ""
    now, choice, key = tx.now, click.choice, f"click:{click.message_id.hex}:{click.choice}"
    if tx.ask(KNOWN, keys=[key]).column() or not _decided(tx, about.customer, click):
        return ""
    gesture = Gesture(key, about.line, about.customer, None, inbound=True)
    seats = next_seats(tx, [gesture])
    if not seats:
        return ""
    wake(tx, [about.thread_id], Step.REPLY)
    ids = {"id": new_id(now), "thread_id": about.thread_id, "conversation_id": seats[key].conversation_id}
    said = {"direction": "note", "author": click.by, "text": "", "files": "", "said_at": now, "to_show": True}
    tx.each(NEW_SAID, [ids | said | {"key": key, "seq": seats[key].seq, "notice": choice, "calls": ""}])
    return str(about.customer)


def _decided(tx: Transaction, customer: str, click: OptOutClick) -> bool:
    """Return whether it changes what is known; to keep texting somebody does while they have not opted out."""
    if click.choice is Notice.KEPT:
        return not known_of(tx, customer).stands
    now, lifts = tx.now, click.choice is Notice.UNDONE
    before, after = change(
        tx, customer, lambda known: known.undone(now) if lifts else known.closed(now), why="click", by=click.by
    )
    return before.stands != after.stands


_ABOUT = Sql("""
    SELECT line, customer, messages.thread_id FROM messages
    JOIN conversations ON conversations.id = messages.conversation_id WHERE messages.id = :id
""")
