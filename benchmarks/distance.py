"""Figure 3, second half. A PostgreSQL server some way off: what a callback costs until its reply is known as posted."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any, TypeVar

from psycopg.conninfo import conninfo_to_dict

from benchmarks.callback_requests import callback, send_id
from benchmarks.databases import seed
from benchmarks.figures import Figure, Goal, Measured
from benchmarks.run import Run
from benchmarks.slow_network import SlowNetwork, slow_network
from bot.domain.thread import Step
from bot.sendblue.wire import parse_report
from bot.storage.claims import Capacity
from bot.storage.database import open_database
from bot.storage.engine import Database
from bot.storage.reports import Heard, apply_many
from bot.storage.threads import Outcome, claim_threads, finish_threads

T = TypeVar("T")

_TRIP = 2.6  # milliseconds
_GOAL = 18  # milliseconds
_WARM = 20  # sends, after which every statement is prepared and its plan settled
_CAPACITY = Capacity(40, lease=timedelta(minutes=1))
_QUIET_FOR = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class _Took:
    milliseconds: float
    trips: int


async def measure(run: Run) -> list[Figure]:
    """Measure PostgreSQL alone: SQLite is a file."""
    rounds = [await asyncio.to_thread(_round, run) for _ in range(run.scale.rounds)]
    stories = [story for found, _ in rounds for story in found]
    parts = zip(("apply", "claim", "finish"), zip(*stories, strict=True), strict=True)
    told = ", ".join(f"{name} {_told(took)}" for name, took in parts)
    run.notes.append(f"PostgreSQL {_TRIP:g} ms away: {told}.")
    ours = Measured(tuple(median(map(_whole, found)) for found, _ in rounds), "ms")
    floor = Measured(tuple(bare for _, bare in rounds), "ms")
    name = f"3 apply + claim + finish, PostgreSQL {_TRIP:g} ms away"
    return [Figure(name, ours, floor, None, Goal("<=", _GOAL, "ours"), "SELECT 1")]


def _told(took: Sequence[_Took]) -> str:
    milliseconds = median(one.milliseconds for one in took)
    return f"{milliseconds:.1f} ms in {median(one.trips for one in took):g} round trips"


def _whole(story: Sequence[_Took]) -> float:
    return sum(part.milliseconds for part in story)


def _round(run: Run) -> tuple[list[list[_Took]], float]:
    """Return what each send took, part by part, and the milliseconds of the floor."""
    url, count = run.engines["PostgreSQL"](), run.scale.news + _WARM
    seed(url, count)
    known = conninfo_to_dict(url)
    with slow_network(f"{known['host']}/.s.PGSQL.5432", _TRIP) as network:
        away = open_database(f"postgresql://{known['user']}@127.0.0.1:{network.port}/{known['dbname']}")
        with closing(away), closing(open_database(url)) as near, closing(away.connect()) as connection:
            stories = []
            for number in range(count):
                stories.append(_story(away, network, number))
                _edit(near)
            connection.autocommit = True
            bare = [_timed(network, lambda: _select_one(connection))[1] for _ in range(count)]
    return stories[_WARM:], median(took.milliseconds for took in bare[_WARM:])


def _select_one(connection: Any) -> None:
    connection.execute("SELECT 1", prepare=True).fetchone()


def _story(database: Database, network: SlowNetwork, number: int) -> list[_Took]:
    """Store that a send was delivered, claim its reply, store that it was posted.

    Raises:
        ValueError: something else happened: nothing was measured.
    """
    body = callback(number, "DELIVERED").partition(b"\r\n\r\n")[2]
    heard = Heard(send_id(number), parse_report(body, source="callback", now=database.clock()), _QUIET_FOR)
    [applied], first = _timed(network, lambda: database.write(lambda tx: apply_many(tx, [heard])))
    [claimed], second = _timed(network, lambda: database.write(lambda tx: claim_threads(tx, [_CAPACITY])))
    if not applied.learnt or [task.step for task in claimed.items] != [Step.REPLY]:
        raise ValueError(f"send {number}: {applied} led to {claimed.items}")
    outcome = Outcome(claimed.items[0].thread.replied())
    [finished], third = _timed(network, lambda: database.write(lambda tx: finish_threads(tx, [outcome])))
    if not finished:
        raise ValueError(f"send {number}: its reply was not stored")
    return [first, second, third]


def _edit(database: Database) -> None:
    """Have the root say it, too, or the next claim finds that due."""
    [claimed] = database.write(lambda tx: claim_threads(tx, [_CAPACITY]))
    edits = [Outcome(task.thread.edited()) for task in claimed.items]
    database.write(lambda tx: finish_threads(tx, edits))


def _timed(network: SlowNetwork, work: Callable[[], T]) -> tuple[T, _Took]:
    trips, started = network.trips(), time.perf_counter()
    result = work()
    took = 1000 * (time.perf_counter() - started)
    return result, _Took(took, network.trips() - trips)
