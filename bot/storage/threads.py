"""The announcer's work: which thread needs which call to Slack, and what became of it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import compress
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.delivery import News
from bot.domain.message import Message
from bot.domain.thread import Step, Thread
from bot.storage.claims import Capacity, Claimed, Head, Queue, next_to_go
from bot.storage.engine import Rows, Transaction
from bot.storage.pacing import ask_for_slots, close_slots, give_back_slot
from bot.storage.rows import THREAD, load_threads, messages_of, values, with_messages
from bot.storage.sends import claim_sends, let_out
from bot.storage.sql import Sql

EDITS = "edits"
"""The pacing key of chat.update, which Slack limits for the whole workspace: edits wait in a queue of their own."""

STEPS = Queue(
    "threads",
    due="due_at",
    key="channel",
    which="lane = 2",
    held=THREAD,
    changes=", patient = false",
    opened="root_ts IS NOT NULL",
)
"""Posts, one queue for each channel. The indexes of `threads` are by lane: 2 is Lane.POST, 1 FREE, 0 EDIT."""

_OTHERS = Sql(
    f"""
    SELECT edit.id, '{EDITS}' AS key, edit.due_at, true AS opened,
           (SELECT next_at FROM pacing WHERE key = '{EDITS}') AS next_at
    FROM (SELECT id, due_at FROM threads WHERE lane < 2 AND lane = 0 AND due_at IS NOT NULL
          ORDER BY due_at LIMIT 1) AS edit
    UNION ALL
    SELECT free.id, '', free.due_at, false, NULL
    FROM (SELECT id, due_at FROM threads WHERE lane < 2 AND lane = 1 AND due_at IS NOT NULL
          ORDER BY due_at LIMIT :count) AS free
    """
)


class Task(Struct, frozen=True):
    """One step of one thread, claimed.

    slot: of which key, and until when, was taken for it. edits: until when the slot of edits was taken, too, so that
    the root is edited after the reply.
    """

    step: Step
    thread: Thread
    slot: tuple[str, datetime] | None = None
    edits: datetime | None = None


def claim_threads(tx: Transaction, items: Sequence[Capacity]) -> list[Claimed[Task]]:
    """Claim the most urgent step of each thread that is due and whose slot is free."""
    return [_claim_threads(tx, capacity) for capacity in items]


def _claim_threads(tx: Transaction, capacity: Capacity) -> Claimed[Task]:
    heads = _heads(tx, capacity.count)
    ready, again = next_to_go(tx, heads, capacity)
    if not ready:
        return Claimed([], again)
    wanted = any(head.opened for head in ready) and not any(head.key == EDITS for head in heads)
    edits = ask_for_slots(tx, {EDITS: tx.now + capacity.interval} if wanted else {})
    held = STEPS.hold(tx, ready, capacity)
    threads = with_messages(held, messages_of(tx, [head.id for head in ready]))
    slots = {head.id: (head.key, head.slot_until(tx.now, capacity.interval)) for head in ready if head.key}
    tasks = [
        Task(step := thread.next_step(), thread.begun(step, tx.now), slots.get(thread.id))
        for thread in threads.values()
    ]
    tasks = _with_edit(tx, tasks, edits, tx.now + capacity.interval)
    _note(tx, tasks, threads)
    return Claimed(tasks, again)


def _with_edit(tx: Transaction, tasks: list[Task], edits: Rows, until: datetime) -> list[Task]:
    """Give the slot of edits to the first reply, whose root is edited then; a slot nobody uses is given back."""
    if not edits.column():
        return tasks
    first = next((task for task in tasks if task.step is Step.REPLY), None)
    if first is None:
        give_back_slot(tx, EDITS, until)
    return [replace(task, edits=until) if task is first else task for task in tasks]


def _heads(tx: Transaction, count: int) -> list[Head]:
    """Return what may be claimed next: the first post of each channel, the first edit, and steps that need no slot."""
    others, posts = tx.ask(_OTHERS, count=count), STEPS.heads(tx)
    return [*posts.of(Head), *others.of(Head)]


def doable_since(tx: Transaction) -> datetime | None:
    """Return since when, or from when on, the first step of any thread can be done."""
    return min((head.when for head in _heads(tx, 1)), default=None)


def _note(tx: Transaction, tasks: Sequence[Task], before: Mapping[UUID, Thread]) -> None:
    """Note what is about to be posted or edited, for the case that no answer comes."""
    posts = [task.thread for task in tasks if task.step in (Step.OPEN, Step.REPLY)]
    telling = [
        new
        for thread in posts
        for old, new in zip(before[thread.id].messages, thread.messages, strict=True)
        if old.telling != new.telling
    ]
    tx.each(_POSTING, [values(thread, ("id", "posting", "posting_since", "looked")) for thread in posts])
    tx.each(_TELLING, [values(message, ("id", "telling")) for message in telling])
    if edits := [task.thread.id for task in tasks if task.step is Step.EDIT or task.edits]:
        tx.do(_EDITING, ids=edits)


_POSTING = Sql("{update threads: posting int, posting_since timestamptz, looked int}")
_TELLING = Sql("{update messages: telling int}")
_EDITING = Sql("UPDATE threads SET shown_rev = -2 WHERE id {among ids}")
"""EDITING. The task keeps what was noted before."""


class Outcome(Struct, frozen=True):
    """What became of a task: its thread as it is now.

    again_at: nothing more before then (None: as soon as there is something). patient: or before news. closed_slot: a
    key and until when. unused_slots: keys and until when their slots were taken for what was not even tried.
    """

    thread: Thread
    again_at: datetime | None = None
    patient: bool = False
    closed_slot: tuple[str, datetime] | None = None
    unused_slots: tuple[tuple[str, datetime], ...] = ()


_OWNED = ("channel", "root_ts", "replies", "shown_rev", "posting", "looked", "private_note", "closed", "failures")
"""What only the holder of a claim changes."""


def finish_threads(tx: Transaction, items: Sequence[Outcome]) -> list[bool]:
    """Store outcomes and make the next step due. Returns whether the claim was still held."""
    close_slots(tx, _latest(item.closed_slot for item in items))
    for key, until in sorted({slot for item in items for slot in item.unused_slots}):
        give_back_slot(tx, key, until)
    known = load_threads(tx, {item.thread.id for item in items}, lock=True)
    still = [known[item.thread.id].fence == item.thread.fence for item in items]
    held = list(compress(items, still))
    after = {item.thread.id: _merged(known[item.thread.id], item.thread) for item in held}
    if told := [thread.id for thread in after.values() if not thread.tells and known[thread.id].tells]:
        tx.do(_TOLD, ids=told)
    tx.each(_FINISHED, [_finished(after[item.thread.id], item, tx.now) for item in held])
    let_out(tx, [thread.id for thread in after.values() if thread.root_ts is not None])
    return still


def _merged(known: Thread, outcome: Thread) -> Thread:
    """Return a thread as it is stored now, with what its holder changed."""
    messages = known.messages if outcome.tells else known.said().messages
    return replace(known, **values(outcome, _OWNED), messages=messages)


def _finished(thread: Thread, outcome: Outcome, now: datetime) -> dict[str, object]:
    step = thread.next_step()
    due = {"due_at": None if step is Step.NOTHING else outcome.again_at or now, "patient": outcome.patient}
    return {"id": thread.id, **values(thread, _OWNED), **due, "lane": step.lane, "aside": thread.private_note}


def _latest(slots: Iterable[tuple[str, datetime] | None]) -> dict[str, datetime]:
    latest: dict[str, datetime] = {}
    for key, until in filter(None, slots):
        latest[key] = max(until, latest.get(key, until))
    return latest


_TOLD = Sql("UPDATE messages SET told = told | telling, telling = 0 WHERE telling <> 0 AND thread_id {among ids}")
_FINISHED = Sql(
    "{update threads: channel text, root_ts text, replies int, shown_rev int, posting int, looked int, aside text, "
    "closed text, failures int, due_at timestamptz, patient bool, lane int}"
)


def finish_and_claim(tx: Transaction, items: Sequence[tuple[Outcome, Capacity]]) -> list[tuple[bool, Claimed[Message]]]:
    """Do as `finish_threads`, and claim with the same commit what may be sent now: the first gets all of it."""
    held = finish_threads(tx, [outcome for outcome, _ in items])
    claimed = claim_sends(tx, [items[0][1]]) + [Claimed([], None)] * (len(items) - 1)
    return list(zip(held, claimed, strict=True))


def wake_threads(
    tx: Transaction,
    before: Mapping[UUID, Message],
    changed: Iterable[Message],
    *,
    sent_waits: timedelta = timedelta(0),
) -> None:
    """Make the threads due whose messages have news, or stand otherwise than the root says.

    sent_waits: how long *Sent* waits for *Delivered*.
    """
    steps: dict[tuple[Step, timedelta], set[UUID]] = defaultdict(set)
    for message in changed:
        old = before.get(message.id)
        if message.news:
            steps[Step.REPLY, sent_waits if message.news is News.SENT else timedelta(0)].add(message.thread_id)
        elif old is None or old.headline != message.headline:
            steps[Step.EDIT, timedelta(0)].add(message.thread_id)
    for (step, wait), ids in steps.items():
        tx.do(_WAKE, ids=list(ids), due=tx.now + wait, patient=bool(wait), lane=step.lane)


# What is due later waits for the end of a lease, or because Slack said so, unless it is patient: then news cuts it
# short. The second edit of a root, which is patient, is owed all the same, once the news is told. -1 is UNKNOWN, -2
# EDITING.
_WAKE = Sql(
    """
    UPDATE threads SET
        rev = rev + 1,
        due_at = CASE
            WHEN due_at IS NULL OR patient AND due_at > :due AND lane <= :lane THEN :due ELSE due_at
        END,
        patient = CASE
            WHEN due_at IS NULL OR patient AND due_at > :due AND lane <= :lane THEN :patient ELSE patient
        END,
        shown_rev = CASE WHEN patient AND shown_rev = -1 AND lane = 0 THEN -2 ELSE shown_rev END,
        lane = CASE WHEN lane > :lane THEN lane ELSE :lane END
    WHERE id {among ids}
    """
)
