"""Everything that lives as long as the process, wired: neighbours, services, background work."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

import structlog

from bot.domain.backlog import Backlog
from bot.domain.backoff import Chance
from bot.domain.clock import Clock
from bot.errors import BadSettings, NotStored
from bot.sendblue.client import Sendblue
from bot.sendblue.tokens import CallbackTokens
from bot.services.accepting import Accepting
from bot.services.alarming import Alarming
from bot.services.announcing import Announcing
from bot.services.deciding import Deciding
from bot.services.permitting import Permitting
from bot.services.polling import Polling
from bot.services.queries import Queries
from bot.services.reaching import Identity, reach
from bot.services.sending import Sending
from bot.services.sweeping import Sweeping
from bot.services.tracking import Tracking
from bot.services.worker import Worker
from bot.settings import Settings
from bot.slack.notifier import Notifier
from bot.storage import schema
from bot.storage.condition import check_file
from bot.storage.database import identity, open_database, sqlite_file
from bot.storage.engine import Database
from bot.storage.store import Store
from handlers.jobs import Jobs

log = structlog.get_logger(__name__)

_KINDS = {"announcing": "announce", "sending": "send", "polling": "poll", "doubting": "doubt"}
"""Worker → how the backlog calls its work."""

SETTLE = 2.0
"""Seconds until what Slack has stored can be found there (see `Announcing`)."""

_GRACE = 6  # seconds for calls in flight when stopping; the whole stop stays below ten


class House:
    """Everything that lives as long as the process."""

    def __init__(
        self, settings: Settings, *, clock: Clock | None = None, chance: Chance | None = None, settle: float = SETTLE
    ) -> None:
        self._settings = settings
        self._settle = settle
        self._chance = chance or random.random
        self.working = False
        self.announce, self.send = asyncio.Event(), asyncio.Event()
        self.database = database_of(settings, clock)
        self.store = Store(self.database)
        self.clock = self.store.clock
        self.notifier = Notifier(settings.slack_api_url, settings.slack_bot_token.get_secret_value())
        self.sendblue = _sendblue(settings, self.clock)
        self.tokens = CallbackTokens(settings.public_url, settings.callback_secrets)
        self.identity = Identity(settings.callback_secrets[0], lambda: identity(settings.database_url))
        self.permitting = Permitting(self.notifier, self.clock, settings.rules)
        bells = (self.announce, self.send)
        self.tracking = Tracking(self.store, *bells, stale_after=settings.stale_after, chance=self._chance)
        self.queries = Queries(self.store, watched_for=settings.watch_for)
        self.alarming = self._alarming()
        self.deciding = Deciding(self.store, self.notifier, self.permitting)
        self.accepting = Accepting(self.store, default_line=settings.lines[0])
        self.sending = self._sending()
        self.announcing = self._announcing()
        self.polling, self.sweeping = self._polling(), self._sweeping()
        polls, doubts, every = asyncio.Event(), asyncio.Event(), settings.repoll_interval
        self.workers = (
            Worker("announcing", self.announcing.claim, self.announce, self.clock),
            Worker("sending", self.sending.claim, self.send, self.clock),
            Worker("polling", self.polling.claim_polls, polls, self.clock, tick=every),
            Worker("doubting", self.polling.claim_doubts, doubts, self.clock, tick=every),
        )
        self.jobs = Jobs(self.sweeping, bells, (polls, doubts), self.clock, repoll_interval=every)

    async def ring(self) -> None:
        """Have announced now, rather than at the next tick, what came in; texts leave once their thread is open."""
        self.announce.set()

    def _sending(self) -> Sending:
        return Sending(
            self.store,
            self.sendblue,
            self.tracking,
            interval=self._settings.sendblue_send_interval,
            within=self._settings.send_within,
            timeout=self._settings.sendblue_timeout,
            callback_url=self.tokens.url,
            chance=self._chance,
        )

    def _announcing(self) -> Announcing:
        return Announcing(
            self.store,
            self.notifier,
            self.tracking,
            self.permitting,
            self.send,
            interval=self._settings.slack_post_interval,
            watched_for=self._settings.watch_for,
            chance=self._chance,
            settle=self._settle,
        )

    def _alarming(self) -> Alarming:
        address = self._settings.public_url

        async def who_answers() -> str:
            return (await reach(address, self.identity))[0]

        channel = self._settings.alert_channel
        return Alarming(self.store, self.notifier, who_answers, channel=channel, public_url=address)

    def _polling(self) -> Polling:
        return Polling(
            self.store,
            self.sendblue,
            self.tracking,
            self.alarming,
            stale_after=self._settings.stale_after,
            watch_for=self._settings.watch_for,
            doubt_window=self._settings.doubt_window,
            chance=self._chance,
        )

    def _sweeping(self) -> Sweeping:
        return Sweeping(
            self.store,
            self.tracking,
            self.alarming,
            watch_for=self._settings.watch_for,
            doubt_window=self._settings.doubt_window,
            send_within=self._settings.send_within,
            keep_text_for=self._settings.keep_text_for,
        )

    @asynccontextmanager
    async def open(self, *, working: bool) -> AsyncIterator[None]:
        """Take the database, bring it up to date, do the work until left. working: or leave it to other processes."""
        self.database.take()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.store.close)
            if self.database.one_process:
                await asyncio.to_thread(migrate, self.database)
            await self.store.open()
            await stack.enter_async_context(self.notifier)
            await stack.enter_async_context(self.sendblue)
            stack.push_async_callback(self.deciding.close)
            if working:
                stack.push_async_callback(self._rest)
                self._work()
            log.info("opened", working=working)
            yield
            log.info("closing")

    def _work(self) -> None:
        self.working = True
        for worker in self.workers:
            worker.start()
        self.jobs.start()

    async def _rest(self) -> None:
        await asyncio.gather(self.jobs.stop(grace=_GRACE), *(worker.stop(grace=_GRACE) for worker in self.workers))

    async def readiness(self) -> tuple[dict[str, str], Backlog | None]:
        """Return what is checked → why it is not well, or "", and what waits (None: the database cannot say)."""
        checks, waiting = {"database": await self.store.ready()}, None
        if not checks["database"]:
            try:
                waiting = await self.queries.backlog()
                checks["schema"] = await self.store.read(schema.missing)
            except NotStored as error:
                checks["database"] = f"it cannot be read ({error})"
        if self.working:
            checks["scheduler"] = self.jobs.problem
        since = waiting.doable_since if waiting is not None else {}
        for worker in self.workers:
            own = worker.problem if self.working else ""
            checks[worker.name] = own or self._standstill(worker, since.get(_KINDS[worker.name]))
        return checks, waiting

    def _standstill(self, worker: Worker, since: datetime | None) -> str:
        """Others may do it too, so what counts is work that waits, and that we have taken none."""
        if since is None or self.clock() - max(since, worker.busy_at) < worker.patience:
            return ""
        return f"work has been waiting since {since:%H:%M:%S} UTC and no process does it"


def _sendblue(settings: Settings, clock: Clock) -> Sendblue:
    return Sendblue(
        settings.sendblue_api_url,
        settings.sendblue_api_key_id.get_secret_value(),
        settings.sendblue_api_secret_key.get_secret_value(),
        timeout=settings.sendblue_timeout,
        clock=clock,
    )


def database_of(settings: Settings, clock: Clock | None = None) -> Database:
    """Return the database of these settings, not connected yet."""
    return open_database(
        settings.database_url,
        clock,
        pool_size=settings.database_pool_size,
        statement_timeout=settings.database_statement_timeout,
    )


def migrate(database: Database) -> None:
    """Bring the database up to this code's schema. Needs the database's lock.

    Raises:
        BadSettings: the database is newer than this code, or damaged.
        NotStored: it cannot be reached or used.
    """
    try:
        if database.write(schema.problem):
            from bot.storage.migrations import SQLAlchemyError, upgrade  # noqa: PLC0415 - 25 MiB that few starts need

            try:
                upgrade(database)
            except SQLAlchemyError as error:
                raise _unusable(getattr(error, "orig", None) or error) from None
    except database.error as error:
        raise _unusable(error) from None


def bring_up(settings: Settings) -> None:
    """Bring the database of these settings up to date, as whoever owns it. Raises as `migrate`."""
    database = database_of(settings)
    database.take()
    try:
        if (file := sqlite_file(settings.database_url)) is not None:
            check_file(file)
        migrate(database)
    finally:
        database.close()


def probe(settings: Settings) -> None:
    """Bring a SQLite file up to date, look whether PostgreSQL is; raise now what would be a traceback later.

    Raises as `migrate`.
    """
    if settings.database_url.startswith("sqlite"):
        bring_up(settings)
        return
    database = database_of(settings)
    try:
        if problem := database.write(schema.problem):
            raise BadSettings(f"DATABASE_URL: {problem}")
    except database.error as error:
        raise _unusable(error) from None
    finally:
        database.close()


def _unusable(error: BaseException) -> NotStored:
    """Name the kind of failure, without the address and password that its message may repeat."""
    return NotStored(f"the database cannot be used ({type(error).__name__}): check DATABASE_URL, or try again")
