"""The database of a simulated world: the real tables, storage functions and transactions, in memory, with no thread.

A `Ledger` stands where a process has its `Store`. Each call has two places at which the scheduler may do something
else or kill the process: before the commit, and after it but before the answer.
"""

import atexit
import types
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import StaticPool, create_engine

from bot.errors import MaybeStored, NotStored
from bot.storage.engine import Transaction
from bot.storage.migrations.tables import metadata
from bot.storage.sqlite import SqliteTransaction, add_digest, sqlite3, within
from bot.storage.timekeeping import keep_time
from bot.storage.writer import Writer, _Entry

if TYPE_CHECKING:
    from tests.chaos.simulation.world import Job, World


@dataclass(frozen=True, slots=True)
class Point:
    """A place where a job stands still. until: a request on its way has arrived by then, whoever sleeps meanwhile."""

    name: str
    until: datetime | None = None
    others: Sequence["Job"] = ()


@types.coroutine
def at(point: Point) -> Generator[Point, None, None]:
    """Let the scheduler decide what happens next."""
    yield point


@cache
def shelf() -> Any:
    """Return the one database of this test process; every world begins by emptying it."""
    raw = sqlite3.connect(":memory:", check_same_thread=False, cached_statements=500, isolation_level=None)
    add_digest(raw)
    atexit.register(raw.close)
    raw.execute("PRAGMA foreign_keys=ON")
    metadata.create_all(create_engine("sqlite://", poolclass=StaticPool, creator=lambda: raw))
    raw.execute("INSERT INTO keys (name, value) VALUES ('opt_outs', 'salt')")
    return raw


def emptied() -> Any:
    """Return the database with nothing in it."""
    raw = shelf()
    if raw.in_transaction:  # the seed before this one may have failed in the middle of one
        raw.execute("ROLLBACK")
    for table in reversed(metadata.sorted_tables):
        if table.name != "keys":
            raw.execute(f"DELETE FROM {table.name}")
    return raw


@dataclass(frozen=True, slots=True)
class Record:
    """One piece of work that was handed to the database, and what became of it."""

    kind: str
    item: Any
    outcome: Any
    error: Exception | None


class _Answer:
    """What the writer hears of an entry's future, and of the loop it belongs to."""

    def __init__(self) -> None:
        self.over = False

    def done(self) -> bool:
        return self.over

    def set_result(self, _: object) -> None:
        self.over = True

    set_exception = set_result

    def is_closed(self) -> bool:
        return False

    def call_soon_threadsafe(self, function: Callable[..., None], *arguments: Any) -> None:
        function(*arguments)


class _Within:
    """A ledger's database, as its writer sees it."""

    error = sqlite3.Error

    def __init__(self, ledger: "Ledger") -> None:
        self.write = ledger.transact
        self.one_process = ledger.one_process

    def is_away(self, error: Exception) -> bool:
        return isinstance(error, sqlite3.OperationalError)

    def is_passing(self, _: Exception) -> bool:
        return False


class Ledger:
    """One process's door to the shared database, as `Store` is; the transactions are the real writer's own."""

    def __init__(self, world: "World", connection: Any) -> None:
        self._world = world
        self._queue: list[_Entry] = []
        self._connection = connection
        self.one_process = world.alone
        self._writer = Writer(_Within(self))  # never started: its transactions are called by name
        self.dead = False
        self.clock = lambda: world.stored_now

    def transact(self, work: Callable[[Transaction], Any]) -> Any:
        """What `Database.write` does: here there is one connection, which stays open. An outage shows here."""
        if self._world.database_away:
            raise sqlite3.OperationalError("away")
        with within(self._connection, "BEGIN"):
            return work(SqliteTransaction(self._connection, self.clock))

    async def keep_time(self) -> None:
        """See `Store.keep_time`."""
        await self.write(keep_time, None)

    def age(self, at: datetime) -> timedelta:
        """See `Store.age`."""
        return max(timedelta(0), self._world.stored_now - at)

    async def write(self, work: Any, item: Any, *, patience: float | None = None) -> Any:
        """See `Store.write`."""
        answer, since = _Answer(), self._world.now
        entry = _Entry(work, item, answer, answer)  # type: ignore[arg-type]
        self._queue.append(entry)
        await at(Point(f"to store {work.__name__}"))
        if not answer.over and patience is not None and (self._world.now - since).total_seconds() > patience:
            self._queue.remove(entry)
            raise NotStored("busy")
        maybe = False
        if not answer.over:
            maybe = self._store([entry, *self._company(entry)])
        await at(Point(f"stored {work.__name__}"))
        if entry.error is not None:
            raise entry.error
        if maybe:
            raise MaybeStored("the connection broke in the commit")
        return entry.outcome

    async def write_until_stored(self, work: Any, item: Any) -> Any:
        """See `Store.write_until_stored`."""
        while True:
            try:
                return await self.write(work, item)
            except NotStored:
                await at(Point("waits for the database"))

    async def read(self, question: Callable[[Transaction], Any]) -> Any:
        """See `Store.read`."""
        await at(Point("to read"))
        if self._world.database_away:
            raise NotStored("away")
        with within(self._connection, "BEGIN"):
            return question(SqliteTransaction(self._connection, self.clock))

    def at_once(self, work: Any, item: Any) -> None:
        """Store something before the process begins."""
        answer = _Answer()
        self._store([_Entry(work, item, answer, answer)])  # type: ignore[arg-type]

    def _company(self, entry: _Entry) -> list[_Entry]:
        """Group commit: now and then whatever else waits goes along."""
        others = [other for other in self._queue if other is not entry]
        return others if others and self._world.dice.random() < 0.4 else []

    def _store(self, batch: list[_Entry]) -> bool:
        assert not self.dead, "a dead process stored something"
        self._queue = [entry for entry in self._queue if entry not in batch]
        batch = [entry for entry in batch if entry.take()]
        self._writer._store(batch)
        self._world.tell(f"stored {', '.join(entry.work.__name__ for entry in batch)}")
        self._world.watch.committed([Record(e.work.__name__, e.item, e.outcome, e.error) for e in batch])
        return not self._world.alone and not self._world.honest and self._world.dice.random() < 0.004
