"""What all who use a database are to know of each other, each a row of `keys`: whose turn it is, what was seen."""

from datetime import UTC, datetime, timedelta

from bot.storage.engine import Transaction, one_by_one
from bot.storage.sql import Sql

SIGNATURE = "signature"  # Sendblue signed what it sent to the webhook


def take_turn(tx: Transaction, name: str, lease: timedelta) -> str:
    """Take the right to do what one at a time may do, for that long; return what gives it back, "" if it is taken.

    name: 20 characters.
    """
    turn = _spelled(tx.now + lease)
    return turn if tx.ask(_TAKE, name=name, value=turn, before=_spelled(tx.now)).column() else ""


def end_turn(tx: Transaction, name: str, turn: str) -> None:
    """Give it back, unless somebody else has it by now."""
    tx.do(_END, name=name, turn=turn)


def _spelled(at: datetime) -> str:
    """Return a time as text that sorts as the times do."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"


_TAKE = Sql("""
    INSERT INTO keys (name, value) VALUES (:name, :value)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE keys.value < :before RETURNING name
""")
_END = Sql("DELETE FROM keys WHERE name = :name AND value = :turn")


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
