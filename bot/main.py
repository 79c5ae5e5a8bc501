"""The doors: `create_app(settings)` is the whole service as one ASGI app; `work_until_stopped`, the work alone."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from starlette.routing import BaseRoute, Route, Router
from starlette.types import Lifespan, Receive, Scope, Send

from bot.domain.clock import Clock
from bot.house import SETTLE, House
from bot.logs import bolt_logger
from bot.settings import Settings
from handlers.callbacks import Callbacks
from handlers.commands import Commands
from handlers.events import register_events
from handlers.guard import Guard
from handlers.health import Health
from handlers.http import Counted
from handlers.interactions import Interactions
from handlers.webhook import Webhook


async def work_until_stopped(settings: Settings) -> None:
    """Do the background work alone until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with House(settings).open(working=True):
        await stopped.wait()


class App(Router):
    """The routes, of which the first is tried before Starlette does anything: most requests are for it."""

    def __init__(self, house: House, first: Route, *others: BaseRoute, lifespan: Lifespan[None]) -> None:
        super().__init__([first, *others], lifespan=lifespan)
        self.house = house
        self._first = first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or begin and end with the server."""
        if scope["type"] == "http" and scope["method"] == "POST" and self._first.path_regex.match(scope["path"]):
            await self._first.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(settings: Settings, *, clock: Clock | None = None, settle: float = SETTLE) -> App:
    """Return the service: doors and background work, alive between the ASGI lifespan's start and end."""
    house = House(settings, clock=clock, settle=settle)
    callbacks = Callbacks(house.tracking, house.tokens, house.clock, webhook_secrets=settings.webhook_secrets)
    webhook = Webhook(house.tracking, house.clock, secrets=settings.webhook_secrets)
    health = Health(
        house.readiness,
        house.queries.backlog,
        house.clock,
        prove=house.identity.prove,
        metrics_token=settings.metrics_token.get_secret_value(),
    )
    guard = Guard(_bolt(settings, house), settings.slack_signing_secret.get_secret_value(), house.ring)

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        async with house.open(working=settings.web_also_works):
            yield

    return App(
        house,
        Route("/sendblue/status/{message_id}/{token}", Counted("callback", callbacks.status), methods=["POST"]),
        Route("/slack/events", Counted("slack", guard.events), methods=["POST"]),
        Route("/sendblue/webhook", Counted("webhook", webhook.account), methods=["POST"]),
        Route("/healthz", health.healthz),
        Route("/readyz", health.readyz),
        Route("/metrics", health.metrics),
        lifespan=lifespan,
    )


def _bolt(settings: Settings, house: House) -> AsyncApp:
    token = settings.slack_bot_token.get_secret_value()

    async def authorize(**_: object) -> AuthorizeResult:
        # Bolt's own way asks Slack on the first request, before the listener and its ack.
        return AuthorizeResult(enterprise_id=None, team_id=None, bot_token=token)

    app = AsyncApp(
        name="bluethread",  # or Bolt takes a tenth of a second to find one in the call stack
        authorize=authorize,
        process_before_response=True,  # handlers only store and ack, so the answer need not be polled for
        logger=bolt_logger(),
        # The guard has verified the request, and answers the first two itself.
        url_verification_enabled=False,
        ssl_check_enabled=False,
        request_verification_enabled=False,
        # It compares with ids that our authorize does not tell, so it ignores nothing.
        ignoring_self_events_enabled=False,
        # For workflow steps and assistants, of which there are none.
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )
    region, lines = settings.default_region, settings.lines
    Commands(house.accepting, house.permitting, house.queries, region=region, lines=lines).register(app)
    Interactions(house.deciding).register(app)
    register_events(app)
    return app
