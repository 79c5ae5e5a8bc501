"""What a person decided about a message: once, and only while there is something to decide."""

from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.message import Decision, Message
from bot.storage.conversations import Seat, let_out
from bot.storage.engine import Transaction, one_by_one
from bot.storage.intake import insert_messages
from bot.storage.rows import load_messages
from bot.storage.sql import Sql
from bot.storage.threads import wake_threads


class NewDecision(Struct, frozen=True):
    message_id: UUID
    choice: str  # see `Decision`
    by: str
    repeat_id: UUID  # the id the repeated message will have


class Decided(Struct, frozen=True):
    message: Message | None  # as it stood before; None: there is none
    counted: bool = False


_ASKED_IN = Sql(
    "SELECT asked_in FROM threads JOIN messages ON messages.thread_id = threads.id WHERE messages.id = :message_id"
)
_SEAT = Sql("SELECT conversation_id, seq FROM messages WHERE id = :id")
_DECIDE = Sql(
    "UPDATE messages SET decision = :choice, decided_by = :by, decided_at = :now, owed = :owed WHERE id = :id"
)


def asked_in(tx: Transaction, message_id: UUID) -> str:
    """Return the conversation in which a message was typed, "" when there is no such message."""
    return tx.ask(_ASKED_IN, message_id=message_id).value() or ""


@one_by_one
def decide_many(tx: Transaction, item: NewDecision) -> Decided:
    """Record a decision. A second click, and one that comes too late, changes nothing."""
    message = load_messages(tx, [item.message_id], lock=True).get(item.message_id)
    if message is None or not message.is_open_to(item.choice):
        return Decided(message)
    decided = replace(message, decision=Decision(item.choice, item.by, tx.now))
    tx.do(_DECIDE, id=message.id, choice=item.choice, by=item.by, now=tx.now, owed=decided.news)
    if item.choice == "resend":
        [seat] = tx.ask(_SEAT, id=message.id).of(Seat)
        insert_messages(tx, [(message.repeated(item.repeat_id, tx.now), seat)])
        let_out(tx, [message.thread_id])
    wake_threads(tx, {message.id: message}, [decided])
    return Decided(message, counted=True)
