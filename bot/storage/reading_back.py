"""Threads to be read back, since somebody may have typed in them while nobody listened.

When somebody last listened is the mark `alive`. Each thread to read is a row beside the marks of Sendblue's lists, so
what a crash interrupts goes on.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from bot.storage.claims import Claimed
from bot.storage.engine import Transaction, one_by_one
from bot.storage.pacing import free_from, take_slots
from bot.storage.sql import Sql

_PACE = "back"  # the pacing key of whoever reads threads back
_EACH = timedelta(seconds=2)  # from one thread to the next, over all processes: thirty a minute
_ACTIVE = timedelta(days=1)  # only threads in which something was said since then
_MOST = 2_000
_SKEW = timedelta(minutes=1)  # between Slack's clock and ours
_AT_ONCE = timedelta(seconds=0.5)  # nobody reads a root and answers it faster
_AWAY = timedelta(minutes=1)  # whoever was not alive for longer may have missed something


class Back(Struct, frozen=True):
    """A thread to be read from a time on."""

    key: str
    at: datetime
    fence: int
    channel: str
    root_ts: str


@one_by_one
def note_alive(tx: Transaction, at_start: bool) -> int:  # noqa: FBT001 - the writer hands over one value
    """Note that somebody listens; return how many threads are to be read back for the time when nobody did.

    at_start: this process has just begun, so it missed something, however short its pause was.
    """
    before: datetime | None = tx.ask(_ALIVE).value()
    tx.do(_NOTE_ALIVE, now=tx.now)
    if before is None or not (at_start or tx.now - before > _AWAY):
        return 0
    threads = tx.ask(_LATELY, since=tx.now - _ACTIVE, most=_MOST).column()
    # After a clock was set back nobody knows when that was.
    since = before - _SKEW if before <= tx.now else tx.now - _ACTIVE
    # One after the other in this order: the newest first.
    rows = [
        {"key": f"back:{one.hex}", "at": since, "due_at": tx.now + timedelta(microseconds=place)}
        for place, one in enumerate(threads)
    ]
    tx.each(_READ_BACK, rows)
    return len(rows)


def owe_reading(tx: Transaction, stood_since: Mapping[UUID, datetime]) -> None:
    """Have new threads read whose roots stood before we knew them: what was typed below was taken for none of ours.

    stood_since: since when, by the thread's id.
    """
    late = {one: at for one, at in stood_since.items() if not timedelta(0) <= tx.estimate - at < _AT_ONCE}
    due_at = tx.estimate
    tx.each(_READ_BACK, [{"key": f"back:{one.hex}", "at": at - _SKEW, "due_at": due_at} for one, at in late.items()])


_ALIVE = Sql("SELECT at FROM progress WHERE key = 'alive'")
_NOTE_ALIVE = Sql("""
    INSERT INTO progress (key, at, due_at, fence) VALUES ('alive', :now, :now, 0)
    ON CONFLICT (key) DO UPDATE SET at = excluded.at
""")
_LATELY = Sql("""
    SELECT threads.id FROM conversations JOIN threads ON threads.id = conversations.thread_id
    WHERE last_at > :since AND closed = '' AND root_ts IS NOT NULL ORDER BY last_at DESC LIMIT :most
""")
# One that is still to be read keeps the time since when, not its place.
_READ_BACK = Sql("""
    INSERT INTO progress (key, at, due_at, fence) {values row.key, row.at, row.due_at, 0}
    ON CONFLICT (key) DO UPDATE SET due_at = excluded.due_at
""")


@one_by_one
def claim_back(tx: Transaction, lease: timedelta) -> Claimed[Back]:
    """Claim the thread that is to be read next, one at a time."""
    due_at: datetime | None = tx.ask(_NEXT).value()
    if due_at is None or due_at > tx.now:
        return Claimed([], due_at)
    if not take_slots(tx, {_PACE: tx.now + _EACH}).column():
        return Claimed([], free_from(tx, _PACE))
    row = next(iter(tx.ask(_CLAIM, now=tx.now, until=tx.now + lease)), None)
    if row is None:
        return Claimed([], tx.ask(_NEXT).value())
    place = next(iter(tx.ask(_PLACE_OF, key=row.key)), None)
    if place is None:  # the thread was forgotten meanwhile
        tx.do(_DONE, key=row.key, fence=row.fence)
        return Claimed([], tx.now)
    return Claimed([Back(row.key, row.at, row.fence, place.channel, place.root_ts)], tx.now + _EACH)


_OURS = "key >= 'back:' AND key < 'back;'"
_NEXT = Sql(f"SELECT min(due_at) AS due_at FROM progress WHERE {_OURS}")
_CLAIM = Sql(f"""
    UPDATE progress SET due_at = :until, fence = fence + 1 WHERE key IN (
        SELECT key FROM progress WHERE {_OURS} AND due_at <= :now ORDER BY due_at LIMIT 1 {{lock skip locked}}
    ) RETURNING key, at, fence
""")
_PLACE_OF = Sql(
    "SELECT channel, root_ts FROM threads WHERE id = CAST(substr(:key, 6) AS uuid) AND root_ts IS NOT NULL",
    sqlite="SELECT channel, root_ts FROM threads WHERE id = substr(:key, 6) AND root_ts IS NOT NULL",
)


class ReadBack(Struct, frozen=True):
    """What became of a reading: it is done, or to be done again in a while."""

    back: Back
    again_in: timedelta | None


@one_by_one
def finish_back(tx: Transaction, read: ReadBack) -> None:
    held = {"key": read.back.key, "fence": read.back.fence}
    if read.again_in is None:
        tx.do(_DONE, **held)
    else:
        tx.do(_AGAIN, **held, due_at=tx.now + read.again_in)


_DONE = Sql("DELETE FROM progress WHERE key = :key AND fence = :fence")
_AGAIN = Sql("UPDATE progress SET due_at = :due_at WHERE key = :key AND fence = :fence")
