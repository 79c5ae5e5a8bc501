"""Figure 9. A step on a long thread: its reply is claimed and recorded, whatever else was said there before."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from functools import partial
from statistics import median

from benchmarks.callback_requests import callback, send_id
from benchmarks.databases import seed
from benchmarks.figures import Figure, Goal, Measured
from benchmarks.run import Run
from bot.domain.thread import Step
from bot.sendblue.wire import parse_report
from bot.storage.claims import Capacity
from bot.storage.database import open_database
from bot.storage.engine import Database, Transaction
from bot.storage.reports import Heard, apply_many
from bot.storage.sql import Sql
from bot.storage.threads import Outcome, claim_threads, finish_threads

_SHORT, _LONG = 5, 5_000  # sends of a thread
_STEPS = 200
_WARM = 20
_CAPACITY = Capacity(40, lease=timedelta(minutes=1))
_QUIET_FOR = timedelta(minutes=2)
_MOVE_MESSAGES = Sql("{update messages: thread_id, conversation_id, seq}")
_MOVE_SENDS = Sql("{update sends: thread_id, conversation_id, seq}")


async def measure(run: Run) -> list[Figure]:
    """Measure both engines."""
    figures = []
    for engine, new in run.engines.items():
        rounds = [await asyncio.to_thread(_round, new()) for _ in range(run.scale.rounds)]
        short, long = (Measured(values, "ms") for values in zip(*rounds, strict=True))
        name = f"9 a step on a thread of {_LONG:,} messages ÷ on one of {_SHORT}, {engine}"
        figures.append(Figure(name, long, short, None, Goal("<=", 1.2), f"{_SHORT} messages"))
    return figures


def _round(url: str) -> tuple[float, float]:
    """Return what a step takes on a short thread and on a long one, in milliseconds."""
    count = _STEPS * _SHORT
    seed(url, count + _LONG)
    with closing(open_database(url)) as database:
        for first in range(0, count, _SHORT):
            database.write(partial(_join, numbers=range(first, first + _SHORT)))
        database.write(partial(_join, numbers=range(count, count + _LONG)))
        if not database.one_process:
            database.write(lambda tx: tx.do(Sql("ANALYZE")))
        took = [(_step(database, number * _SHORT), _step(database, count + number)) for number in range(_STEPS)]
    short, long = zip(*took[_WARM:], strict=True)
    return median(short), median(long)


def _join(tx: Transaction, numbers: Sequence[int]) -> None:
    """Put messages, each of which has a thread of its own, into the thread of the first."""
    thread_id = send_id(numbers[0])
    place = {"thread_id": thread_id, "conversation_id": thread_id}
    rows = [place | {"id": send_id(number), "seq": seq} for seq, number in enumerate(numbers)]
    tx.each(_MOVE_MESSAGES, rows)
    tx.each(_MOVE_SENDS, rows)


def _step(database: Database, number: int) -> float:
    """Have a send delivered, and take the time that its thread's reply is claimed and recorded in.

    Raises:
        ValueError: something else happened: nothing was measured.
    """
    body = callback(number, "DELIVERED").partition(b"\r\n\r\n")[2]
    heard = Heard(send_id(number), parse_report(body, source="callback", now=database.clock()), _QUIET_FOR)
    database.write(lambda tx: apply_many(tx, [heard]))
    started = time.perf_counter()
    [claimed] = database.write(lambda tx: claim_threads(tx, [_CAPACITY]))
    if [task.step for task in claimed.items] != [Step.REPLY]:
        raise ValueError(f"send {number} led to {claimed.items}")
    outcome = Outcome(claimed.items[0].thread.replied().edited())
    database.write(lambda tx: list(finish_threads(tx, [outcome])))
    return 1000 * (time.perf_counter() - started)
