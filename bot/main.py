"""The composition root: the only place that wires. `create_app(settings)` is the whole service as one ASGI app."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette
from starlette.routing import Route

from bot.domain.clock import Clock, steady_clock
from bot.errors import BadSettings
from bot.logs import bolt_logger, quiet_bolt
from bot.sendblue.client import Sendblue
from bot.services.announcing import Announcing
from bot.services.deciding import Deciding
from bot.services.duty import Duty
from bot.services.looking import Looking
from bot.services.permitting import Permitting
from bot.services.sending import Sending
from bot.services.sweeping import Sweeping
from bot.services.tracking import Tracking
from bot.settings import Settings
from bot.slack.notifier import Notifier
from bot.storage import schema
from bot.storage.database import Database
from bot.storage.store import Store
from handlers.callbacks import Callbacks, CallbackTokens
from handlers.commands import Commands
from handlers.events import register_events
from handlers.guard import Guard
from handlers.health import Health
from handlers.interactions import Interactions
from handlers.jobs import Jobs

log = structlog.get_logger(__name__)

_GRACE = 6  # seconds for calls in flight when stopping; the whole stop stays below ten


class House:
    """Everything that lives as long as the process."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None, chance: random.Random | None = None) -> None:
        self._settings = settings
        dice = (chance or random.SystemRandom()).random
        self.working = False
        self.announce, self.send = asyncio.Event(), asyncio.Event()
        self.database = open_database(settings, clock)
        self.store = Store(self.database)
        self.clock = self.store.clock
        self.notifier = Notifier(settings.slack_api_url, settings.slack_bot_token.get_secret_value())
        self.sendblue = Sendblue(
            settings.sendblue_api_url,
            settings.sendblue_api_key_id.get_secret_value(),
            settings.sendblue_api_secret_key.get_secret_value(),
            timeout=settings.sendblue_timeout,
            clock=self.clock,
        )
        self.tokens = CallbackTokens(settings.public_url, settings.callback_secrets)
        self.tracking = Tracking(self.store, (self.announce, self.send), stale_after=settings.stale_after, chance=dice)
        self.sending = Sending(
            self.store,
            self.sendblue,
            self.tracking,
            self.announce,
            default_line=settings.lines[0],
            interval=settings.sendblue_send_interval,
            within=settings.send_within,
            timeout=settings.sendblue_timeout,
            callback_url=self.tokens.url,
            chance=dice,
        )
        self.permitting = Permitting(self.notifier, self.clock, settings.rules)
        self.announcing = Announcing(
            self.store,
            self.notifier,
            self.tracking,
            self.permitting,
            self.send,
            interval=settings.slack_post_interval,
            watched_for=settings.watch_for,
            chance=dice,
        )
        self.deciding = Deciding(self.store, self.notifier, self.permitting, (self.announce, self.send))
        self.sweeping = Sweeping(
            self.store,
            self.sendblue,
            self.tracking,
            stale_after=settings.stale_after,
            watch_for=settings.watch_for,
            doubt_window=settings.doubt_window,
            send_within=settings.send_within,
            keep_text_for=settings.keep_text_for,
            chance=dice,
        )
        self.duties = (
            Duty("announcing", self.announcing.claim, self.announce, self.clock),
            Duty("sending", self.sending.claim, self.send, self.clock),
        )
        self.jobs = Jobs(
            self.sweeping, (self.announce, self.send), self.clock, repoll_interval=settings.repoll_interval
        )

    @asynccontextmanager
    async def open(self, *, working: bool) -> AsyncIterator[None]:
        """Take the database, bring it up to date, do the work until left. working: or leave it to other processes."""
        self.database.take()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.store.close)
            if self.database.serves_one_process:
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
        for duty in self.duties:
            duty.start()
        self.jobs.start()

    async def _rest(self) -> None:
        await asyncio.gather(self.jobs.stop(grace=_GRACE), *(duty.stop(grace=_GRACE) for duty in self.duties))

    async def readiness(self) -> Mapping[str, str]:
        """Return what is checked → why it is not well, or ""."""
        checks = {"database": await self.store.ready()}
        if self.working:
            checks["scheduler"] = self.jobs.problem
            checks |= {duty.name: duty.problem for duty in self.duties}
        return checks


def open_database(settings: Settings, clock: Clock | None = None) -> Database:
    """Return the database of these settings, not connected yet."""
    return Database(
        settings.database_url,
        clock or steady_clock(),
        pool_size=settings.database_pool_size,
        statement_timeout=settings.database_statement_timeout,
    )


def migrate(database: Database) -> None:
    """Bring the database up to this code's schema. Needs the database's lock.

    Raises:
        BadSettings: the database is newer than this code, or cannot be reached.
    """
    try:
        with database.writing.begin() as connection:
            if schema.problem(connection):
                schema.upgrade(connection)
    except OperationalError as error:
        raise BadSettings(f"DATABASE_URL: the database cannot be used ({type(error.orig).__name__})") from None


def probe(settings: Settings) -> None:
    """Raise BadSettings now, with a sentence, for what would be a traceback later."""
    database = open_database(settings)
    try:
        database.take()
        if not database.serves_one_process:
            with database.reading.connect() as connection:
                if problem := schema.problem(connection):
                    raise BadSettings(f"DATABASE_URL: {problem}")
    except OperationalError as error:
        raise BadSettings(f"DATABASE_URL: the database cannot be reached ({type(error.orig).__name__})") from None
    finally:
        database.close()


async def work_until_stopped(settings: Settings) -> None:
    """Do the background work alone until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with House(settings).open(working=True):
        await stopped.wait()


def create_app(settings: Settings, *, clock: Clock | None = None) -> Starlette:
    """Return the service: doors and background work, alive between the ASGI lifespan's start and end."""
    house = House(settings, clock=clock)
    looking = Looking(house.store, watched_for=settings.watch_for)
    callbacks = Callbacks(
        house.tracking,
        house.tokens,
        house.clock,
        webhook_secrets=settings.webhook_secrets,
    )
    health = Health(house.readiness, looking.backlog)
    guard = Guard(_bolt(settings, house, looking), settings.slack_signing_secret.get_secret_value())

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.house = house
        async with house.open(working=settings.web_also_works):
            yield

    return Starlette(
        routes=[
            Route("/slack/events", guard.events, methods=["POST"]),
            Route("/sendblue/status/{message_id}/{token}", callbacks.status, methods=["POST"]),
            Route("/healthz", health.healthz),
            Route("/readyz", health.readyz),
            Route("/metrics", health.metrics),
        ],
        lifespan=lifespan,
    )


def _bolt(settings: Settings, house: House, looking: Looking) -> AsyncApp:
    token = settings.slack_bot_token.get_secret_value()

    async def authorize(**_: object) -> AuthorizeResult:
        # Bolt's own way asks Slack on the first request, before the listener and its ack.
        return AuthorizeResult(enterprise_id=None, team_id=None, bot_token=token)

    app = AsyncApp(
        signing_secret=settings.slack_signing_secret.get_secret_value(),
        authorize=authorize,
        process_before_response=True,  # handlers only store and ack, so the answer need not be polled for
        logger=bolt_logger(),
    )
    quiet_bolt()
    Commands(house.sending, house.permitting, looking, region=settings.default_region, lines=settings.lines).register(
        app
    )
    Interactions(house.deciding).register(app)
    register_events(app)
    return app
