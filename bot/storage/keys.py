"""What all who use a database are to know of each other, each a row of `keys`: whose turn it is, what was seen."""

from datetime import UTC, datetime, timedelta

from msgspec import Struct

from bot.storage.engine import Transaction, one_by_one
from bot.storage.sql import Sql

SIGNATURE = "signature"  # Sendblue signed what it sent to the webhook


class Turn(Struct, frozen=True):
    """The right to do what one at a time may do."""

    name: str  # of what is done; 20 characters
    holder: str  # who does it; 30 characters
    lease: timedelta  # after which it is free, whatever became of them


def take_turn(tx: Transaction, turn: Turn) -> bool:
    """Take it, unless somebody else has it; returns whether it is theirs now."""
    value = f"{_spelled(tx.now + turn.lease)} {turn.holder}"
    return bool(tx.ask(_TAKE, name=turn.name, value=value, before=_spelled(tx.now)).column())


def end_turn(tx: Transaction, turn: Turn) -> None:
    """Give it back, unless somebody else has it by now."""
    tx.do(_END, name=turn.name, holder=turn.holder)


def _spelled(at: datetime) -> str:
    """Return a time as text that sorts as the times do."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"


_TAKE = Sql("""
    INSERT INTO keys (name, value) VALUES (:name, :value)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE keys.value < :before RETURNING name
""")
_END = Sql("DELETE FROM keys WHERE name = :name AND substr(value, 28) = :holder")


@one_by_one
def note_once(tx: Transaction, name: str) -> None:
    """Note that something was seen, and when; what was noted before stays."""
    tx.do(_NOTE, name=name, value=_spelled(tx.now))


def first_seen(tx: Transaction, name: str) -> datetime | None:
    """Return when it was seen first (UTC); None: never."""
    found: str | None = tx.ask(_FIND, name=name).value()
    return None if found is None else datetime.fromisoformat(found).replace(tzinfo=UTC)


_NOTE = Sql("INSERT INTO keys (name, value) VALUES (:name, :value) ON CONFLICT (name) DO NOTHING")
_FIND = Sql("SELECT value FROM keys WHERE name = :name")
