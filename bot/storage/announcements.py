"""The announcer's work: which thread needs which call to Slack, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from bot.domain.message import Message
from bot.domain.thread import Lane, Step, Thread
from bot.storage.claims import NOW, Ask, Claimed, Queues, with_slots
from bot.storage.messages import release_part, taken
from bot.storage.pacing import close_slot
from bot.storage.rows import load_threads, lock_threads, update_messages
from bot.storage.tables import POSTING, messages, pacing, threads

EDITS = "edits"
"""The pacing key of chat.update, which Slack limits for the whole workspace."""

STEPS = Queues(threads.c.due_at, threads.c.channel, POSTING)
_FIRST_OF_LANE = {
    lane: select(func.min(threads.c.due_at)).where(threads.c.lane == lane.value, threads.c.due_at.is_not(None))
    for lane in (Lane.EDIT, Lane.FREE)
}
_OTHERS = select(
    *(first.scalar_subquery().label(lane.name) for lane, first in _FIRST_OF_LANE.items()),
    select(pacing.c.next_at).where(pacing.c.key == EDITS).scalar_subquery().label("edits_from"),
)
_OTHERS_DUE = (
    select(threads.c.id)
    .where(threads.c.due_at <= NOW, threads.c.lane.between(bindparam("lane"), Lane.FREE.value))
    .order_by(threads.c.due_at)
    .limit(bindparam("room"))
)


@dataclass(frozen=True, slots=True)
class Task:
    """One step of one thread, claimed."""

    step: Step
    thread: Thread


def claim_threads(connection: Connection, now: datetime, items: Sequence[Ask]) -> list[Claimed[Task]]:
    """Claim the most urgent step of each thread that is due and whose slot is free."""
    return [_claim_threads(connection, now, ask) for ask in items]


def _claim_threads(connection: Connection, now: datetime, ask: Ask) -> Claimed[Task]:
    ids, looks = with_slots(connection, now, STEPS.heads(connection), ask)
    others = _first_others(connection)
    if any(when <= now for when in others.values()):
        lane = Lane.EDIT if others.get(Lane.EDIT, now) <= now else Lane.FREE
        ids += connection.scalars(_OTHERS_DUE, {"now": now, "lane": lane.value, "room": max(0, ask.room - len(ids))})
    held = STEPS.hold(connection, now, ids, ask.lease)
    tasks = [_begin(connection, now, thread) for thread in load_threads(connection, held).values()]
    return Claimed(tasks, min([*looks, *(max(when, now) for when in others.values())], default=None))


def _first_others(connection: Connection) -> dict[Lane, datetime]:
    """Return when the first edit may be made, and the first step that needs no slot."""
    row = connection.execute(_OTHERS).one()
    edit = row.EDIT and max(row.EDIT, row.edits_from or row.EDIT)
    return {lane: when for lane, when in ((Lane.EDIT, edit), (Lane.FREE, row.FREE)) if when is not None}


def doable_since(connection: Connection) -> datetime | None:
    """Return since when, or from when on, the first step of any thread can be done."""
    heads = (head.when for head in STEPS.heads(connection))
    return min([*heads, *_first_others(connection).values()], default=None)


def _begin(connection: Connection, now: datetime, thread: Thread) -> Task:
    """Note what is about to be posted, so that it can be looked for should no answer come."""
    step = thread.next_step()
    if step in (Step.OPEN, Step.REPLY):
        texts = tuple(replace(message, telling=message.news) for message in thread.messages)
        number = 0 if step is Step.OPEN else thread.replies + 1
        thread = replace(thread, posting=number, posting_since=now, looked=0, messages=texts)
        connection.execute(_NOTE, {"thread": thread.id, "number": number, "now": now})
        telling = [{"row_id": message.id, "telling": message.telling.value} for message in texts]
        connection.execute(update_messages("telling"), telling)
    return Task(step, thread)


_NOTE = (
    update(threads)
    .where(threads.c.id == bindparam("thread"))
    .values(posting=bindparam("number"), posting_since=NOW, looked=0)
)


@dataclass(frozen=True, slots=True)
class Finish:
    """What became of a task. changes: columns of the thread. told: what it was telling is told now.

    again_at: not before then (None: as soon as there is something). closed_slot: a key and until when.
    """

    thread: Thread
    changes: dict[str, Any]
    told: bool = False
    again_at: datetime | None = None
    closed_slot: tuple[str, datetime] | None = None


def finish_threads(connection: Connection, now: datetime, items: Sequence[Finish]) -> list[bool]:
    """Record outcomes and make the next step due. Returns whether the claim was still held."""
    for key, until in sorted({item.closed_slot for item in items if item.closed_slot is not None}):
        close_slot(connection, key, until)
    lock_threads(connection, {item.thread.id for item in items})
    return [_finish(connection, now, item) for item in items]


def _finish(connection: Connection, now: datetime, item: Finish) -> bool:
    thread_id = item.thread.id
    ours = (threads.c.id == thread_id) & (threads.c.fence == item.thread.fence)
    if connection.execute(update(threads).where(ours).values(**item.changes, lane=threads.c.lane)).rowcount != 1:
        return False
    if item.told:
        told = {"told": messages.c.told.bitwise_or(messages.c.telling), "telling": 0}
        connection.execute(update(messages).where(messages.c.thread_id == thread_id).values(told))
    thread = load_threads(connection, [thread_id])[thread_id]
    if thread.root_ts is not None:
        _let_out(connection, now, thread)
    step = thread.next_step()
    due_at = None if step is Step.NOTHING else item.again_at or now
    connection.execute(update(threads).where(ours).values(due_at=due_at, lane=step.lane.value))
    return True


def _let_out(connection: Connection, now: datetime, thread: Thread) -> None:
    """The thread is open: each message whose part before was taken may go."""
    before: Message | None = None
    for message in thread.messages:
        if message.part == 1 or (before is not None and taken(before)):
            release_part(connection, now, thread.id, message.part)
        before = message
