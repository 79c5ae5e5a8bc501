"""The composition root: the only place that wires. `create_app(settings)` is the whole service as one ASGI app."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from starlette.applications import Starlette
from starlette.routing import Route

from bot.domain.clock import Clock, steady_clock
from bot.logs import bolt_logger, quiet_bolt
from bot.sendblue.client import Sendblue
from bot.services.announcing import Announcing
from bot.services.duty import Duty
from bot.services.looking import Looking
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
from handlers.jobs import Jobs

log = structlog.get_logger(__name__)

_GRACE = 6  # seconds for calls in flight when stopping; the whole stop stays below ten


class House:
    """Everything that lives as long as the process."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None, chance: random.Random | None = None) -> None:
        self._settings = settings
        dice = (chance or random.SystemRandom()).random
        self.clock = clock or steady_clock()
        self.announce, self.send = asyncio.Event(), asyncio.Event()
        self.database = Database(settings.database_url)
        self.store = Store(self.database, self.clock)
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
            timeout=settings.sendblue_timeout,
            callback_url=self.tokens.url,
            chance=dice,
        )
        self.announcing = Announcing(
            self.store,
            self.notifier,
            self.tracking,
            self.send,
            interval=settings.slack_post_interval,
            watched_for=settings.watch_for,
            chance=dice,
        )
        self.sweeping = Sweeping(
            self.store,
            self.sendblue,
            self.tracking,
            stale_after=settings.stale_after,
            watch_for=settings.watch_for,
            send_within=settings.send_within,
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
    async def open(self) -> AsyncIterator[None]:
        """Take the database, bring it up to date, do the work until left."""
        self.database.take()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.store.close)
            await asyncio.to_thread(migrate, self.database)
            await self.store.open()
            await stack.enter_async_context(self.notifier)
            await stack.enter_async_context(self.sendblue)
            for duty in self.duties:
                duty.start()
            self.jobs.start()
            log.info("opened")
            yield
            log.info("closing")
            ends = [duty.stop(grace=_GRACE) for duty in self.duties]
            await asyncio.gather(self.jobs.stop(grace=_GRACE), *ends)

    async def readiness(self) -> Mapping[str, str]:
        """Return what is checked → why it is not well, or ""."""
        problems = {duty.name: duty.problem for duty in self.duties}
        return {"database": await self.store.ready(), "scheduler": self.jobs.problem, **problems}


def migrate(database: Database) -> None:
    """Bring the database up to this code's schema. Needs the database's lock."""
    with database.writing.begin() as connection:
        if schema.missing(connection):
            schema.upgrade(connection)


def create_app(settings: Settings, *, clock: Clock | None = None) -> Starlette:
    """Return the service: doors and background work, alive between the ASGI lifespan's start and end."""
    house = House(settings, clock=clock)
    looking = Looking(house.store, watched_for=settings.watch_for)
    callbacks = Callbacks(
        house.tracking,
        house.tokens,
        house.clock,
        webhook_secret=settings.sendblue_webhook_secret.get_secret_value(),
    )
    health = Health(house.readiness, looking.backlog)
    guard = Guard(_bolt(settings, house, looking), settings.slack_signing_secret.get_secret_value())

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.house = house
        async with house.open():
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
    Commands(house.sending, looking, region=settings.default_region, lines=settings.lines).register(app)
    register_events(app)
    return app
