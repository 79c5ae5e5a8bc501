"""The announcer's work: which thread needs which call to Slack, and what became of it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.thread import EDITING, Lane, Step, Thread
from bot.storage.admitting import admit_text, forget_words, name_words
from bot.storage.attachments import note_stages
from bot.storage.cards import with_cards
from bot.storage.carrying import say_not_shown
from bot.storage.claims import Capacity, Claimed, Head, Queue, next_to_go
from bot.storage.conversations import let_out
from bot.storage.engine import Rows, Transaction, one_by_one
from bot.storage.held import Terms
from bot.storage.marks import speak, tell_of_sms
from bot.storage.pacing import close_slots, give_back_slot, take_slots
from bot.storage.places import begin_with_the_oldest, move_inbound, was_not_written
from bot.storage.private_notes import owe_note_of
from bot.storage.reading_back import owe_reading
from bot.storage.rows import THREAD, threads_of, values
from bot.storage.sends import claim_sends
from bot.storage.shown import needed
from bot.storage.sql import Sql
from bot.storage.waking import wake_cards

T = TypeVar("T")

# The pacing keys of chat.update and reactions.add, which Slack limits for the whole workspace: a queue for each.
EDITS, MARKS = "edits", "marks"
_QUEUES = {Step.EDIT: EDITS, Step.MARK: MARKS}

# Posts, one queue for each channel. The indexes of `threads` are by lane: 2 is Lane.POST, 1 FREE, 0 EDIT, -1 MARK.
_POSTS = {"due": "due_at", "key": "channel", "which": "lane = 2", "opened": "root_ts IS NOT NULL"}
STEPS = Queue("threads", **_POSTS, held=THREAD, changes=", patient = false")


def _first(lane: int, key: str) -> str:
    return f"""
        SELECT first.id, '{key}' AS key, first.due_at, true AS opened,
               (SELECT next_at FROM pacing WHERE key = '{key}') AS next_at
        FROM (SELECT id, due_at FROM threads WHERE lane < 2 AND lane = {lane} AND due_at IS NOT NULL
              ORDER BY due_at LIMIT 1) AS first
    """


_OTHERS = Sql(f"""
    {_first(0, EDITS)} UNION ALL {_first(-1, MARKS)}
    UNION ALL
    SELECT free.id, '', free.due_at, false, NULL
    FROM (SELECT id, due_at FROM threads WHERE lane < 2 AND lane = 1 AND due_at IS NOT NULL
          ORDER BY due_at LIMIT CAST(:count AS int)) AS free
""")


class Task(Struct, frozen=True):
    """One step of one thread, claimed."""

    step: Step
    thread: Thread
    slot: tuple[str, datetime] | None = None  # taken for it: of which key, and until when
    edits: datetime | None = None  # until when the slot of edits was taken, too, to edit the root after the reply


@one_by_one
def claim_threads(tx: Transaction, capacity: Capacity) -> Claimed[Task]:
    """Claim the most urgent step of each thread that is due and whose slot is free."""
    heads = _heads(tx, capacity.count)
    ready, again = next_to_go(tx, heads, capacity)
    if not ready:
        return Claimed([], again)
    wanted = any(head.opened for head in ready) and not any(head.key == EDITS for head in heads)
    edits = take_slots(tx, {EDITS: tx.now + capacity.interval} if wanted else {})
    held = STEPS.hold(tx, ready, capacity)
    threads = with_cards(tx, threads_of(held, *needed(tx, [head.id for head in ready])))
    slots = {head.id: (head.key, head.slot_until(tx.now, capacity.interval)) for head in ready if head.key}
    tasks = [
        Task(step := thread.next_step(), thread.begun(step, tx.now), slots.get(thread.id))
        for thread in threads.values()
    ]
    tasks = _in_their_queue(tx, tasks)
    tasks = _with_edit(tx, tasks, edits, tx.now + capacity.interval)
    _note(tx, tasks, threads)
    return Claimed(tasks, again)


def _in_their_queue(tx: Transaction, tasks: list[Task]) -> list[Task]:
    """What got another slot, for there might be more to say, or none, for it awaited a file, waits for its own."""
    astray = [task for task in tasks if _queue_of(task) not in ("", task.slot[0] if task.slot else None)]
    for task in astray:
        give_back_slot(tx, *task.slot or ("", tx.now))
    for step in {task.step for task in astray}:
        ids = [task.thread.id for task in astray if task.step is step]
        tx.do(_WAITS_ITS_TURN, ids=ids, now=tx.now, lane=step.lane)
    return [task for task in tasks if task not in astray]


def _queue_of(task: Task) -> str:
    return task.thread.channel if task.step.lane is Lane.POST else _QUEUES.get(task.step, "")


_WAITS_ITS_TURN = Sql("UPDATE threads SET due_at = :now, lane = :lane WHERE id {among ids}")


def _with_edit(tx: Transaction, tasks: list[Task], edits: Rows, until: datetime) -> list[Task]:
    """Give the slot of edits to the first reply, whose root is edited then; a slot nobody uses is given back."""
    if not edits.column():
        return tasks
    first = next((task for task in tasks if task.step is Step.REPLY and not task.thread.is_typed), None)
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
    calls = [task for task in tasks if task.step not in (Step.LOOK, Step.WAIT, Step.NOTHING)]
    threads = [(before[task.thread.id], task.thread) for task in calls]
    sends = [new for old, thread in threads for new in _changed(old.sends, thread.sends)]
    said = [new for old, thread in threads for new in _changed(old.unshown, thread.unshown)]
    tx.each(_CALLING, [_called(task) for task in calls])
    tx.each(_TELLS, [{"id": one.id, "under_way": one.telling.under_way} for one in sends])
    tx.each(_SHOWS, [{"id": one.id, "showing": one.showing} for one in said])
    copies = [new for old, thread in threads for new in _changed(old.copies, thread.copies)]
    tx.each(_SHARES, [{"id": one.id, "stage": one.stage} for one in copies])


def _changed(before: Sequence[T], after: Sequence[T]) -> list[T]:
    return [new for old, new in zip(before, after, strict=True) if old != new]


def _called(task: Task) -> dict[str, object]:
    """Return what is stored; the task itself keeps what was known of the root before."""
    noted = values(task.thread, ("id", "posting", "posting_since", "looked", "shown_rev", "thread_ts"))
    return noted | {"shown_rev": EDITING} if task.step is Step.EDIT or task.edits else noted


_CALLING = Sql("{update threads: posting, posting_since, looked, shown_rev, thread_ts}")
_TELLS = Sql("{update sends: under_way}")
_SHOWS = Sql("{update messages: showing}")
_SHARES = Sql("{update attachments: stage}")


class Outcome(Struct, frozen=True):
    """What became of a task: its thread as it is now."""

    thread: Thread
    # How long nothing more is done; None: until there is something. A length, because clocks may be set meanwhile.
    again_in: timedelta | None = None
    patient: bool = False  # or before news
    closed_slot: tuple[str, timedelta] | None = None  # a key, and for how long
    unused_slots: tuple[tuple[str, datetime], ...] = ()  # the same of slots taken for what was not even tried
    note: str = ""  # what its author is to be told privately (`PrivateNote.says`)
    shared: bool = False  # its root changed in what another root says as well (`Thread.shares_a_card`)
    leads: bool = False  # its root was to stand in another thread that is gone: it is the current one now
    admits: bool = False  # its author may text: if it is a text, the conversation goes on where it was typed
    named: tuple[str, Terms] | None = None  # what was typed, with the names in it
    speaks: bool = False  # it cannot be marked, so replies are to say how it does
    tells_of_sms: bool = False
    stood_since: datetime | None = None  # its root is new, and may stand since then
    forgets: bool = False  # its words are not kept: their author may not text
    not_shown: str = ""  # why Slack refused to show files, and until when they are copied anew, if that is to be said
    goes_on_in: str | None = None  # its place is gone: the channel for what the customer says from now on; "": none


def finish_threads(tx: Transaction, items: Sequence[Outcome]) -> Iterator[bool]:
    """Store outcomes and make the next step due. Returns whether the claim was still held."""
    closed = dict(sorted(item.closed_slot for item in items if item.closed_slot is not None))  # the longest of each
    close_slots(tx, {key: tx.estimate + wait for key, wait in closed.items()})
    for key, until in sorted({slot for item in items for slot in item.unused_slots}):
        give_back_slot(tx, key, until)
    held = tx.each(_FINISHED, sorted((_finished(item, tx.estimate) for item in items), key=itemgetter("id")))
    tx.each(_TOLD, [_held(item.thread) for item in items if not item.thread.tells])
    tx.each(_SAID, [_held(item.thread) for item in items if item.thread.has_shown])
    note_stages(tx, [item.thread for item in items])
    wake_cards(tx, [item.thread.id for item in items if item.shared])
    if leading := [item.thread for item in items if item.leads]:
        tx.each(_LEADS, [_held(thread) for thread in leading])
    unposted = (item.thread for item in items if item.thread.message.inbound)
    begin_with_the_oldest(tx, [one.id for one in unposted if one.root_ts is None and one.posting is None])
    let_out(tx, [one.id for one in (item.thread for item in items) if one.unsent and (one.root_ts or one.closed)])
    owe_reading(tx, {item.thread.id: item.stood_since for item in items if item.stood_since is not None})
    was_not_written(tx, [item.thread.id for item in items if item.thread.was_refused])
    speak(tx, [item.thread for item in items if item.speaks])
    forget_words(tx, [item.thread for item in items if item.forgets])
    for item in items:
        if item.note:
            owe_note_of(tx, item.thread, item.note)
        if item.tells_of_sms:
            tell_of_sms(tx, item.thread)
        if item.not_shown:
            say_not_shown(tx, item.thread, item.not_shown)
        if item.admits:
            admit_text(tx, item.thread)
        if item.named is not None:
            name_words(tx, item.thread, *item.named)
        if item.goes_on_in is not None:
            move_inbound(tx, item.thread, item.goes_on_in)
    return _still_held(held, items)


def _still_held(held: Rows, items: Sequence[Outcome]) -> Iterator[bool]:
    """Look at what was held only when it is asked for: after the commit, which then waits for nothing else."""
    still = {(row.id, row.fence) for row in held}
    yield from ((item.thread.id, item.thread.fence) in still for item in items)


def _finished(outcome: Outcome, now: datetime) -> dict[str, object]:
    """Return what is stored. news_at, news_lane: when what comes next is due, should there be news by now."""
    thread, step = outcome.thread, outcome.thread.next_step()
    due_at = None if step is Step.NOTHING else now + (outcome.again_in or timedelta(0))
    may_reply = not thread.closed and step in (Step.NOTHING, Step.EDIT, Step.MARK, Step.REPLY, Step.WAIT)
    news = {"news_at": now, "news_lane": Step.REPLY.lane} if may_reply else {"news_at": due_at, "news_lane": step.lane}
    return {**values(thread, _OWNED), "patient": outcome.patient, "due_at": due_at, "lane": step.lane, **news}


_OWNED = (
    *("id", "fence", "rev", "channel", "private", "parent_id", "thread_ts", "root_ts", "replies", "shown_rev"),
    *("posting", "looked", "closed", "failures", "mark"),
)
"""What only the holder of a claim changes, and what tells whether it is held and whether there is news."""

# Should there be news by now, it cuts short what is patient, as in `wake_threads`.
_FINISHED = Sql("""
    UPDATE threads SET
        channel = row.channel, private = row.private,
        parent_id = row.parent_id, thread_ts = row.thread_ts, root_ts = row.root_ts, replies = row.replies,
        posting = row.posting, looked = row.looked, closed = row.closed,
        failures = row.failures, mark = row.mark, patient = row.patient AND threads.rev = row.rev,
        shown_rev = CASE WHEN row.patient AND row.shown_rev = -1 AND threads.rev <> row.rev THEN -2
                    ELSE row.shown_rev END,
        due_at = CASE WHEN threads.rev = row.rev THEN row.due_at ELSE row.news_at END,
        lane = CASE WHEN threads.rev = row.rev THEN row.lane ELSE row.news_lane END
    {from id, fence, rev, channel, private, parent_id, thread_ts, root_ts, replies, shown_rev, posting, looked, closed,
          failures, mark, patient, due_at, lane, news_at, news_lane}
    WHERE threads.id = row.id AND threads.fence = row.fence
    RETURNING threads.id, threads.fence
""")
# As `Send.news` has it; 1 is News.UNCERTAIN, 2 FOUND, 30 Delivery.QUEUED.
_TOLD = Sql("""
    UPDATE sends SET
        told = told | under_way, under_way = 0,
        owed = CASE WHEN delivery = 30 AND (told | under_way) & 1 = 1 THEN owed | 2 ELSE owed END & ~(told | under_way)
    {from id, fence}
    WHERE sends.thread_id = row.id AND under_way <> 0
    AND row.fence = (SELECT fence FROM threads WHERE threads.id = row.id)
""")


def _held(thread: Thread) -> dict[str, object]:
    return {"id": thread.id, "fence": thread.fence}


# What the customer says from now on stands there, unless somebody has begun another thread meanwhile.
_NO_LATER = """NOT EXISTS (
    SELECT 1 FROM threads AS later
    WHERE later.id = conversations.thread_id AND later.closed = '' AND later.seq > threads.seq
)"""
_LEADS = Sql(
    f"""
    UPDATE conversations SET thread_id = threads.id {{from id, fence}}
    JOIN threads ON threads.id = row.id AND threads.fence = row.fence
    WHERE conversations.id = threads.conversation_id AND {_NO_LATER}
""",
    sqlite=f"""
    UPDATE conversations SET thread_id = threads.id FROM threads
    WHERE threads.id = :id AND threads.fence = :fence AND conversations.id = threads.conversation_id
    AND {_NO_LATER}
""",
)
_SAID = Sql("""
    UPDATE messages SET to_show = false, showing = false {from id, fence}
    WHERE messages.thread_id = row.id AND showing
    AND row.fence = (SELECT fence FROM threads WHERE threads.id = row.id)
""")


def finish_and_claim(tx: Transaction, items: Sequence[tuple[Outcome, Capacity]]) -> Iterator[Any]:
    """Do as `finish_threads`, and claim with the same commit what may be sent now: the first gets all of it."""
    held = finish_threads(tx, [outcome for outcome, _ in items])
    claimed = claim_sends(tx, [items[0][1]]) + [Claimed([], None)] * (len(items) - 1)
    return zip(held, claimed, strict=True)
