"""Copying files of messages: who does it, and what came of it."""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from bot.domain.attachment import Attachment, Stage
from bot.domain.message import Notice
from bot.domain.thread import Step, Thread
from bot.storage.claims import Capacity, Claimed
from bot.storage.conversations import let_out
from bot.storage.engine import Transaction, one_by_one
from bot.storage.inbound import NEW_SAID
from bot.storage.sql import Sql
from bot.storage.waking import wake

_CLAIM = Sql("""
    UPDATE attachments SET due_at = :until, fence = fence + 1 WHERE id IN (
        SELECT id FROM attachments WHERE due_at <= :now ORDER BY due_at LIMIT CAST(:count AS int) {lock skip locked}
    ) RETURNING id
""")
_NEXT = Sql("SELECT min(due_at) AS due_at FROM attachments WHERE due_at IS NOT NULL")
_LAST_SERVICE = """(
    SELECT service FROM sends WHERE recipient = conversations.customer AND recipient <> '' AND service <> ''
    ORDER BY accepted_at DESC LIMIT 1
)"""
_HELD = Sql(f"""
    SELECT attachments.id, message_id, attachments.thread_id, way, place, files, slack_file, stored_at, awaited_until,
        said_at, line, customer, failures, fence, coalesce({_LAST_SERVICE}, '') = 'SMS' AS by_sms,
        files <> '' AND (way = 'in' OR EXISTS (
            SELECT 1 FROM sends WHERE sends.message_id = attachments.message_id AND delivery = 0
        )) AS wanted
    FROM attachments JOIN messages ON messages.id = message_id
    JOIN conversations ON conversations.id = messages.conversation_id
    WHERE attachments.id {{among ids}}
""")
_RELEASE = Sql("UPDATE attachments SET due_at = :now WHERE due_at > :now AND fence > 0 AND failures = 0")


class Carriers(Struct, frozen=True):
    """How many files somebody is ready to copy, and whether their process has just begun."""

    capacity: Capacity
    first: bool


@one_by_one
def claim_attachments(tx: Transaction, carriers: Carriers) -> Claimed[Attachment]:
    """Claim files that are due, the longest waiting first. One process alone takes over at once what it left behind."""
    capacity = carriers.capacity
    if carriers.first and tx.alone:
        tx.do(_RELEASE, now=tx.now)
    first = tx.ask(_NEXT).value()
    if first is None or first > tx.now:
        return Claimed([], first)
    ids = tx.ask(_CLAIM, now=tx.now, until=tx.now + capacity.lease, count=capacity.count).column()
    return Claimed(tx.ask(_HELD, ids=ids).of(Attachment), tx.ask(_NEXT).value())


class Lease(Struct, frozen=True):
    attachment: Attachment
    length: timedelta


@one_by_one
def renew(tx: Transaction, lease: Lease) -> bool:
    """Hold a claim for longer; returns whether it was still held."""
    held = {"id": lease.attachment.id, "fence": lease.attachment.fence}
    return bool(tx.ask(_RENEW, **held, until=tx.now + lease.length).column())


# 0 is Stage.WAITING: what is done meanwhile is due no more.
_RENEW = Sql("UPDATE attachments SET due_at = :until WHERE id = :id AND fence = :fence AND stage = 0 RETURNING id")


class Copied(Struct, frozen=True):
    """A customer's file is at Slack, where nobody sees it yet."""

    attachment: Attachment
    slack_file: str
    title: str


@one_by_one
def note_copied(tx: Transaction, item: Copied) -> None:
    one = item.attachment
    tx.do(_LOCK_THREAD, id=one.thread_id)
    held = {"id": one.id, "fence": one.fence, "slack_file": item.slack_file, "title": item.title}
    wake(tx, tx.ask(_COPIED, **held).column(), Step.SHARE)


_LOCK_THREAD = Sql("SELECT id FROM threads WHERE id = :id {lock}")  # before its files, as everywhere
_COPIED = Sql("""
    UPDATE attachments SET stage = 1, slack_file = :slack_file, title = :title, due_at = NULL, awaited_until = NULL
    WHERE id = :id AND fence = :fence AND stage = 0 RETURNING thread_id
""")


class Uploaded(Struct, frozen=True):
    """Sendblue has what a person shared."""

    attachment: Attachment
    media_url: str


@one_by_one
def note_uploaded(tx: Transaction, item: Uploaded) -> None:
    """Give the address to the part that the file goes with; after the last file of its message, that may leave."""
    one = item.attachment
    tx.do(_LOCK_THREAD, id=one.thread_id)
    if tx.ask(_UPLOADED, id=one.id, fence=one.fence, media_url=item.media_url).column():
        behind = len(one.files.splitlines()) - 1 - one.place  # of its parts, the last go with one file each
        tx.do(_GOES_WITH, message_id=one.message_id, behind=behind, media_url=item.media_url)
        let_out(tx, [one.thread_id])


_UPLOADED = Sql("""
    UPDATE attachments SET stage = 4, media_url = :media_url, due_at = NULL WHERE id = :id AND fence = :fence
    RETURNING id
""")
_GOES_WITH = Sql("""
    UPDATE sends SET media_url = :media_url
    WHERE message_id = :message_id AND part = parts - CAST(:behind AS int) AND media_url IS NULL
""")


class Failed(Struct, frozen=True):
    """A file was not copied. again_in: until the next try; None: there is none."""

    attachment: Attachment
    again_in: timedelta | None
    code: str  # why, if that is to be said in its thread
    until: datetime  # when tries end


@one_by_one
def note_failed(tx: Transaction, item: Failed) -> None:
    """Have it tried again later, and let nothing else wait for it."""
    one, stage = item.attachment, Stage.LOST if item.again_in is None else Stage.WAITING
    tx.do(_LOCK_THREAD, id=one.thread_id)
    held = {"id": one.id, "fence": one.fence, "stage": stage, "out": one.way == "out"}
    due_at = None if item.again_in is None else tx.now + item.again_in
    found = tx.ask(_FAILED, **held, due_at=due_at)
    for row in found:
        if item.code:
            why = item.code if item.again_in is None else f"{item.code} {item.until:%Y-%m-%d}"
            _say(tx, one.id, row.thread_id, row.conversation_id, why)
        wake(tx, [row.thread_id] if one.incoming else [], Step.REPLY)


# What goes out is waited for until it is given up.
_FAILED = Sql("""
    UPDATE attachments SET stage = :stage, due_at = :due_at, failures = failures + 1,
        awaited_until = CASE WHEN way = 'out' THEN awaited_until END
    WHERE id = :id AND fence = :fence AND stage = 0
    RETURNING thread_id, (SELECT conversation_id FROM messages WHERE messages.id = message_id) AS conversation_id
""")


def _say(tx: Transaction, attachment_id: UUID, thread_id: UUID, conversation_id: UUID, why: str) -> None:
    """Say once in its thread why a customer's file does not stand there."""
    ids = {"id": attachment_id, "thread_id": thread_id, "conversation_id": conversation_id}
    said = {"key": f"file:{attachment_id.hex}", "direction": "note", "author": "", "text": why, "files": ""}
    shown = {"said_at": tx.estimate, "to_show": True, "notice": Notice.NOT_COPIED, "calls": "", "seq": -1}
    tx.each(NEW_SAID, [ids | said | shown])


def say_not_shown(tx: Transaction, thread: Thread, why: str) -> None:
    """Say why Slack does not show files of a thread, whoever holds its claim."""
    if not tx.ask(_STILL_HELD, id=thread.id, fence=thread.fence).column():
        return
    for one in thread.copies:
        if one.stage is Stage.WAITING and one.failures:
            _say(tx, one.id, thread.id, thread.message.conversation_id, why)
    wake(tx, [thread.id], Step.REPLY)


_STILL_HELD = Sql("SELECT id FROM threads WHERE id = :id AND fence = :fence")


def waiting_for(tx: Transaction, one: Attachment) -> list[UUID]:
    """Return the texts that wait for a file, if it is still to be copied by whoever claimed it."""
    return tx.ask(_WAITING_FOR, id=one.id, fence=one.fence).column()


_WAITING_FOR = Sql("""
    SELECT sends.id FROM attachments JOIN sends ON sends.message_id = attachments.message_id
    WHERE attachments.id = :id AND attachments.fence = :fence AND delivery = 0 ORDER BY part
""")


@one_by_one
def copy_again(tx: Transaction, attachment_id: UUID) -> bool:
    """Have a customer's file copied now; returns whether it still can be."""
    return bool(tx.ask(_COPY_AGAIN, id=attachment_id, now=tx.now).column())


_COPY_AGAIN = Sql("""
    UPDATE attachments SET due_at = :now, stage = 0, fence = fence + 1
    WHERE id = :id AND way = 'in' AND stage IN (0, 5) RETURNING id
""")
