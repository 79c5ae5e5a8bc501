"""Whether callbacks arrive at all: one row that several processes share, so that it is said once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, update

from bot.storage.prepared import insert_for
from bot.storage.tables import alarms, reports

MISSING = "callbacks"
_LEASE = timedelta(seconds=60)


def last_callback(connection: Connection) -> datetime | None:
    """Return when the last callback with anything new in it came."""
    found: datetime | None = connection.scalar(
        select(func.max(reports.c.received_at)).where(reports.c.source == "callback")
    )
    return found


def note_missing(connection: Connection, now: datetime, items: Sequence[datetime]) -> list[bool]:
    """A poll brought news of texts accepted then. Returns whether an alarm began: no callback has come since."""
    return [_note_missing(connection, now, accepted_at) for accepted_at in items]


def _note_missing(connection: Connection, now: datetime, accepted_at: datetime) -> bool:
    last = last_callback(connection)
    if last is not None and last >= accepted_at:
        return False
    statement = insert_for(alarms)[connection.dialect.name].values(
        key=MISSING, standing=True, told=False, since=now, last=last, due_at=now, fence=0
    )
    statement = statement.on_conflict_do_update(
        index_elements=[alarms.c.key],
        set_={"standing": True, "since": now, "last": last, "due_at": now},
        where=alarms.c.standing.is_(False),
    )
    return connection.execute(statement.returning(alarms.c.key)).first() is not None


@dataclass(frozen=True, slots=True)
class Alarm:
    """Whether callbacks are missing, since when, when the last one came, and which saying of it this is."""

    standing: bool
    since: datetime
    last: datetime | None
    fence: int


def claim_alarms(connection: Connection, now: datetime, items: Sequence[None]) -> list[Alarm | None]:
    """End an alarm whose callbacks are back; claim what is to be said, if anything is."""
    return [_claim_alarm(connection, now) for _ in items]


def _claim_alarm(connection: Connection, now: datetime) -> Alarm | None:
    last = last_callback(connection)
    if last is not None:
        over = alarms.c.standing.is_(True) & (alarms.c.since < last)
        connection.execute(update(alarms).where(over).values(standing=False, since=last, due_at=now))
    claim = update(alarms).where(alarms.c.due_at <= now, alarms.c.told != alarms.c.standing)
    claim = claim.values(due_at=now + _LEASE, fence=alarms.c.fence + 1)
    row = connection.execute(claim.returning(alarms.c.standing, alarms.c.since, alarms.c.last, alarms.c.fence)).first()
    return None if row is None else Alarm(*row)


def finish_alarms(connection: Connection, now: datetime, items: Sequence[Alarm]) -> list[None]:
    """It is said."""
    del now
    for alarm in items:
        ours = (alarms.c.key == MISSING) & (alarms.c.fence == alarm.fence)
        connection.execute(update(alarms).where(ours).values(told=alarm.standing))
    return [None] * len(items)


def callbacks_missing(connection: Connection) -> bool:
    """Whether an alarm stands."""
    return connection.scalar(select(alarms.c.standing).where(alarms.c.key == MISSING)) is True
