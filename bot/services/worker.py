"""Level-triggered work: ask the database what is due, do it, ask again.

A wakeup makes it immediate, the time when the next thing is due makes it punctual, and a tick makes it certain. Nothing
is remembered here, so nothing is lost here.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from bot.domain.clock import Clock
from bot.errors import NotStored

_STANDSTILL = timedelta(seconds=60)
"""Work that could be done for so long while nobody took any stands still."""

Job = Callable[[], Awaitable[None]]
Claim = Callable[[int], Awaitable[tuple[list[Job], datetime | None]]]
"""Takes how many jobs there is capacity for; returns those claimed and when to ask again at the latest."""

_LONGEST_REST = 0.1
_PAUSE = 0.02

log = structlog.get_logger(__name__)


class Worker:
    """One kind of work, many jobs at a time.

    capacity: jobs at once. tick: seconds between two wakeups that come in any case. pause: seconds to wait after the
    database could not be asked. Between two questions it rests twice as long as the last one took: the first wakeup is
    answered at once, a flood of them leaves time to others.
    """

    def __init__(
        self,
        name: str,
        claim: Claim,
        wakeup: asyncio.Event,
        clock: Clock,
        *,
        capacity: int = 40,
        tick: float = 1,
        pause: float = 1,
    ) -> None:
        self.name = name
        self._claim = claim
        self._wakeup = wakeup
        self._clock = clock
        self._capacity = capacity
        self._pause = pause
        self._jobs: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None
        self._stopping = False
        self._failing_since: datetime | None = None
        self.busy_at = clock()
        """When work was claimed or done last, or might first have been."""
        self.patience = _STANDSTILL + timedelta(seconds=tick)

    def start(self) -> None:
        """Begin, in the running event loop."""
        self._loop = asyncio.create_task(self._run(), name=self.name)

    @property
    def problem(self) -> str:
        """Why nothing is done, or an empty string."""
        if self._loop is None or self._loop.done():
            return "it is not running"
        if self._failing_since is not None:
            return f"it has failed to ask the database for work since {self._failing_since:%H:%M:%S} UTC"
        return ""

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

    async def _run(self) -> None:
        while not self._stopping:
            self._wakeup.clear()
            claimed, wait = 0, None
            if (free := self.free) > 0:
                began = time.monotonic()
                claimed, wait = await self._round(free)
                await asyncio.sleep(min(2 * (time.monotonic() - began), _LONGEST_REST))
            if self._stopping:
                return
            if wait == 0 and not claimed:  # due, but not to be had: another process holds it
                wait = _PAUSE
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._wakeup.wait()

    async def _round(self, capacity: int) -> tuple[int, float | None]:
        try:
            jobs, soonest = await self._claim(capacity)
        except Exception as error:
            self._failing_since = self._failing_since or self._clock()
            known = isinstance(error, NotStored)
            log.error(  # noqa: TRY400 - the traceback only when it is a surprise
                "duty_cannot_claim", duty=self.name, error=str(error), exc_info=None if known else error
            )
            return 0, self._pause
        self._failing_since = None
        self.busy_at = self._clock() if jobs else self.busy_at
        self._begin(jobs)
        if soonest is None:
            return len(jobs), None
        return len(jobs), max(0.0, (soonest - self._clock()) / timedelta(seconds=1))

    @property
    def free(self) -> int:
        """How many more jobs there is capacity for: none while it is not running."""
        return 0 if self._loop is None or self._stopping else max(0, self._capacity - len(self._jobs))

    def begin(self, jobs: Sequence[Job]) -> None:
        """Do what somebody else has claimed for us, and ask for more."""
        self._begin(jobs)
        self._wakeup.set()

    def _begin(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            task = asyncio.create_task(self._do(job), name=f"{self.name} job")
            self._jobs.add(task)
            task.add_done_callback(self._done)

    async def _do(self, job: Job) -> None:
        try:
            await job()
        except NotStored as error:  # its lease will end, and the row comes back
            log.warning("outcome_not_stored", duty=self.name, error=str(error))

    def _done(self, task: asyncio.Task[None]) -> None:
        self._jobs.discard(task)
        self.busy_at = self._clock()
        self._wakeup.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("duty_failed", duty=self.name, exc_info=error)
