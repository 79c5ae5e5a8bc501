"""Where in Slack a customer's words stand once their place is gone, or while there is none yet."""

from collections.abc import Sequence
from uuid import UUID

from bot.domain.ids import new_id
from bot.domain.thread import Step, Thread
from bot.storage.attachments import follow_words, move_files
from bot.storage.engine import Transaction, one_by_one
from bot.storage.intake import open_threads
from bot.storage.sql import Sql
from bot.storage.waking import wake, wake_cards


def move_inbound(tx: Transaction, thread: Thread, channel: str) -> None:
    """Show elsewhere what is left to show of a thread whose place is gone; there the conversation goes on, too.

    That is the newest other thread of its that stands where somebody wrote, else a new one in this channel.

    Changes nothing if somebody else has taken the thread over. channel: "": none yet.
    """
    held = {"old": thread.id, "fence": thread.fence}
    if tx.ask(_STILL_HELD, **held).column():
        move_files(tx, thread.id)
    stands = tx.ask(_STANDS, **held).value()
    if stands is not None:
        tx.do(_LEAVE, **held, thread_id=stands)
        tx.do(_TO_ANOTHER, **held, thread_id=stands)
        follow_words(tx, thread.id)
        wake(tx, [stands], Step.REPLY)
        return
    first = next(iter(tx.ask(_FIRST_LEFT, **held)), None)
    new = None if first is None else new_id(tx.now)
    tx.do(_LEAVE, **held, thread_id=new)
    if first is not None:
        tx.do(_MOVE, old=thread.id, thread_id=new, root_id=first.id)
        follow_words(tx, thread.id)
        open_threads(tx, [first._asdict() | {"thread_id": new, "channel": channel, "parent_id": None}])


def was_not_written(tx: Transaction, threads: Sequence[UUID]) -> None:
    """Have texts that stand nowhere, since their authors may not write or there is no place, be nobody's answer.

    Who wrote before is called again by what the customer writes, and the customer waits as before.
    """
    if threads:
        tx.do(_NOT_WRITTEN, ids=threads)
        wake_cards(tx, threads)


def without_place(tx: Transaction) -> int:
    """Return how many threads wait for a channel."""
    return int(tx.ask(_WITHOUT_PLACE).value())


@one_by_one
def give_place(tx: Transaction, channel: str) -> int:
    """Show what waits for a channel in this one, also what another would not take; return how many threads that are."""
    return len(tx.ask(_GIVE_PLACE, channel=channel, now=tx.now).column())


# What a customer said, and not what was sent to them from elsewhere: no root and no wait begins with that.
_CUSTOMERS = "direction = 'in' AND notice NOT IN ('elsewhere', 'ours')"
_LAST_WRITTEN = """(
    SELECT {} FROM threads JOIN messages ON messages.thread_id = threads.id AND messages.seq = threads.seq
    WHERE threads.conversation_id = conversations.id AND direction = 'out' AND author <> ''
    AND (root_ts IS NOT NULL OR closed = '') ORDER BY threads.seq DESC LIMIT 1
)"""
_NOT_WRITTEN = Sql(f"""
    UPDATE conversations SET
        author = {_LAST_WRITTEN.format("messages.author")}, author_at = {_LAST_WRITTEN.format("said_at")},
        waiting_since = coalesce(waiting_since, (
            SELECT min(said_at) FROM threads JOIN messages ON messages.thread_id = threads.id
            WHERE threads.conversation_id = conversations.id AND {_CUSTOMERS}
            AND notice NOT IN ('stopped', 'reacted')
            AND messages.seq > coalesce({_LAST_WRITTEN.format("threads.seq")}, -1)
        ))
    WHERE kind = 'person' AND EXISTS (
        SELECT 1 FROM threads JOIN messages ON messages.thread_id = threads.id AND messages.seq = threads.seq
        WHERE threads.id {{among ids}} AND threads.conversation_id = conversations.id
        AND messages.author = conversations.author AND said_at = author_at
    )
""")
_WITHOUT_PLACE = Sql("SELECT count(*) AS many FROM threads WHERE channel = '' AND closed = ''")
_GIVE_PLACE = Sql("""
    UPDATE threads SET channel = :channel, asked_in = :channel, due_at = :now
    WHERE closed = '' AND (channel = '' OR lane = 2 AND due_at IS NOT NULL AND posting IS NULL AND root_ts IS NULL
        AND channel <> :channel AND EXISTS (
            SELECT 1 FROM messages WHERE thread_id = threads.id AND seq = threads.seq AND direction = 'in'
        ))
    RETURNING id
""")
_STILL_HELD = Sql("SELECT id FROM threads WHERE id = :old AND fence = :fence")
_HELD = "EXISTS (SELECT 1 FROM threads WHERE id = :old AND fence = :fence)"
_FIRST_LEFT = Sql(f"""
    SELECT id, conversation_id, seq FROM messages
    WHERE thread_id = :old AND to_show AND {_CUSTOMERS} AND {_HELD}
    ORDER BY said_at, seq LIMIT 1
""")
_LEAVE = Sql(f"""
    UPDATE conversations SET thread_id = :thread_id
    WHERE id = (SELECT conversation_id FROM threads WHERE id = :old) AND thread_id = :old AND {_HELD}
""")
_MOVE = Sql("""
    UPDATE messages SET thread_id = :thread_id, showing = false, to_show = id <> :root_id
    WHERE thread_id = :old AND to_show
""")
_STANDS = Sql("""
    SELECT id FROM threads
    WHERE conversation_id = (SELECT conversation_id FROM threads WHERE id = :old AND fence = :fence) AND id <> :old
    AND closed = '' AND root_ts IS NOT NULL AND thread_ts IS NULL AND parent_id IS NULL AND channel = asked_in
    ORDER BY seq DESC LIMIT 1 {lock}
""")
_TO_ANOTHER = Sql(f"""
    UPDATE messages SET thread_id = :thread_id, showing = false WHERE thread_id = :old AND to_show AND {_HELD}
""")


def begin_with_the_oldest(tx: Transaction, threads: Sequence[UUID]) -> None:
    """Have roots that show what a customer said, and that nobody posts now, show the oldest that is known by now."""
    if threads and (changed := tx.ask(_OLDEST_FIRST, ids=threads).column()):
        tx.do(_BEHIND_ROOT, ids=changed)


_OLDEST = f"""(
    SELECT seq FROM messages WHERE thread_id = threads.id AND {_CUSTOMERS} ORDER BY said_at, seq LIMIT 1
)"""
# A root that shows a text of ours stays as it is.
_OLDEST_FIRST = Sql(f"""
    UPDATE threads SET seq = {_OLDEST}
    WHERE id {{among ids}} AND root_ts IS NULL AND posting IS NULL AND seq <> {_OLDEST} AND EXISTS (
        SELECT 1 FROM messages WHERE thread_id = threads.id AND seq = threads.seq AND direction = 'in'
    ) RETURNING id
""")
_BEHIND_ROOT = Sql("""
    UPDATE messages SET to_show = NOT EXISTS (
        SELECT 1 FROM threads WHERE threads.id = messages.thread_id AND threads.seq = messages.seq
    ) WHERE thread_id {among ids}
""")
