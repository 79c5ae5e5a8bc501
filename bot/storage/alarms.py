"""Whether callbacks arrive at all: one row that several processes share, so that it is said once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.storage.engine import Transaction, one_by_one
from bot.storage.sql import Sql

_LEASE = timedelta(seconds=60)

_LAST_CALLBACK = Sql("SELECT max(received_at) AS received_at FROM reports WHERE source = 'callback'")
_BEGIN = Sql("""
    INSERT INTO alarms (key, standing, told, since, last, due_at, fence)
    VALUES ('callbacks', true, false, :now, :last, :now, 0)
    ON CONFLICT (key) DO UPDATE SET standing = true, since = :now, last = :last, due_at = :now
    WHERE NOT alarms.standing
    RETURNING key
""")


def last_callback(tx: Transaction) -> datetime | None:
    """Return when the last callback with anything new in it came."""
    found: datetime | None = tx.ask(_LAST_CALLBACK).value()
    return found


@one_by_one
def note_missing(tx: Transaction, accepted_at: datetime) -> bool:
    """A poll brought news of a text accepted then. Returns whether an alarm began: no callback has come since."""
    last = last_callback(tx)
    return (last is None or last < accepted_at) and tx.ask(_BEGIN, now=tx.now, last=last).value() is not None


@dataclass(frozen=True, slots=True)
class Alarm:
    """Whether callbacks are missing, since when, when the last one came, and which saying of it this is."""

    standing: bool
    since: datetime
    last: datetime | None
    fence: int


_OVER = Sql("UPDATE alarms SET standing = false, since = :last, due_at = :now WHERE standing AND since < :last")
_CLAIM = Sql(
    "UPDATE alarms SET due_at = :until, fence = fence + 1 WHERE due_at <= :now AND told <> standing "
    "RETURNING standing, since, last, fence"
)
_FINISH = Sql("UPDATE alarms SET told = :standing WHERE key = 'callbacks' AND fence = :fence")
_STANDING = Sql("SELECT standing FROM alarms WHERE key = 'callbacks'")


@one_by_one
def claim_alarms(tx: Transaction, _: None) -> Alarm | None:
    """End an alarm whose callbacks are back; claim what is to be said, if anything is."""
    if (last := last_callback(tx)) is not None:
        tx.do(_OVER, last=last, now=tx.now)
    return next(iter(tx.ask(_CLAIM, now=tx.now, until=tx.now + _LEASE).of(Alarm)), None)


@one_by_one
def finish_alarms(tx: Transaction, said: Alarm) -> None:
    tx.do(_FINISH, standing=said.standing, fence=said.fence)


def callbacks_missing(tx: Transaction) -> bool:
    return tx.ask(_STANDING).value() is True
