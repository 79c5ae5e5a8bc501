"""A clock that was set back: everything would wait until it has caught up, so what is due later is due now.

The database keeps the latest time anybody has seen. Whoever sees an earlier one finds that out, in the same life or in
the next.
"""

from collections.abc import Sequence
from datetime import timedelta

from bot.storage.engine import Transaction
from bot.storage.pacing import close_slots
from bot.storage.sql import Sql

_LATEST = "clock"  # the pacing key whose time is the latest seen
_STEP = timedelta(seconds=5)  # clocks of machines that work together differ by less
_LEASE = timedelta(seconds=60)
_LONGEST_SEND = timedelta(seconds=150)  # no call and no lease takes longer, so nobody alive loses what is held
_LONG_AGO = timedelta(days=1)  # nobody knows any more when a post under way began: it is looked for as far back as this

_SEEN = Sql("SELECT next_at FROM pacing WHERE key = :key {lock}")
_SET_BACK = Sql("UPDATE pacing SET next_at = :now WHERE key = :key")
_MEND = (
    Sql("UPDATE pacing SET next_at = :now WHERE next_at > :lease"),
    Sql("UPDATE threads SET due_at = :lease WHERE due_at > :lease"),
    Sql("UPDATE alarms SET due_at = :lease WHERE due_at > :lease"),
    Sql("UPDATE private_notes SET due_at = :lease WHERE due_at > :lease"),
    Sql("UPDATE progress SET due_at = :lease WHERE due_at > :lease"),
    Sql("UPDATE attachments SET due_at = :lease WHERE due_at > :lease"),
    Sql("UPDATE attachments SET awaited_until = :lease WHERE awaited_until > :lease"),
    Sql("UPDATE threads SET posting_since = :long_ago WHERE posting IS NOT NULL AND due_at IS NOT NULL"),
    Sql("UPDATE sends SET send_at = :longest_send WHERE delivery = 10 AND send_at > :longest_send"),
    Sql("UPDATE sends SET send_at = :now WHERE delivery <> 10 AND send_at > :now"),
    Sql("UPDATE sends SET poll_at = :now WHERE poll_at > :now"),
)
_DOUBTS = Sql("SELECT id, attempted_at FROM sends WHERE delivery = 20 AND attempted_at IS NOT NULL")
_SINCE = Sql("{update sends: attempted_at}")  # so that what is searched for as evidence stays as old as it is


def keep_time(tx: Transaction, items: Sequence[None]) -> list[timedelta]:
    """Note the time; where it is earlier than before, mend what waits. Returns by how much it was set back."""
    latest = tx.ask(_SEEN, key=_LATEST).value()
    back = timedelta(0) if latest is None else latest - tx.now
    if back <= _STEP:
        close_slots(tx, {_LATEST: tx.now})
        return [timedelta(0) for _ in items]
    times = {"now": tx.now, "lease": tx.now + _LEASE, "longest_send": tx.now + _LONGEST_SEND}
    for statement in _MEND:
        tx.do(statement, **times, long_ago=tx.now - _LONG_AGO)
    doubts = [{"id": row.id, "attempted_at": row.attempted_at - back} for row in tx.ask(_DOUBTS)]
    tx.each(_SINCE, doubts)
    tx.do(_SET_BACK, key=_LATEST, now=tx.now)
    return [back for _ in items]
