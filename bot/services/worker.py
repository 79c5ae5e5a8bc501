"""Level-triggered work: ask the database what is due, do it, ask again.

A wakeup makes it immediate, the time when the next thing is due makes it punctual, and a tick makes it certain. Nothing
is remembered here, so nothing is lost here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.domain.clock import Clock, elapsed
from bot.errors import NotStored

log = structlog.get_logger(__name__)

Job = Callable[[], Coroutine[Any, Any, None]]
# Takes how many jobs there is capacity for; returns those claimed and when to ask again at the latest.
Claim = Callable[[int], Awaitable[tuple[list[Job], datetime | None]]]

_CAPACITY = 40  # jobs at once
_STANDSTILL = timedelta(seconds=60)  # work that could be done for so long while nobody took any stands still
_LONGEST_REST = 0.1  # seconds, like the two below
_HELD_BY_ANOTHER = 0.02  # until work that is due, but that another process holds, is asked for again
_AFTER_FAILURE = 1.0  # until a database that could not be asked is asked again


class Worker:
    """One kind of work, up to `capacity` jobs at a time.

    kind: as `Backlog` has it. tick: seconds between wakeups in any case.
    """

    def __init__(
        self,
        name: str,
        kind: str,
        claim: Claim,
        wakeup: asyncio.Event,
        clock: Clock,
        *,
        tick: float = 1,
        capacity: int = _CAPACITY,
    ) -> None:
        self.name, self.kind, self._capacity = name, kind, capacity
        self._claim, self._wakeup, self._clock = claim, wakeup, clock
        self._jobs: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None
        self._stopping = False
        self._failing_since: datetime | None = None
        self.busy_at = clock()  # when work was claimed or done last, or might first have been
        self._patience = _STANDSTILL + timedelta(seconds=tick)

    @property
    def problem(self) -> str:
        """Why this process does nothing, or an empty string."""
        if self._loop is None or self._loop.done():
            return "it is not running"
        if self._failing_since is not None:
            return f"it has failed to ask the database for work since {self._failing_since:%H:%M:%S} UTC"
        return ""

    def standstill(self, since: datetime | None) -> str:
        """Why nobody does work that could be done since then, or an empty string."""
        # Other processes may do it, too, so what counts is that it waits and that this one has taken none.
        if since is None or self._clock() - max(since, self.busy_at) < self._patience:
            return ""
        return f"work has been waiting since {since:%H:%M:%S} UTC and no process does it"

    def start(self) -> None:
        self._loop = asyncio.create_task(self._run(), name=self.name)

    async def _run(self) -> None:
        while not self._stopping:
            self._wakeup.clear()
            wait = None
            if (free := self.free) > 0:
                began = elapsed()
                wait = await self._round(free)
                # Twice as long as asking took: the first wakeup is answered at once, a flood leaves time to others.
                await asyncio.sleep(min(2 * (elapsed() - began), _LONGEST_REST))
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._wakeup.wait()

    @property
    def free(self) -> int:
        """How many more jobs there is capacity for: none while it is not running."""
        return 0 if self._loop is None or self._stopping else max(0, self._capacity - len(self._jobs))

    async def _round(self, capacity: int) -> float | None:
        """Claim and begin jobs; return in how many seconds to ask again (None: when woken)."""
        try:
            jobs, soonest = await self._claim(capacity)
        except Exception as error:
            self._failing_since = self._failing_since or self._clock()
            surprise = None if isinstance(error, NotStored) else error
            log.error("duty_cannot_claim", duty=self.name, error=str(error), exc_info=surprise)  # noqa: TRY400
            return _AFTER_FAILURE
        self._failing_since = None
        self.busy_at = self._clock() if jobs else self.busy_at
        self.begin(jobs)
        if soonest is None:
            return None
        wait = max(0.0, (soonest - self._clock()).total_seconds())
        return _HELD_BY_ANOTHER if wait == 0 and not jobs else wait

    def begin(self, jobs: Sequence[Job]) -> None:
        """Do what was claimed, by us or by somebody else for us."""
        for job in jobs:
            task = asyncio.create_task(job(), name=f"{self.name} job")
            self._jobs.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._jobs.discard(task)
        self.busy_at = self._clock()
        self._wakeup.set()
        error = None if task.cancelled() else task.exception()
        if isinstance(error, NotStored):  # its lease will end, and the row comes back
            log.warning("outcome_not_stored", duty=self.name, error=str(error))
        elif error is not None:
            log.error("duty_failed", duty=self.name, exc_info=error)

    async def stop(self, *, grace: float) -> None:
        """Claim nothing more, give running jobs `grace` seconds, then leave them to whoever finds them."""
        self._stopping = True  # not a cancellation: what a claim under way brings home must be done
        self._wakeup.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace):
                while under_way := self._under_way():
                    await asyncio.wait(under_way)
        for task in (left := self._under_way()):
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _under_way(self) -> list[asyncio.Task[None]]:
        return [task for task in (self._loop, *self._jobs) if task is not None and not task.done()]
