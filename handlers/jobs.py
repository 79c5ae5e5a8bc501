"""APScheduler's ticks, in every process: what is due is claimed in the database, so two schedulers do nothing twice."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.domain.clock import Clock
from bot.errors import NotStored
from bot.services.sweeping import Sweeping

log = structlog.get_logger(__name__)

_TICK = 1.0  # seconds; wakeups make work immediate, this makes it certain


@dataclass
class Jobs:
    sweeping: Sweeping
    wakeups: Sequence[asyncio.Event]  # set every second
    quiet: Sequence[asyncio.Event]  # set every `repoll_interval` seconds
    clock: Clock
    repoll_interval: float

    def __post_init__(self) -> None:
        self._sweeps = asyncio.Lock()
        self._scheduler = AsyncIOScheduler(timezone="UTC", job_defaults={"misfire_grace_time": None})

    def start(self) -> None:
        every = self.repoll_interval
        self._scheduler.add_job(_wake, "interval", [self.quiet], seconds=every, jitter=every / 10, id="repoll")
        self._scheduler.add_job(self._sweep, "interval", seconds=max(_TICK, every), id="sweep")
        self._scheduler.add_job(self.sweeping.forget, "cron", hour=3, jitter=600, id="forget")
        self._scheduler.add_job(self.sweeping.forget, id="forget at start")  # it may not have run in the night
        self._scheduler.add_job(_wake, "interval", [self.wakeups], seconds=_TICK, id="tick")
        self._scheduler.add_listener(self._ran, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
        self._last_ran = self.clock()
        self._scheduler.start()
        self._watcher = asyncio.create_task(self._watch(), name="scheduler watch")

    async def stop(self, *, grace: float) -> None:
        """Tick no more, and give a running sweep `grace` seconds: the scheduler itself would cancel it."""
        if self._scheduler.running:
            self._watcher.cancel()
            self._scheduler.pause()
            await asyncio.wait([asyncio.create_task(self._sweeps.acquire())], timeout=grace)
            self._scheduler.shutdown(wait=False)

    @property
    def problem(self) -> str:
        """Why nothing is ticking, or an empty string."""
        if not self._scheduler.running:
            return "the scheduler is not running"
        silence = self.clock() - self._last_ran
        return f"the scheduler has not run for {silence}" if silence > timedelta(seconds=_TICK * 30) else ""

    async def _watch(self) -> None:
        """Tick on after the wall clock, which the scheduler follows, was set back; ours never is."""
        while True:
            await asyncio.sleep(_TICK)
            if self.clock() - self._last_ran > timedelta(seconds=_TICK * 3):
                for job in ("repoll", "sweep", "tick"):
                    self._scheduler.modify_job(job, next_run_time=datetime.now(UTC))

    async def _sweep(self) -> None:
        async with self._sweeps:
            await self.sweeping.once()

    def _ran(self, event: JobExecutionEvent) -> None:
        self._last_ran, error = self.clock(), event.exception
        if isinstance(error, NotStored) and event.job_id == "sweep":
            log.warning("sweep_waits_for_database", error=str(error))
        elif isinstance(error, NotStored):
            log.warning("forgetting_waits_for_database", error=str(error))
        elif error is not None and not isinstance(error, asyncio.CancelledError):
            log.error("job_failed", job=event.job_id, error=type(error).__name__, exc_info=error)


async def _wake(wakeups: Sequence[asyncio.Event]) -> None:
    for wakeup in wakeups:
        wakeup.set()
