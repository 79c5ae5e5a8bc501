"""Whether callbacks arrive at all: one row that several processes share, so that it is said once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.storage.engine import Transaction
from bot.storage.sql import Sql

_LEASE = timedelta(seconds=60)

_LAST_CALLBACK = Sql("SELECT max(received_at) AS received_at FROM reports WHERE source = 'callback'")


def last_callback(tx: Transaction) -> datetime | None:
    """Return when the last callback with anything new in it came."""
    found: datetime | None = tx.ask(_LAST_CALLBACK).value()
    return found


_BEGIN = Sql(
    """
    INSERT INTO alarms (key, standing, told, since, last, due_at, fence)
    VALUES ('callbacks', true, false, :now, :last, :now, 0)
    ON CONFLICT (key) DO UPDATE SET standing = true, since = :now, last = :last, due_at = :now
    WHERE NOT alarms.standing
    RETURNING key
    """
)


def note_missing(tx: Transaction, items: Sequence[datetime]) -> list[bool]:
    """A poll brought news of texts accepted then. Returns whether an alarm began: no callback has come since."""
    last = last_callback(tx)
    return [
        (last is None or last < accepted_at) and tx.ask(_BEGIN, now=tx.now, last=last).value() is not None
        for accepted_at in items
    ]


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


def claim_alarms(tx: Transaction, items: Sequence[None]) -> list[Alarm | None]:
    """End an alarm whose callbacks are back; claim what is to be said, if anything is."""
    if (last := last_callback(tx)) is not None:
        tx.do(_OVER, last=last, now=tx.now)
    return [next(iter(tx.ask(_CLAIM, now=tx.now, until=tx.now + _LEASE).of(Alarm)), None) for _ in items]


def finish_alarms(tx: Transaction, items: Sequence[Alarm]) -> list[None]:
    """It is said."""
    for alarm in items:
        tx.do(_FINISH, standing=alarm.standing, fence=alarm.fence)
    return [None] * len(items)


def callbacks_missing(tx: Transaction) -> bool:
    """Whether an alarm stands."""
    return tx.ask(_STANDING).value() is True
