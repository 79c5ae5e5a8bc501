"""The whole service: what lives as long as the process, wired, and the routes that lead to it."""

import asyncio
import logging
import re
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from random import Random

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from bot.domain.attachment import KEPT_THERE
from bot.domain.backlog import Backlog
from bot.domain.clock import Clock, elapsed
from bot.domain.message import Notice
from bot.domain.rules import Replies
from bot.errors import NotStored
from bot.files.fetching import Fetcher
from bot.files.sources import Source, origin_of
from bot.files.taken import Disk
from bot.sendblue import wire
from bot.sendblue.client import Sendblue
from bot.sendblue.tokens import CallbackTokens
from bot.services.accepting import Accepting
from bot.services.alarming import Alarming
from bot.services.announcing import Announcing
from bot.services.carrying import Carrying, Limits
from bot.services.deciding import Deciding
from bot.services.file_posts import FilePosts
from bot.services.naming import Naming
from bot.services.noting import Noting
from bot.services.permitting import Permitting
from bot.services.polling import Polling
from bot.services.reaching import Identity
from bot.services.reading_back import ReadingBack
from bot.services.receiving import Receiving
from bot.services.replying import Replying
from bot.services.sending import Sending
from bot.services.sweeping import Sweeping
from bot.services.tracking import Tracking
from bot.services.typed_roots import TypedRoots
from bot.services.worker import Worker
from bot.settings import Settings
from bot.slack.files import FILE_HOSTS, SlackFiles
from bot.slack.notifier import Notifier
from bot.slack.questions import ALWAYS, CORRECT, CORRECTION, KEEP, SEND
from bot.slack.wording import COPY_AGAIN, LEAVE, RESEND
from bot.storage import schema
from bot.storage.backlog import backlog
from bot.storage.database import identity, open_database
from bot.storage.engine import Database
from bot.storage.held import Terms
from bot.storage.intake import Routes as TextRoutes
from bot.storage.keys import SIGNATURE, note_once
from bot.storage.store import Store
from handlers.callbacks import Callbacks
from handlers.guard import Guard
from handlers.health import Health
from handlers.http import Counted
from handlers.jobs import Jobs
from handlers.listeners import Listeners
from handlers.threads import ThreadListeners
from handlers.typed import read_message

log = structlog.get_logger(__name__)

FILE_TIMEOUT = 180  # seconds for the bytes of one file
SETTLE = timedelta(seconds=2)  # until what Slack has stored can be found there
_GRACE, _LAST_GRACE = 3.5, 1  # seconds for calls in flight when stopping; uvicorn takes 3 before, the store 2 after


class App:
    def __init__(self, settings: Settings, *, clock: Clock | None = None, settle: timedelta = SETTLE) -> None:
        self.settings, durations, chance = settings, settings.durations, Random().random  # noqa: S311 - no secret
        self.working = False
        self.announce, self.send, notes = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.carry = asyncio.Event()
        self.database = database_of(settings, clock)
        self.store = store = Store(self.database)
        self.clock = store.clock
        self.notifier = Notifier(settings.slack_api_url, settings.slack_bot_token.get_secret_value())
        self.sendblue = _sendblue_of(settings, self.clock)
        self.tokens = CallbackTokens(settings.public_url, settings.callback_secrets)
        self.identity = Identity(settings.callback_secrets[0], lambda: identity(settings.database_url))
        self.permitting = Permitting(self.notifier, self.clock, settings.rules)
        self.accepting = Accepting(store, TextRoutes(settings.lines, durations.new_thread_after), self.permitting)
        terms = _terms_of(settings)
        self.replying = Replying(store, self.accepting, terms, notes)
        self.deciding = Deciding(store, self.notifier, self.permitting, self.sendblue, terms, self.announce, notes)
        self.tracking = Tracking(store, self.announce, self.send, durations, chance)
        self.sending = Sending(store, self.sendblue, self.tracking, durations, self.tokens.url, chance)
        self.sender = Worker("sending", "send", self.sending.claim, self.send, self.clock)
        began = self.clock()
        alarming = Alarming(store, self.notifier, self.identity, settings.alert_channel, settings.public_url, began)
        naming = Naming(self.notifier, self.clock)
        files = SlackFiles(self.notifier.client, timeout=FILE_TIMEOUT)
        typed = TypedRoots(self.notifier, self.permitting, naming, self.tracking, alarming, terms)
        doing = (self.tracking, self.permitting, self.sending, self.sender)
        posts = FilePosts(files, self.notifier, settle, min(KEPT_THERE, durations.keep_text_for))
        rule, inbox = terms.rule, settings.inbox
        self.announcing = Announcing(
            store, self.notifier, *doing, typed, posts, rule, durations, chance, self.carry, notes, inbox, settle
        )
        where, has_webhook = (settings.lines, settings.inbox), bool(settings.webhook_secrets)
        self.receiving = Receiving(store, self.sendblue, self.wake, *where, durations, alarming, has_webhook)
        self.fetcher = Fetcher(Disk(settings.file_sizes[2]), deadline=FILE_TIMEOUT)
        token, limits = settings.slack_bot_token.get_secret_value(), _limits_of(settings)
        between = (self.fetcher, files, token, self.sendblue)
        self.carrying = Carrying(store, *between, self.tracking, limits, durations, chance)
        self.reading_back = ReadingBack(store, self.notifier, self.replying, read_message, self.announce)
        noting = Noting(store, self.notifier, self.permitting, terms, durations, chance)
        polling = Polling(store, self.sendblue, self.tracking, alarming, durations, chance)
        self.sweeping = Sweeping(store, self.tracking, alarming, durations, notes, began)
        self.workers, self.jobs = _duties(self, polling, noting, notes)

    @asynccontextmanager
    async def open(self, *, working: bool, listening: bool = True) -> AsyncIterator[None]:
        """Take the database, bring it up to date and, if working, do the background work until the context ends.

        listening: Slack's events come to this process.
        """
        self.database.take()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.store.close)
            if self.database.one_process:
                await asyncio.to_thread(schema.migrate, self.database)
            await self.store.open()
            await stack.enter_async_context(self.notifier)
            await stack.enter_async_context(self.sendblue)
            await stack.enter_async_context(self.fetcher)
            stack.push_async_callback(self._rest)
            self.working = working
            if listening:
                with suppress(NotStored):  # then what is typed is asked about where the rule is not the one noted
                    await self.replying.note_usual_rule()
                stack.push_async_callback(self.reading_back.listen())
            if working:
                for worker in self.workers:
                    worker.start()
                self.jobs.start()
            log.info("opened", working=working)
            yield
            log.info("closing")

    def wake(self) -> None:
        """Do what came in now, not at the next tick; its texts are sent once their thread is open."""
        self.announce.set()
        self.carry.set()

    async def _rest(self) -> None:
        stops, began = [worker.stop(grace=_GRACE) for worker in self.workers], elapsed()
        await asyncio.gather(self.jobs.stop(grace=_GRACE), *stops)
        left = _GRACE + _LAST_GRACE - (elapsed() - began)
        await self.sender.stop(grace=left)  # of what was claimed for it while it stopped

    async def readiness(self) -> tuple[dict[str, str], Backlog | None]:
        """Return what is checked → why it is not well, or "", and what waits (None: the database cannot say)."""
        checks, waiting = {"database": await self.store.ready()}, None
        if not checks["database"]:
            try:
                waiting = await self.store.read(backlog)
                checks["schema"] = await self.store.read(schema.missing)
            except NotStored as error:
                checks["database"] = f"it cannot be read ({error})"
        if self.working:
            checks["scheduler"] = self.jobs.problem
        since = waiting.doable_since if waiting is not None else {}
        for worker in self.workers:
            own = worker.problem if self.working else ""
            checks[worker.name] = own or worker.standstill(since.get(worker.kind))
        return checks, waiting


def _duties(app: App, polling: Polling, noting: Noting, notes: asyncio.Event) -> tuple[tuple[Worker, ...], Jobs]:
    """Return who works, and the ticks that wake them."""
    polls, doubts, back, every = asyncio.Event(), asyncio.Event(), asyncio.Event(), app.settings.repoll_interval
    workers = (
        Worker("announcing", "announce", app.announcing.claim, app.announce, app.clock),
        app.sender,
        Worker("polling", "poll", partial(polling.claim, "polls"), polls, app.clock, tick=every),
        Worker("doubting", "doubt", partial(polling.claim, "doubts"), doubts, app.clock, tick=every),
        Worker("noting", "note", noting.claim, notes, app.clock),
        Worker("carrying", "carry", app.carrying.claim, app.carry, app.clock, capacity=app.settings.files_at_once),
        Worker("reading back", "read_back", app.reading_back.claim, back, app.clock, tick=every),
        Worker("receiving", "catch_up", app.receiving.claim, asyncio.Event(), app.clock),
    )
    wakeups = (app.announce, app.send, app.carry, notes)
    return workers, Jobs(app.sweeping, wakeups, (polls, doubts, back), app.clock, repoll_interval=every)


def _terms_of(settings: Settings) -> Terms:
    durations = settings.durations
    spans = (durations.held_for, durations.send_within, durations.new_thread_after)
    return Terms(settings.lines, Replies(settings.thread_replies), *spans, wire.LONGEST_TEXT, settings.file_sizes[1])


def _limits_of(settings: Settings) -> Limits:
    slack, sendblue = origin_of(settings.slack_api_url), origin_of(settings.sendblue_api_url)
    theirs = Source(frozenset({slack, sendblue}), wire.FILE_HOSTS, any_public=settings.files_from_anywhere)
    return Limits(*settings.file_sizes[:2], theirs, Source(frozenset({slack}), FILE_HOSTS))


def _sendblue_of(settings: Settings, clock: Clock) -> Sendblue:
    key, secret = settings.sendblue_api_key_id.get_secret_value(), settings.sendblue_api_secret_key.get_secret_value()
    timeout, region = settings.sendblue_timeout, settings.default_region
    return Sendblue(settings.sendblue_api_url, key, secret, timeout=timeout, clock=clock, region=region)


class Routes(Router):
    """The service as ASGI. Its first route is tried before Starlette does anything: most requests are for it."""

    def __init__(self, app: App, first: Route, *others: Route) -> None:
        super().__init__([first, *others], lifespan=lambda _: app.open(working=app.settings.web_also_works))
        self.service, self._first = app, first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and self._first.path_regex.match(scope["path"]):
            await self._first.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(settings: Settings, *, settle: timedelta = SETTLE) -> Routes:
    """Return the service; its background work lasts from the start to the end of the ASGI lifespan."""
    app = App(settings, settle=settle)
    secrets, signature = settings.webhook_secrets, partial(app.store.write, note_once, SIGNATURE)
    callbacks = Callbacks(
        app.tracking, app.receiving, app.tokens, app.clock, secrets, settings.default_region, signature
    )
    token = settings.metrics_token.get_secret_value()
    health = Health(app.readiness, partial(app.store.read, backlog), app.clock, app.identity.prove, token)
    guard = Guard(_bolt(app), settings.slack_signing_secret.get_secret_value(), app.wake)
    return Routes(
        app,
        Route("/sendblue/status/{send_id}/{token}", Counted("callback", callbacks.status), methods=["POST"]),
        Route("/slack/events", Counted("slack", guard.events), methods=["POST"]),
        Route("/sendblue/webhook", Counted("webhook", callbacks.account), methods=["POST"]),
        Route("/healthz", health.healthz),
        Route("/readyz", health.readyz),
        Route("/metrics", health.metrics),
    )


def _bolt(app: App) -> AsyncApp:
    token = app.settings.slack_bot_token.get_secret_value()

    async def authorize(**_: object) -> AuthorizeResult:
        # Bolt's own way asks Slack on the first request, before the listener and its ack.
        return AuthorizeResult(enterprise_id=None, team_id=None, bot_token=token)

    bolt = AsyncApp(
        name="bluethread",  # or Bolt takes a tenth of a second to find one in the call stack
        authorize=authorize,
        process_before_response=True,  # handlers only store and ack, so the answer need not be polled for
        logger=logging.getLogger("bolt"),
        url_verification_enabled=False,  # the guard answers these itself
        ssl_check_enabled=False,  # these, too
        request_verification_enabled=False,  # the guard has verified it
        ignoring_self_events_enabled=False,  # it compares with ids that our authorize does not tell
        attaching_function_token_enabled=False,  # for workflow steps, of which there are none
        attaching_conversation_kwargs_enabled=False,  # for assistants, of which there are none
    )
    region, lines, watch_for = app.settings.default_region, app.settings.lines, app.settings.durations.watch_for
    listeners = Listeners(app.accepting, app.replying, app.deciding, app.permitting, region, lines, watch_for)
    bolt.command("/imessage")(listeners.imessage)
    threads = ThreadListeners(app.replying, app.deciding)
    bolt.event("message")(threads.message)
    for action in (SEND, KEEP, ALWAYS):
        bolt.action(action)(threads.decide)
    bolt.action(CORRECT)(threads.offer_correction)
    bolt.view(CORRECTION)(threads.correct)
    bolt.error(threads.failed)
    for choice in (RESEND, LEAVE):
        bolt.action(choice)(listeners.decide)
    bolt.action(COPY_AGAIN)(listeners.copy_again)
    for notice in (Notice.UNDONE, Notice.OPTED_OUT, Notice.KEPT):
        bolt.action(str(notice))(listeners.decide_opt_out)

    @bolt.event(re.compile(".*"))
    async def _taken() -> None:
        """None changes anything yet; each is answered, or Slack would repeat it and in the end stop sending."""

    return bolt


async def work_until_stopped(settings: Settings) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with App(settings).open(working=True, listening=False):
        await stopped.wait()


def database_of(settings: Settings, clock: Clock | None = None) -> Database:
    pool, timeout = settings.database_pool_size, settings.database_statement_timeout
    return open_database(settings.database_url, clock, pool_size=pool, statement_timeout=timeout)
