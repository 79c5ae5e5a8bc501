"""The door to the database: hand in a piece of work and await it, or read beside it."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot.errors import NotStored
from bot.storage.engine import Database, Item, Result, T, Transaction
from bot.storage.pacing import close_slots
from bot.storage.postponing import end_leases
from bot.storage.timekeeping import keep_time
from bot.storage.writer import Work, Writer

log = structlog.get_logger(__name__)

_PATIENCE = 1.0  # seconds until a silent database counts as away; the writer gives it one more
_PAUSE = 0.5
_LAST_WORD = 1.0
_LONGEST = 600.0


class Store:
    """One writer, several readers, one clock."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writer = Writer(database)
        self.write = self._writer.run
        self.clock = database.clock

    async def open(self) -> None:
        """Start writing. Where no other process can be alive, take over at once what a dead one left claimed."""
        self._writer.start()
        with suppress(NotStored):  # a busy database will be asked again; a process that does not start helps nobody
            await self.keep_time()  # and learn the database's
        if self._database.one_process:
            await self.write(end_leases, None)

    async def keep_time(self) -> None:
        """See `timekeeping`. To be called every now and then. Raises NotStored."""
        if back := await self.write(keep_time, None):
            log.warning("clock_was_set_back", seconds=round(back.total_seconds()))

    def age(self, at: datetime) -> timedelta:
        return max(timedelta(0), self.clock() - at)

    async def close(self) -> None:
        """Store what was handed in, then close everything; what takes longer than a second is broken off."""
        with ThreadPoolExecutor(1) as beside:  # the usual threads may all be reading
            loop = asyncio.get_running_loop()
            for _ in range(2):
                await loop.run_in_executor(beside, self._writer.stop, _LAST_WORD)
                self._database.hang_up()  # on whoever reads, and a writer that gets no answer
        self._database.close()

    async def erase(self) -> None:
        """Leave nothing in the database's files of what was overwritten or removed. Raises NotStored."""
        await self._reading(self._database.erase)

    async def write_until_stored(self, work: Work[Item, Result], item: Item) -> Result:
        """As `write`, and for ten minutes again while the database takes nothing.

        For what happened outside and would be forgotten otherwise. The work must not mind being done twice.
        """
        for _ in range(int(_LONGEST / _PAUSE)):
            with suppress(NotStored):
                return await self.write(work, item)
            await asyncio.sleep(_PAUSE)
        return await self.write(work, item)

    async def read(self, question: Callable[[Transaction], T]) -> T:
        """Ask something that changes nothing, off the event loop and beside the writer. Raises NotStored."""
        return await self._reading(partial(self._database.read, question))

    async def _reading(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except self._database.error as error:
            raise NotStored(type(error).__name__) from None

    async def ready(self) -> str:
        """Return why nothing could be stored, or an empty string."""
        if not self._writer.alive():
            return "the database writer has stopped"
        try:  # nothing but storing something proves it: a full disk can be read
            await self.write(_prove, None, patience=_PATIENCE)
        except NotStored as error:
            return f"the database does not store anything ({error})"
        return ""


def _prove(tx: Transaction, items: Sequence[None]) -> Sequence[None]:
    """Change one row that means nothing."""
    close_slots(tx, {"ready": tx.now})
    return items
