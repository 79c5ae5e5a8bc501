"""Words owed to one person alone, worked off like posts: each is a row until it was said.

They say why a click did not count, or what can be said nowhere else.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict

from bot.domain.thread import Thread
from bot.storage.claims import Capacity, Claimed
from bot.storage.engine import Transaction, one_by_one
from bot.storage.sql import Sql


class PrivateNote(Struct, frozen=True):
    """What is to be said. The words are put together when it is said, so none are kept here."""

    key: str  # the same for whoever owes it once more
    person: str  # a Slack user id, or a channel's
    answer_url: str  # of the command or the click it is about; Slack takes answers there for half an hour
    # "moved" or "closed", about a thread; "in_vain", about a send; "reply:" and more, about what somebody typed;
    # "rule:", the rule and who set it, which is said to a whole channel; else why a click was not permitted.
    says: str
    about_id: UUID
    failures: int = 0
    fence: int = 0


_OWE = Sql("""
    INSERT INTO private_notes (key, person, answer_url, says, about_id, failures, fence, due_at)
    {values row.key, row.person, row.answer_url, row.says, row.about_id, row.failures, row.fence, row.due_at}
    ON CONFLICT (key) DO NOTHING
""")
_CLAIM = Sql("""
    UPDATE private_notes SET due_at = :until, fence = fence + 1 WHERE key IN (
        SELECT key FROM private_notes WHERE due_at <= :now ORDER BY due_at LIMIT CAST(:count AS int) {lock skip locked}
    ) RETURNING key, person, answer_url, says, about_id, failures, fence
""")
_NEXT = Sql("SELECT min(due_at) AS due_at FROM private_notes")
_SAID = Sql("DELETE FROM private_notes WHERE key = :key AND fence = :fence")
_AGAIN = Sql("UPDATE private_notes SET due_at = :at, failures = failures + 1 WHERE key = :key AND fence = :fence")


def owe_notes(tx: Transaction, items: Sequence[PrivateNote]) -> list[None]:
    """Store what is to be said, each once."""
    tx.each(_OWE, [asdict(note) | {"due_at": tx.now} for note in items])
    return [None for _ in items]


def owe_note_of(tx: Transaction, thread: Thread, says: str) -> None:
    """Store what a thread's author is to be told, unless somebody else has taken the thread over.

    Who may not text is told so once in each customer's thread.
    """
    what = {"says": says, "id": thread.id, "fence": thread.fence, "now": tx.estimate}
    if not says.startswith("reply:"):
        tx.do(_NEW_NOTE, **what, key=f"{thread.id.hex}:{says}", about_id=thread.id)
    elif thread.closed and thread.parent_id is not None:
        key = f"{thread.parent_id.hex}:{thread.message.author}:{says}"[:80]
        tx.do(_NEW_ONCE, **what, key=key, about_id=thread.message.id, closed=thread.closed)
    else:
        tx.do(_NEW_NOTE, **what, key=f"{thread.id.hex}:{thread.fence}:{says}"[:80], about_id=thread.message.id)


_NEW = """
    INSERT INTO private_notes (key, person, answer_url, says, about_id, failures, fence, due_at)
    SELECT :key, author, answer_url, :says, :about_id, 0, 0, :now
    FROM threads JOIN messages ON messages.thread_id = threads.id AND messages.seq = threads.seq
    WHERE threads.id = :id AND fence = :fence {unless}
    ON CONFLICT (key) DO NOTHING
"""
_NEW_NOTE = Sql(_NEW.format(unless=""))
# A CROSS JOIN keeps SQLite from looking at all that the author ever wrote.
_NEW_ONCE = Sql(
    _NEW.format(
        unless="""AND NOT EXISTS (
            SELECT 1 FROM threads AS other CROSS JOIN messages AS its
            WHERE other.conversation_id = threads.conversation_id AND other.parent_id = threads.parent_id
            AND other.id < threads.id AND other.closed = :closed
            AND its.thread_id = other.id AND its.seq = other.seq AND its.author = messages.author
        )""",
    )
)


@one_by_one
def claim_notes(tx: Transaction, capacity: Capacity) -> Claimed[PrivateNote]:
    """Claim what is due, the longest waiting first."""
    first = next_note(tx)
    if first is None or first > tx.now:
        return Claimed([], first)
    held = tx.ask(_CLAIM, now=tx.now, until=tx.now + capacity.lease, count=capacity.count).of(PrivateNote)
    return Claimed(held, next_note(tx))


def next_note(tx: Transaction) -> datetime | None:
    """Return when the first is due, or its lease ends."""
    found: datetime | None = tx.ask(_NEXT).value()
    return found


class Tried(Struct, frozen=True):
    note: PrivateNote
    again_at: datetime | None  # None: it was said, or never can be


@one_by_one
def finish_notes(tx: Transaction, tried: Tried) -> None:
    """Record what came of a try, unless somebody else has taken it over."""
    held = {"key": tried.note.key, "fence": tried.note.fence}
    if tried.again_at is None:
        tx.do(_SAID, **held)
    else:
        tx.do(_AGAIN, **held, at=tried.again_at)
