"""Files of messages: stored with them, and what a step of their thread needs of them."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from bot.domain.attachment import Copy, Stage
from bot.domain.ids import new_id
from bot.domain.message import Inbound, Notice
from bot.domain.reply import Reply
from bot.domain.thread import Thread
from bot.storage.engine import Transaction
from bot.storage.sql import Sql

_AWAITED = timedelta(seconds=20)  # for so long what a customer said after a file waits for its copy
_HOLDS = timedelta(minutes=5)  # for so long a text waits for its files, and later ones to the same customer with it


def files_in(said: Inbound, row: dict[str, object], now: datetime) -> list[dict[str, object]]:
    """Return the files of something a customer said, as `store_files` takes them. row: the message's."""
    if said.edited or said.notice is Notice.ELSEWHERE:
        return []
    its = {"message_id": row["id"], "thread_id": row["thread_id"], "way": "in", "slack_file": ""}
    due = {"awaited_until": now + _AWAITED, "due_at": now}
    return [its | due | {"place": place} for place in range(len(said.files))]


def store_files(tx: Transaction, rows: Sequence[dict[str, object]]) -> None:
    """Store the files of messages that are stored: of each its message, its place there, and until when it is awaited.

    due_at: None: it is copied only once its text may go.
    """
    tx.each(_NEW, [row | {"id": new_id(tx.now)} for row in rows], now=tx.now)


_NEW = Sql("""
    INSERT INTO attachments
        (id, message_id, thread_id, way, place, slack_file, title, stage, stored_at, awaited_until, due_at, failures,
        fence)
    SELECT row.id, row.message_id, row.thread_id, row.way, row.place, row.slack_file, '', 0, :now, row.awaited_until,
        row.due_at, 0, 0
    {from id, message_id, thread_id, way, place, slack_file, awaited_until, due_at}
    WHERE (SELECT true FROM messages WHERE messages.id = row.message_id)
""")


def files_of(reply: Reply, message_id: UUID, thread_id: UUID) -> list[dict[str, object]]:
    """Return the files of something typed, as `store_files` takes them."""
    its = {"message_id": message_id, "thread_id": thread_id, "way": "out", "awaited_until": None, "due_at": None}
    return [its | {"place": place, "slack_file": file.id} for place, file in enumerate(reply.files)]


def carry(tx: Transaction, message_id: UUID) -> None:
    """Have the files of a text copied that may go now; before all of them are, nothing of it leaves."""
    tx.do(_CARRY, message_id=message_id, now=tx.estimate, until=tx.estimate + _HOLDS)


_CARRY = Sql("""
    UPDATE attachments SET stage = 0, due_at = :now, stored_at = :now, awaited_until = :until, failures = 0,
        fence = fence + 1
    WHERE message_id = :message_id AND way = 'out' AND media_url IS NULL
""")


def without_files(tx: Transaction, message_id: UUID) -> None:
    """Keep nothing of the files of a typed message."""
    tx.do(_WITHOUT, message_id=message_id)


_WITHOUT = Sql("DELETE FROM attachments WHERE message_id = :message_id")


def move_files(tx: Transaction, thread_id: UUID) -> None:
    """Show words anew, with their files, where not all of these stand in a thread: its place is gone."""
    tx.do(_SHOW_ANEW, thread_id=thread_id)
    tx.do(_COPIED_ANEW, thread_id=thread_id, now=tx.estimate)


_UNFINISHED = "FROM attachments WHERE attachments.thread_id = :thread_id AND way = 'in' AND stage < 4"
_SHOW_ANEW = Sql(f"UPDATE messages SET to_show = true WHERE id IN (SELECT message_id {_UNFINISHED})")
# Whether Slack shows the same file a second time is not known.
_COPIED_ANEW = Sql("""
    UPDATE attachments SET stage = 0, due_at = :now
    WHERE attachments.thread_id = :thread_id AND way = 'in' AND stage IN (2, 3)
""")


def follow_words(tx: Transaction, thread_id: UUID) -> None:
    """Have files that were to stand in this thread stand where their words do now."""
    tx.do(_FOLLOW, thread_id=thread_id)


_FOLLOW = Sql("""
    UPDATE attachments SET thread_id = (SELECT thread_id FROM messages WHERE messages.id = message_id)
    WHERE attachments.thread_id = :thread_id AND way = 'in' AND stage < 4
""")


def copies(tx: Transaction, thread_ids: Sequence[UUID]) -> list[Copy]:
    """Return the files that are to stand in these threads: those that are copied, and those worth a wait."""
    return tx.ask(_COPIES, ids=list(thread_ids), now=tx.now).of(Copy)


_COPIES = Sql("""
    SELECT attachments.id, message_id, attachments.thread_id, slack_file, title, stage, failures, said_at,
        NOT to_show AS opened
    FROM attachments JOIN messages ON messages.id = message_id
    WHERE attachments.thread_id {among ids} AND way = 'in' AND stage < 4 AND (stage > 0 OR awaited_until > :now)
    ORDER BY said_at, messages.seq, place
""")


def note_stages(tx: Transaction, threads: Iterable[Thread]) -> None:
    """Store how far the files came that Slack was asked to show, for whoever holds the claims of their threads."""
    rows = [
        {"id": one.id, "stage": one.stage, "failures": one.failures, "due_at": None, "fence": it.fence}
        | ({"due_at": tx.estimate + _again_in(one.failures)} if one.stage is Stage.WAITING else {})
        for it in threads
        for one in it.copies
    ]
    tx.each(_STAGES, rows)


def _again_in(failures: int) -> timedelta:
    return timedelta(seconds=min(2**failures, 6 * 3600))


# 2 is Stage.SHARING, 3 TAKEN: others may have come further meanwhile. What Slack has not after all is copied anew.
_STAGES = Sql("""
    UPDATE attachments SET stage = row.stage, failures = row.failures, due_at = row.due_at
    {from id, stage, failures, due_at, fence}
    WHERE attachments.id = row.id AND attachments.stage IN (2, 3)
    AND row.fence = (SELECT fence FROM threads WHERE threads.id = attachments.thread_id)
""")
