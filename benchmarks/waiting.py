"""Figure 5. What waiting costs: due work among a million stored sends, and asking again about ten thousand."""

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from benchmarks.databases import Sql, seed
from benchmarks.figures import Figure, Goal, Measured
from benchmarks.run import Run
from bot.domain.delivery import Delivery
from bot.storage import sql
from bot.storage.backlog import backlog
from bot.storage.claims import Capacity
from bot.storage.database import open_database
from bot.storage.engine import Database, Rows, Transaction
from bot.storage.forgetting import forget_many
from bot.storage.polls import PollCapacity, claim_polls
from bot.storage.postponing import unsent_since
from bot.storage.sends import claim_sends
from bot.storage.threads import claim_threads

T = TypeVar("T")

Question = Callable[[Transaction], object]

_CAPACITY = Capacity(40, lease=timedelta(minutes=1), interval=timedelta(seconds=1))
_POLLS = PollCapacity("polls", 40, wait=lambda send: timedelta(hours=1))
_AGE = timedelta(days=30)
_CHANNELS = 50
_TRIES = 3  # in each round; the quickest counts, what else the machine does does not

QUESTIONS: Mapping[str, Question] = {
    "announce": lambda tx: claim_threads(tx, [_CAPACITY]),
    "send": lambda tx: claim_sends(tx, [_CAPACITY]),
    "poll": lambda tx: claim_polls(tx, [_POLLS]),
    "unsent": lambda tx: unsent_since(tx, tx.now),
    "backlog": backlog,
    "forget, once a day": lambda tx: forget_many(tx, [_AGE]),
}
"""Everything that asks the database what is due."""


async def measure(run: Run) -> list[Figure]:
    """Measure both engines; filling them takes longest, so that is done at once."""
    filled = await asyncio.gather(*(asyncio.to_thread(_filled, run, engine) for engine in run.engines))
    measured = [
        await asyncio.to_thread(_measure, run, engine, databases)
        for engine, databases in zip(run.engines, filled, strict=True)
    ]
    return [figure for figures in measured for figure in figures]


def _filled(run: Run, engine: str) -> dict[str, Database]:
    databases = {}
    for name, count in (("few", run.scale.few_stored), ("many", run.scale.stored)):
        url = run.engines[engine]()
        seed(url, count, channels=_CHANNELS, delivery=Delivery.READ, due=run.scale.due, polled=run.scale.due)
        databases[name] = open_database(url)
    return databases


def _measure(run: Run, engine: str, databases: Mapping[str, Database]) -> list[Figure]:
    try:
        seen = _timed(databases, run.scale.rounds)
        unindexed = {name: without_index(databases["many"], question) for name, question in QUESTIONS.items()}
    finally:
        for database in databases.values():
            database.close()
    for name, plans in unindexed.items():
        run.notes.extend(f"{engine}, {name}: reads a whole table ({plan})." for plan in plans)
    against = f"{run.scale.few_stored:,} stored"
    figures = []
    for name in QUESTIONS:
        few, many = (Measured(tuple(seen[size, name]), "ms") for size in databases)
        title = f"5 due work among {run.scale.stored:,}, {engine}: {name}"
        figures.append(Figure(title, many, few, None, Goal("<=", 1.3), against))
    missing = Measured((sum(map(len, unindexed.values())),), "statements")
    return [*figures, Figure(f"5 due work without an index, {engine}", missing, goal=Goal("<=", 0, "ours"))]


def _timed(databases: Mapping[str, Database], rounds: int) -> dict[tuple[str, str], list[float]]:
    """Return milliseconds by (database, question); one round of each first, to warm caches."""
    seen: dict[tuple[str, str], list[float]] = defaultdict(list)
    for number in range(rounds + 1):
        for name, question in QUESTIONS.items():
            for size, database in databases.items():
                best = min(_once(database, question) for _ in range(_TRIES))
                if number:
                    seen[size, name].append(best * 1000)
    return seen


_ANSWERED = Sql("SELECT 1 AS one")
"""PostgreSQL gets statements before it has answered those before them: this one's answer is the last."""


def _once(database: Database, question: Question) -> float:
    def timed(tx: Transaction) -> float:
        _ = tx.now  # it has begun
        started = time.perf_counter()
        question(tx)
        tx.ask(_ANSWERED).value()
        return time.perf_counter() - started

    return _undone(database, timed)


class _TakenBack(Exception):  # noqa: N818 - no error
    """So that the next one finds everything as it was."""


def _undone(database: Database, work: Callable[[Transaction], T]) -> T:
    done: list[T] = []

    def undone(tx: Transaction) -> None:
        done.append(work(tx))
        raise _TakenBack

    with suppress(_TakenBack):
        database.write(undone)
    return done[0]


class _Noting:
    """A transaction that notes each statement, with its first values."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self.alone = tx.alone
        self.asked: dict[sql.Sql, Mapping[str, Any]] = {}

    @property
    def now(self) -> datetime:
        return self._tx.now

    def ask(self, statement: sql.Sql, **values: Any) -> Rows:
        self.asked.setdefault(statement, values)
        return self._tx.ask(statement, **values)

    def do(self, statement: sql.Sql, **values: Any) -> None:
        self.asked.setdefault(statement, values)
        self._tx.do(statement, **values)

    def each(self, statement: sql.Sql, rows: Sequence[Mapping[str, Any]], **values: Any) -> Rows:
        if rows:
            first = rows[0] if self.alone else {name: [row[name] for row in rows] for name in rows[0]}
            self.asked.setdefault(statement, {**first, **values})
        return self._tx.each(statement, rows, **values)


def without_index(database: Database, question: Question) -> list[str]:
    """Return the plan's line for each statement that reads all of one of the large tables."""

    def noted(tx: Transaction) -> dict[sql.Sql, Mapping[str, Any]]:
        noting = _Noting(tx)
        question(cast("Transaction", noting))
        return noting.asked

    asked = _undone(database, noted)
    with closing(database.connect()) as connection:
        lines = [line for statement, values in asked.items() for line in _plan(database, connection, statement, values)]
    return [line for line in lines if _reads_all(line)]


def _plan(database: Database, connection: Any, statement: sql.Sql, values: Mapping[str, Any]) -> list[str]:
    on_sqlite = database.one_process
    text = f"EXPLAIN QUERY PLAN {statement.sqlite}" if on_sqlite else f"EXPLAIN {statement.postgresql}"
    return [str(row[-1]).strip() for row in connection.execute(text, values)]


def _reads_all(line: str) -> bool:
    scans = re.search(r"\bSCAN (sends|messages|threads|conversations|reports)\b", line) and "INDEX" not in line
    return bool(scans or re.search(r"Seq Scan on (sends|messages|threads|conversations|reports)\b", line))
