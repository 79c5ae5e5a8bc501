"""Figure 9. Steps on a long thread, whatever was said there before.

Its reply is claimed and recorded. And where people typed: one more text is taken in and admitted, the root is edited,
a text is marked.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from functools import partial
from statistics import median

from benchmarks.callback_requests import callback, root_ts, send_id
from benchmarks.databases import seed
from benchmarks.figures import Figure, Goal, Measured
from benchmarks.reply_requests import TERMS, TEXT, event
from benchmarks.run import Run
from bot.domain.mark import DELIVERED
from bot.domain.thread import Step, Thread
from bot.sendblue.wire import parse_report
from bot.storage.claims import Capacity
from bot.storage.database import open_database
from bot.storage.engine import Database, Transaction
from bot.storage.replies import Typed, take_replies
from bot.storage.reports import Heard, apply_many
from bot.storage.sql import Sql
from bot.storage.threads import Outcome, claim_threads, finish_threads
from bot.storage.waking import wake
from handlers.typed import read_message

_Join = Callable[[Sequence[int], Transaction], None]  # of messages of these numbers
_Step = Callable[[Database, int, int], float]  # about a message, in the thread of a root

_LONG = 5_000  # sends of a thread
_STEPS = 200
_WARM = 20
_CAPACITY = Capacity(40, lease=timedelta(minutes=1))
_QUIET_FOR = timedelta(minutes=2)
_MOVE_MESSAGES = Sql("{update messages: thread_id, conversation_id, seq}")
_MOVE_SENDS = Sql("{update sends: thread_id, conversation_id, seq}")
_TYPED_THREADS = Sql("{update threads: conversation_id, seq, parent_id, typed_ts}")
_TYPED_MESSAGES = Sql("{update messages: conversation_id, seq, origin}")
_TYPED_SENDS = Sql("{update sends: conversation_id, seq, quiet}")
_NEXT_SEQ = Sql("{update conversations: next_seq}")


async def measure(run: Run) -> list[Figure]:
    """Measure both engines."""
    return [await _measure(run, engine, what) for what in _KINDS for engine in run.engines]


async def _measure(run: Run, engine: str, what: str) -> Figure:
    few, join, step = _KINDS[what]
    new = run.engines[engine]
    rounds = [await asyncio.to_thread(_round, new(), few, join, step) for _ in range(run.scale.rounds)]
    short, long = (Measured(values, "ms") for values in zip(*rounds, strict=True))
    name = f"9 {what} on a thread of {_LONG:,} ÷ on one of {few}, {engine}"
    return Figure(name, long, short, None, Goal("<=", 1.2), f"{few} messages")


def _round(url: str, few: int, join: _Join, step: _Step) -> tuple[float, float]:
    """Return what a step takes on a thread with few messages and on a long one, in milliseconds."""
    count = _STEPS * few
    end = count + _LONG
    seed(url, end)
    with closing(open_database(url)) as database:
        for first in range(0, count, few):
            database.write(partial(join, range(first, first + few)))
        database.write(partial(join, range(count, end)))
        if not database.one_process:
            database.write(lambda tx: tx.do(Sql("ANALYZE")))
        took = [
            (step(database, first, first + few - 1), step(database, count + place, end - 1))
            for place, first in enumerate(range(0, count, few))
        ]
    short, long = zip(*took[_WARM:], strict=True)
    return median(short), median(long)


def _join(numbers: Sequence[int], tx: Transaction) -> None:
    """Put messages, each of which has a thread of its own, into the thread of the last."""
    thread_id = send_id(numbers[-1])
    place = {"thread_id": thread_id, "conversation_id": thread_id}
    rows = [place | {"id": send_id(number), "seq": seq} for seq, number in enumerate(reversed(numbers))]
    tx.each(_MOVE_MESSAGES, rows)
    tx.each(_MOVE_SENDS, rows)


def _type(numbers: Sequence[int], tx: Transaction) -> None:
    """Turn messages, each of which has a thread of its own, into what was typed in the thread of the last."""
    root_id = send_id(numbers[-1])
    typed = {"conversation_id": root_id, "parent_id": root_id, "origin": "typed", "quiet": True}
    rows = [
        typed | {"id": send_id(number), "seq": seq, "typed_ts": root_ts(number)}
        for seq, number in enumerate(reversed(numbers[:-1]), start=1)
    ]
    for statement, columns in (
        (_TYPED_THREADS, ("id", "conversation_id", "seq", "parent_id", "typed_ts")),
        (_TYPED_MESSAGES, ("id", "conversation_id", "seq", "origin")),
        (_TYPED_SENDS, ("id", "conversation_id", "seq", "quiet")),
    ):
        tx.each(statement, [{name: row[name] for name in columns} for row in rows])
    tx.each(_NEXT_SEQ, [{"id": root_id, "next_seq": len(numbers)}])


def _step(database: Database, number: int, _root: int) -> float:
    """Have a send delivered, and take the time that its thread's reply is claimed and recorded in."""
    _deliver(database, number)
    started = time.perf_counter()
    _do(database, Step.REPLY, lambda thread: thread.replied().edited())
    return 1000 * (time.perf_counter() - started)


def _typed_steps(database: Database, number: int, root: int) -> float:
    """Take the time in which one more text is taken in and admitted, the root edited, and an older text marked."""
    said = event(root, TEXT)
    reply = read_message(said, team="T0BENCH", channel=str(said["channel"]), us="U0BOT")
    if reply is None:
        raise ValueError("what was typed is not read")
    started = time.perf_counter()
    database.write(lambda tx: take_replies(tx, [Typed(reply, TERMS)]))
    _do(database, Step.ADMIT, Thread.admitted)
    database.write(lambda tx: wake(tx, [send_id(root)], Step.EDIT))  # no later, but now
    _do(database, Step.EDIT, Thread.edited)
    _deliver(database, number)
    _do(database, Step.MARK, lambda thread: thread.marked(DELIVERED))
    return 1000 * (time.perf_counter() - started)


def _deliver(database: Database, number: int) -> None:
    body = callback(number, "DELIVERED").partition(b"\r\n\r\n")[2]
    heard = Heard(send_id(number), parse_report(body, source="callback", now=database.clock()), _QUIET_FOR)
    database.write(lambda tx: apply_many(tx, [heard]))


def _do(database: Database, step: Step, done: Callable[[Thread], Thread]) -> None:
    """Claim what is due, and record that it is done.

    Raises:
        ValueError: something else is due: nothing was measured.
    """
    [claimed] = database.write(lambda tx: claim_threads(tx, [_CAPACITY]))
    if [task.step for task in claimed.items] != [step]:
        raise ValueError(f"instead of {step.name} this is due: {claimed.items}")
    outcome = Outcome(done(claimed.items[0].thread), shared=step is Step.ADMIT)  # then the root is to be edited, later
    database.write(lambda tx: list(finish_threads(tx, [outcome])))


_KINDS: Mapping[str, tuple[int, _Join, _Step]] = {
    "a step": (5, _join, _step),
    "a typed text": (50, _type, _typed_steps),  # as many as a root looks at, and more
}
"""What is measured → the messages of a short thread, how they get there, and the steps."""
