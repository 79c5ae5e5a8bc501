"""Figure 5. What waiting costs: due work among a million stored messages, and asking again about ten thousand."""

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

from bot.storage.announcements import claim_threads
from bot.storage.attempts import claim_sends, unsent_since
from bot.storage.prepared import Form, Row
from sqlalchemy import Connection, event

from benchmarks.databases import seed
from benchmarks.figures import Figure, Goal, Measured
from benchmarks.run import Run
from bot.domain.clock import steady_clock
from bot.domain.delivery import Delivery
from bot.storage.backlog import backlog
from bot.storage.claims import Ask
from bot.storage.database import Database
from bot.storage.forgetting import forget_many
from bot.storage.polls import PollAsk, claim_polls

Question = Callable[[Connection, datetime], object]

_ASK = Ask(room=40, lease=timedelta(minutes=1), interval=timedelta(seconds=1))
_POLL = PollAsk("polls", room=40, wait=lambda message: timedelta(hours=1))
_AGE = timedelta(days=30)
_CHANNELS = 50
_TRIES = 3  # in each round; the quickest counts, what else the machine does does not

QUESTIONS: Mapping[str, Question] = {
    "announce": lambda connection, now: claim_threads(connection, now, [_ASK]),
    "send": lambda connection, now: claim_sends(connection, now, [_ASK]),
    "poll": lambda connection, now: claim_polls(connection, now, [_POLL]),
    "unsent": unsent_since,
    "backlog": backlog,
    "forget, once a day": lambda connection, now: forget_many(connection, now, [_AGE]),
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
        databases[name] = Database(url, steady_clock())
    return databases


def _measure(run: Run, engine: str, databases: Mapping[str, Database]) -> list[Figure]:
    try:
        seen = _timed(databases, run.scale.rounds)
        unindexed = {name: _without_index(databases["many"], question) for name, question in QUESTIONS.items()}
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


def _once(database: Database, question: Question) -> float:
    with _undone(database) as (connection, now):
        started = time.perf_counter()
        question(connection, now)
        return time.perf_counter() - started


@contextmanager
def _undone(database: Database) -> Iterator[tuple[Connection, datetime]]:
    with database.writing.connect() as connection, connection.begin() as transaction:
        yield connection, database.begin(connection)
        transaction.rollback()


def _without_index(database: Database, question: Question) -> list[str]:
    """Return the plan's line for each statement that reads all of `messages`, `threads` or `reports`."""
    statements: dict[str, Any] = {}
    run = Form.run

    def note(_c: object, _cursor: object, statement: str, parameters: Any, _x: object, many: bool) -> None:  # noqa: FBT001
        statements.setdefault(statement, parameters[0] if many else parameters)

    def noted(form: Form, connection: Connection, parameters: Any, *, many: bool = False) -> list[Row]:
        note(None, None, form.sql, parameters, None, many)
        return run(form, connection, parameters, many=many)

    with _undone(database) as (connection, now), patch.object(Form, "run", noted):  # prepared ones go their own way
        event.listen(database.writing, "before_cursor_execute", note)
        question(connection, now)
        event.remove(database.writing, "before_cursor_execute", note)
    asked = {s: p for s, p in statements.items() if s.lstrip().startswith(("SELECT", "UPDATE", "WITH"))}
    explain = "EXPLAIN QUERY PLAN" if database.serves_one_process else "EXPLAIN"
    with _undone(database) as (connection, _):
        rows = [row for s, p in asked.items() for row in connection.exec_driver_sql(f"{explain} {s}", p)]
    return [line for row in rows for line in [str(row[-1]).strip()] if _reads_all(line)]


def _reads_all(line: str) -> bool:
    scans = re.search(r"\bSCAN (messages|threads|reports)\b", line) and "INDEX" not in line
    return bool(scans or re.search(r"Seq Scan on (messages|threads|reports)\b", line))
