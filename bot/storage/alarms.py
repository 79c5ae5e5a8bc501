"""What operators are to be told, and that it is over: a row each, which several processes share, so it is said once."""

from datetime import datetime, timedelta

from bot.domain.alarm import ANSWERS, CALLBACKS, Alarm
from bot.storage.engine import Transaction, one_by_one
from bot.storage.sql import Sql

_LEASE = timedelta(seconds=60)
_LATE = timedelta(seconds=30)  # so much later than the list a webhook may still come
_OFTEN = timedelta(seconds=10)  # from one note that the webhook is well to the next
_AGAIN = timedelta(days=1)  # until what is wrong still, or anew, is told of again

_LAST_CALLBACK = Sql("SELECT max(received_at) AS received_at FROM reports WHERE source = 'callback'")


def last_callback(tx: Transaction) -> datetime | None:
    """Return when the last callback with anything new in it came."""
    found: datetime | None = tx.ask(_LAST_CALLBACK).value()
    return found


@one_by_one
def note_missing(tx: Transaction, accepted_at: datetime) -> bool:
    """A poll brought news of a text accepted then. Returns whether an alarm began: no callback has come since."""
    last = last_callback(tx)
    return (last is None or last < accepted_at) and _begins(tx, CALLBACKS, last, tx.now)


@one_by_one
def note_missed(tx: Transaction, said_at: datetime) -> bool:
    """The list brought what a customer wrote then. Returns whether an alarm began: the webhook brought nothing since.

    It is said only if the webhook brings nothing a little later either.
    """
    last: datetime | None = tx.ask(_LAST, key=ANSWERS).value()
    return (last is None or last < said_at) and _begins(tx, ANSWERS, last, tx.now + _LATE)


def note_webhook(tx: Transaction) -> None:
    """The webhook brought what a customer wrote. An alarm that it does not is over."""
    now = tx.estimate
    tx.each(_WELL, [{"key": ANSWERS, "last": now, "before_at": now - _OFTEN}])


@one_by_one
def note_trouble(tx: Transaction, key: str) -> bool:
    """Something is wrong of which nobody says when it is over. Returns whether an alarm began: once a day at most."""
    return tx.ask(_TROUBLE, key=key, now=tx.now, before=tx.now - _AGAIN).value() is not None


def _begins(tx: Transaction, key: str, last: datetime | None, due_at: datetime) -> bool:
    return tx.ask(_BEGIN, key=key, now=tx.now, last=last, due_at=due_at).value() is not None


_BEGIN = Sql("""
    INSERT INTO alarms (key, standing, told, since, last, due_at, fence)
    VALUES (:key, true, false, :now, :last, :due_at, 0)
    ON CONFLICT (key) DO UPDATE SET standing = true, since = :now, last = :last, due_at = :due_at
    WHERE NOT alarms.standing
    RETURNING key
""")
_LAST = Sql("SELECT last FROM alarms WHERE key = :key")
# Looked for first: ON CONFLICT locks the row even where it changes nothing, and all webhooks would wait for each other.
_WELL = Sql("""
    INSERT INTO alarms (key, standing, told, since, last, due_at, fence)
    SELECT row.key, false, false, row.last, row.last, row.last, 0 {from key, last, before_at}
    WHERE NOT EXISTS (SELECT 1 FROM alarms WHERE key = row.key AND NOT standing AND last >= row.before_at)
    ON CONFLICT (key) DO UPDATE SET standing = false, last = excluded.last,
        since = CASE WHEN alarms.standing THEN excluded.last ELSE alarms.since END,
        due_at = CASE WHEN alarms.standing THEN excluded.last ELSE alarms.due_at END
""")
_TROUBLE = Sql("""
    INSERT INTO alarms (key, standing, told, since, last, due_at, fence)
    VALUES (:key, true, false, :now, NULL, :now, 0)
    ON CONFLICT (key) DO UPDATE SET told = false, since = :now, due_at = :now WHERE alarms.since < :before
    RETURNING key
""")


_OVER = Sql(
    "UPDATE alarms SET standing = false, since = :last, due_at = :now WHERE key = :key AND standing AND since < :last"
)
_CLAIM = Sql("""
    UPDATE alarms SET due_at = :until, fence = fence + 1 WHERE key = (
        SELECT key FROM alarms WHERE due_at <= :now AND told <> standing ORDER BY due_at LIMIT 1
    ) AND due_at <= :now RETURNING key, standing, since, last, fence
""")
_FINISH = Sql("UPDATE alarms SET told = :standing WHERE key = :key AND fence = :fence")
_STANDING = Sql("SELECT key FROM alarms WHERE standing AND (told OR key <> :late_key OR since <= :late)")


@one_by_one
def claim_alarms(tx: Transaction, _: None) -> Alarm | None:
    """End an alarm whose callbacks are back; claim the first thing that is to be said, if anything is."""
    if (last := last_callback(tx)) is not None:
        tx.do(_OVER, key=CALLBACKS, last=last, now=tx.now)
    return next(iter(tx.ask(_CLAIM, now=tx.now, until=tx.now + _LEASE).of(Alarm)), None)


@one_by_one
def finish_alarms(tx: Transaction, said: Alarm) -> None:
    tx.do(_FINISH, key=said.key, standing=said.standing, fence=said.fence)


def standing_alarms(tx: Transaction) -> frozenset[str]:
    """Return what is wrong right now."""
    return frozenset(tx.ask(_STANDING, late_key=ANSWERS, late=tx.now - _LATE).column())
