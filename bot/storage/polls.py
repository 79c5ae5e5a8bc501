"""Whom to ask Sendblue about: sends that went quiet, and the evidence for those in doubt."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from bot.domain.delivery import Delivery
from bot.domain.send import Send
from bot.storage.claims import Claimed
from bot.storage.engine import Transaction, one_by_one
from bot.storage.pacing import close_slots, free_from, take_slots
from bot.storage.rows import SEND, send_of
from bot.storage.sql import Sql

_MOST_AT_ONCE = 8  # of one claim, so that what becomes due meanwhile does not wait for long

_WITH_HANDLE = {"polls": "handle IS NOT NULL", "doubts": "handle IS NULL"}
"""Pacing key → which sends share it: a status is asked for by a handle, a doubt looks through the list."""


@dataclass(frozen=True, slots=True)
class PollCapacity:
    """How many sends somebody is ready to ask Sendblue about."""

    key: str  # "polls" or "doubts"
    count: int
    wait: Callable[[Send], timedelta]  # until it is asked again
    each: timedelta = timedelta(0)  # how long one takes of what Sendblue allows to all of us


@one_by_one
def claim_polls(tx: Transaction, capacity: PollCapacity) -> Claimed[Send]:
    """Claim sends that have been silent for too long, longest first; each comes back later by itself.

    None while the questions of the last claim, whosever it was, are still being asked.
    """
    quiet, count = _QUIET[capacity.key], min(capacity.count, _MOST_AT_ONCE)
    if not tx.ask(quiet, now=tx.now, count=1).column():
        return Claimed([], None)
    if capacity.each and not take_slots(tx, {capacity.key: tx.now + capacity.each}).column():
        return Claimed([], free_from(tx, capacity.key))
    found = tx.ask(quiet, now=tx.now, count=count).of(send_of)
    busy_until = tx.now + capacity.each * len(found)
    close_slots(tx, {capacity.key: busy_until})
    polls = [{"id": one.id, "poll_at": tx.now + capacity.wait(one), "polls": one.schedule.polls + 1} for one in found]
    tx.each(_ASKED, polls)
    return Claimed(found, busy_until if len(found) == count else None)


_QUIET = {
    key: Sql(
        f"SELECT {SEND} FROM sends WHERE poll_at <= :now AND {which} ORDER BY poll_at LIMIT :count {{lock skip locked}}"
    )
    for key, which in _WITH_HANDLE.items()
}
_ASKED = Sql("{update sends: poll_at, polls}")


_OVERDUE = Sql("""
    SELECT id FROM sends WHERE poll_at IS NOT NULL AND (
        NOT unconfirmed AND accepted_at < :watched_since
        OR delivery = 20 AND NOT asked AND attempted_at < :doubted_since
    ) LIMIT 500
""")


def overdue(tx: Transaction, *, watched_since: datetime, doubted_since: datetime) -> list[UUID]:
    """Return sends whose watch should be over, and doubts that a person should have been asked about."""
    return tx.ask(_OVERDUE, watched_since=watched_since, doubted_since=doubted_since).column()


_TWINS = Sql("""
    SELECT id, delivery FROM sends
    WHERE delivery IN (10, 20) AND handle IS NULL AND recipient = :recipient AND line = :line AND text = :text
    ORDER BY attempted_at
""")


def doubted_like(tx: Transaction, send: Send) -> list[UUID]:
    """Return the uncertain sends that read exactly like this one, itself included, oldest attempt first.

    None while such a one is being sent: nobody could tell whose text is whose.
    """
    found = tx.ask(_TWINS, recipient=send.words.recipient, line=send.words.line, text=send.words.text)
    twins = {row.id: row.delivery for row in found}
    return [] if Delivery.SENDING in twins.values() else list(twins)
