"""What a person decided about a send: once, and only while there is something to decide."""

from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.send import Decision
from bot.storage.conversations import Seat, let_out
from bot.storage.engine import Transaction, one_by_one
from bot.storage.intake import insert_sends
from bot.storage.rows import load_sends
from bot.storage.sql import Sql
from bot.storage.waking import wake_threads


class NewDecision(Struct, frozen=True):
    send_id: UUID
    choice: str  # see `Decision`
    by: str
    repeat_id: UUID  # the id the repeated send will have


_ASKED_IN = Sql("SELECT asked_in FROM threads JOIN sends ON sends.thread_id = threads.id WHERE sends.id = :send_id")
_SEAT = Sql("SELECT conversation_id, seq FROM sends WHERE id = :id")
_DECIDE = Sql("UPDATE sends SET decision = :choice, decided_by = :by, decided_at = :now, owed = :owed WHERE id = :id")


def asked_in(tx: Transaction, send_id: UUID) -> str:
    """Return the Slack channel in which a send's message was typed, "" when there is no such send."""
    return tx.ask(_ASKED_IN, send_id=send_id).value() or ""


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
        let_out(tx, [send.thread_id])
    wake_threads(tx, {send.id: send}, [decided])
    return True
