"""The announcer's work: which thread needs which call to Slack, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, Select, bindparam, select, update

from bot.domain.delivery import Delivery, News
from bot.domain.message import Message
from bot.domain.thread import EDITING, Lane, Step, Thread
from bot.storage.claims import NOW, Ask, Claimed, Head, Queues, with_slots
from bot.storage.messages import release_part, taken
from bot.storage.pacing import close_slot, give_back_slot
from bot.storage.prepared import Prepared, update_each
from bot.storage.rows import THREAD, load_threads, threads_of
from bot.storage.tables import OTHERS, POSTING, messages, pacing, threads

EDITS = "edits"
"""The pacing key of chat.update, which Slack limits for the whole workspace: edits wait in a queue of their own."""

STEPS = Queues(threads.c.due_at, threads.c.channel, POSTING, THREAD)


def _first(lane: Lane, *columns: Column[Any]) -> Select[Any]:
    waiting = select(*columns).where(OTHERS, threads.c.lane == lane, threads.c.due_at.is_not(None))
    return waiting.order_by(threads.c.due_at)


_OTHERS = Prepared(
    select(
        *(_first(Lane.EDIT, column).limit(1).scalar_subquery() for column in (threads.c.id, threads.c.due_at)),
        select(pacing.c.next_at).where(pacing.c.key == EDITS).scalar_subquery(),
        _first(Lane.FREE, threads.c.due_at).limit(1).scalar_subquery(),
    )
)
_FREE = Prepared(_first(Lane.FREE, threads.c.id).where(threads.c.due_at <= NOW).limit(bindparam("room")))


@dataclass(frozen=True, slots=True)
class Task:
    """One step of one thread, claimed."""

    step: Step
    thread: Thread


def claim_threads(connection: Connection, now: datetime, items: Sequence[Ask]) -> list[Claimed[Task]]:
    """Claim the most urgent step of each thread that is due and whose slot is free."""
    return [_claim_threads(connection, now, ask) for ask in items]


def _claim_threads(connection: Connection, now: datetime, ask: Ask) -> Claimed[Task]:
    queues, free_since = _heads(connection)
    ids, looks = with_slots(connection, now, queues, ask)
    if free_since is not None and free_since <= now:
        ids += _FREE.column(connection, now=now, room=max(0, ask.room - len(ids)))
    held = threads_of(connection, STEPS.hold(connection, now, ids, ask.lease))
    tasks = [_begin(connection, now, thread) for thread in held.values()]
    return Claimed(tasks, min([*looks, *([max(free_since, now)] if free_since else [])], default=None))


def _heads(connection: Connection) -> tuple[list[Head], datetime | None]:
    """Return the first of each queue, and since when, or from when on, a step is due that needs no slot."""
    [[edit_id, edit_due, edits_from, free_since]] = _OTHERS.rows(connection)
    edits = [] if edit_id is None else [Head(edit_id, EDITS, max(edit_due, edits_from or edit_due))]
    return [*STEPS.heads(connection), *edits], free_since


def doable_since(connection: Connection) -> datetime | None:
    """Return since when, or from when on, the first step of any thread can be done."""
    queues, free_since = _heads(connection)
    return min([*(head.when for head in queues), *([free_since] if free_since else [])], default=None)


def _begin(connection: Connection, now: datetime, thread: Thread) -> Task:
    """Note what is about to be posted or edited, for the case that no answer comes."""
    step = thread.next_step()
    if step in (Step.OPEN, Step.REPLY):
        texts = tuple(replace(message, telling=message.news) for message in thread.messages)
        number = 0 if step is Step.OPEN else thread.replies + 1
        thread = replace(thread, posting=number, posting_since=now, looked=0, messages=texts)
        _NOTE.rows(connection, thread=thread.id, number=number, now=now)
        _TELLING.each(connection, [{"row_id": message.id, "telling": message.telling} for message in texts])
    elif step is Step.EDIT:  # the task keeps what was noted before
        _NOTE_EDIT.rows(connection, thread=thread.id)
    return Task(step, thread)


_NOTE = Prepared(
    update(threads)
    .where(threads.c.id == bindparam("thread"))
    .values(posting=bindparam("number"), posting_since=NOW, looked=0)
)
_NOTE_EDIT = Prepared(update(threads).where(threads.c.id == bindparam("thread")).values(shown_rev=EDITING))
_TELLING = update_each(messages, "telling")


@dataclass(frozen=True, slots=True)
class Finish:
    """What became of a task. changes: columns of the thread. told: what it was telling is told now.

    again_at: not before then (None: as soon as there is something). closed_slot: a key and until when. unused_slot: a
    key and until when its slot was taken for what was not even tried.
    """

    thread: Thread
    changes: dict[str, Any]
    told: bool = False
    again_at: datetime | None = None
    closed_slot: tuple[str, datetime] | None = None
    unused_slot: tuple[str, datetime] | None = None


def finish_threads(connection: Connection, now: datetime, items: Sequence[Finish]) -> list[bool]:
    """Record outcomes and make the next step due. Returns whether the claim was still held."""
    for key, until in sorted({item.closed_slot for item in items if item.closed_slot is not None}):
        close_slot(connection, key, until)
    for key, until in sorted({item.unused_slot for item in items if item.unused_slot is not None}):
        give_back_slot(connection, key, until, now)
    known = load_threads(connection, {item.thread.id for item in items}, lock=True)
    return [_finish(connection, now, item, known) for item in items]


def _finish(connection: Connection, now: datetime, item: Finish, known: dict[UUID, Thread]) -> bool:
    thread = known[item.thread.id]
    if thread.fence != item.thread.fence:
        return False
    thread = replace(thread, **item.changes)
    if item.told:
        texts = [replace(text, told=text.told | text.telling, telling=News.NONE) for text in thread.messages]
        thread = replace(thread, messages=tuple(texts))
        _TOLD.each(connection, [{"row_id": text.id, "told": text.told, "telling": text.telling} for text in texts])
    if thread.root_ts is not None:
        _let_out(connection, now, thread)
    step = thread.next_step()
    due = {"due_at": None if step is Step.NOTHING else item.again_at or now, "lane": step.lane}
    update_each(threads, *item.changes, *due).each(connection, [{"row_id": thread.id, **item.changes, **due}])
    known[thread.id] = thread
    return True


_TOLD = update_each(messages, "told", "telling")


def _let_out(connection: Connection, now: datetime, thread: Thread) -> None:
    """The thread is open: each message whose part before was taken may go."""
    before: Message | None = None
    for message in thread.messages:
        if message.delivery is Delivery.ACCEPTED and (message.part == 1 or (before is not None and taken(before))):
            release_part(connection, now, thread.id, message.part)
        before = message
