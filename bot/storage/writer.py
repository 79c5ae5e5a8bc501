"""One thread that writes, many that wait: everything that is waiting is stored with one commit.

A commit costs a disk flush, so a hundred callers that share one are served a hundred times faster than a hundred
that take turns. Work of one kind is handed to its function as a list, which can then use set-based statements.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from bot import metrics
from bot.errors import MaybeStored, NotStored
from bot.storage.engine import Database, Item, Result, Transaction

# Does one kind of work for all items in one transaction. Returns one result per item, in their order; they are looked
# at after the commit.
Work = Callable[[Transaction, Sequence[Item]], Iterable[Result]]

_LAST_PATIENCE = 1.0
_LARGEST_BATCH = 512

log = structlog.get_logger(__name__)


@dataclass(eq=False, slots=True)
class _Entry:
    work: Work[Any, Any]
    item: Any
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[Any]
    outcome: Any = None
    error: Exception | None = None
    _owned: threading.Lock = field(default_factory=threading.Lock)

    def take(self) -> bool:
        """Whoever calls this first owns the entry: the writer to do it, or the caller to give it up."""
        return self._owned.acquire(blocking=False)

    def lose_patience(self) -> None:
        """Give it up for good; once begun it gets a little more time."""
        if self.done.done():
            return
        if self.take():
            self.done.set_exception(NotStored("busy"))
        else:
            self.loop.call_later(_LAST_PATIENCE, self._lose_sight)

    def _lose_sight(self) -> None:
        if not self.done.done():  # begun, and neither done nor undone: nobody can know
            self.done.set_exception(MaybeStored("no answer"))


class Writer:
    """The only writer of the database in this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self.alive = self._thread.is_alive  # whether anything would be stored

    def start(self) -> None:
        self._thread.start()

    def stop(self, patience: float) -> None:
        """Finish what was handed in, then end the thread. Blocks for so many seconds at most."""
        self._queue.put(None)
        if self._thread.ident is not None:
            self._thread.join(patience)

    async def run(self, work: Work[Item, Result], item: Item, *, patience: float | None = None) -> Result:
        """Have one item stored; returns after the commit.

        After `patience` seconds without its turn the item is given up, for good; once begun it gets one more. Raises
        NotStored: it did not happen and will not happen later. MaybeStored: the database went silent in the middle.
        """
        loop = asyncio.get_running_loop()
        entry = _Entry(work, item, loop, loop.create_future())
        self._queue.put(entry)
        timer = None if patience is None else loop.call_later(patience, entry.lose_patience)
        try:
            result: Result = await entry.done
        finally:
            if timer is not None:
                timer.cancel()
        return result

    def _run(self) -> None:
        last = False
        while not last:
            batch = [self._queue.get()]
            while batch[-1] is not None and len(batch) < _LARGEST_BATCH and not self._queue.empty():
                batch.append(self._queue.get())
            last = batch[-1] is None
            self._store([entry for entry in batch if entry is not None and entry.take()])

    def _store(self, batch: list[_Entry]) -> None:
        # SQLite flushes once for everything. On PostgreSQL each kind has its own transaction, so that all processes
        # lock in one order (slots, threads, sends) and none waits for another in a circle.
        groups = [batch] if self._database.one_process else _by_kind(batch)
        for group in filter(None, groups):
            try:
                self._commit(group)
            except Exception as error:  # noqa: BLE001 - whatever it was, its callers must hear of it
                self._store_one_by_one(group, error)
        for loop in {entry.loop for entry in batch}:
            if not loop.is_closed():
                loop.call_soon_threadsafe(_tell_all, [entry for entry in batch if entry.loop is loop])

    def _store_one_by_one(self, batch: list[_Entry], error: Exception) -> None:
        """So that one poisonous item fails alone. A database that is away fails them all at once."""
        for entry in batch:
            if self._is_worth_repeating(error, batch):
                try:
                    self._commit([entry])
                    continue
                except Exception as own:  # noqa: BLE001
                    error = own
            log.warning("not_stored", kind=entry.work.__name__, error=type(error).__name__)
            metrics.not_stored.inc()
            entry.error = NotStored(type(error).__name__) if isinstance(error, self._database.error) else error

    def _is_worth_repeating(self, error: Exception, batch: list[_Entry]) -> bool:
        """An item may have spoilt it for the others; and two processes in each other's way are soon out of it."""
        if isinstance(error, MaybeStored) or self._database.is_away(error):
            return False
        return len(batch) > 1 or self._database.is_passing(error)

    def _commit(self, batch: list[_Entry]) -> None:
        groups, began = _by_kind(batch), time.perf_counter()

        def work(tx: Transaction) -> tuple[list[Iterable[Any]], Transaction]:
            return [group[0].work(tx, [entry.item for entry in group]) for group in groups], tx

        outcomes, tx = self._database.write(work)
        if tx.changes:
            metrics.batch_size.observe(len(batch))
            metrics.commit_seconds.observe(time.perf_counter() - began)
        for group, found in zip(groups, outcomes, strict=True):
            for entry, outcome in zip(group, found, strict=True):
                entry.outcome = outcome


def _by_kind(batch: list[_Entry]) -> list[list[_Entry]]:
    kinds: dict[Work[Any, Any], list[_Entry]] = {}
    for entry in batch:
        kinds.setdefault(entry.work, []).append(entry)
    return list(kinds.values())


def _tell_all(entries: list[_Entry]) -> None:
    for entry in entries:
        if entry.done.done():  # its caller was cancelled or lost patience meanwhile
            continue
        if entry.error is not None:
            entry.done.set_exception(entry.error)
        else:
            entry.done.set_result(entry.outcome)
