"""The bot's processes in a simulated world: real services, whose every step the scheduler takes by hand."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from bot.app import SETTLE
from bot.domain.attachment import Attachment
from bot.domain.known import Report
from bot.domain.message import Inbound, Origin, Request
from bot.domain.rules import Durations, Rules
from bot.errors import MaybeStored, NotStored, UsageError
from bot.files.sources import Source
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
from bot.services.reading_back import ReadingBack
from bot.services.receiving import Receiving
from bot.services.replying import Replying
from bot.services.sending import Sending
from bot.services.sweeping import Sweeping
from bot.services.tracking import Tracking
from bot.services.typed_roots import TypedRoots
from bot.storage.held import Terms
from bot.storage.intake import Routes
from bot.storage.postponing import end_leases
from bot.storage.reading_back import note_alive
from bot.storage.timekeeping import keep_time
from tests.chaos.simulation.customers import Said
from tests.chaos.simulation.invariants import SEND_WITHIN
from tests.chaos.simulation.ledger import Ledger, Point, at
from tests.chaos.simulation.talking import LINES

if TYPE_CHECKING:
    from tests.chaos.simulation.world import World

WATCH_FOR, DOUBT_WINDOW, TIMEOUT = 600.0, 100.0, 30.0
WATCH_FOR_SPAN = timedelta(seconds=WATCH_FOR)
CATCH_UP_INTERVAL = timedelta(seconds=60)
HELD_FOR = timedelta(seconds=300)
_LARGEST = 1_000_000  # bytes of a file
LONGEST_SENT = 24  # characters in one text: so that some have two parts


@asynccontextmanager
async def unheld(_: Carrying, __: Attachment) -> AsyncIterator[None]:
    """Stand where the renewal of a claim is: never made, so that of a slow copy another process makes one, too."""
    yield


class Job:
    """A coroutine that goes on when the scheduler says so. `point` is where it stands."""

    def __init__(self, process: "Process", name: str, coroutine: Coroutine[Point, None, Any]) -> None:
        self.process = process
        self.name = name
        self.coroutine = coroutine
        self.point: Point | None = None
        self.over = False
        self.error: Exception | None = None
        self.result: Any = None

    @property
    def ready(self) -> bool:
        """Whether it could go on."""
        return not (self.over or (self.point is not None and any(not job.over for job in self.point.others)))

    def step(self) -> None:
        """Go on to the next point."""
        self.process.world.running = self
        try:
            self.point = self.coroutine.send(None)
        except StopIteration as end:
            self.over, self.result = True, end.value
        except NotStored as error:  # as `Worker` and the scheduler's jobs do: a lease will end, the row comes back
            self.over, self.error = True, error

    def add_done_callback(self, _: object) -> None:
        """A task has this."""


class Loop:
    """What the services use of asyncio, on the simulated scheduler."""

    Event = asyncio.Event

    def __init__(self, world: "World") -> None:
        self._world = world

    def create_task(self, coroutine: Coroutine[Any, Any, Any]) -> Job:
        """Have it done beside everything else."""
        return self._world.running.process.spawn(f"{self._world.running.name} …", coroutine)

    async def sleep(self, seconds: float) -> None:
        """How long it is, is the scheduler's."""
        if seconds:
            await at(Point("pauses"))

    @asynccontextmanager
    async def timeout(self, _seconds: float) -> AsyncIterator[None]:
        """Nothing takes that long that is not a failed call."""
        yield

    async def gather(self, *coroutines: Coroutine[Any, Any, Any]) -> list[Any]:
        """Have several things done at once, and wait for them; raise what one of them raised."""
        jobs = [self.create_task(one) for one in coroutines]
        while any(not job.over for job in jobs):
            await at(Point("waits for others", others=jobs))
        if error := next((job.error for job in jobs if job.error is not None), None):
            raise error
        return [job.result for job in jobs]


class Sender:
    """Where a `Worker` is: what was claimed for it becomes jobs of the process."""

    def __init__(self, process: "Process") -> None:
        self._process = process

    @property
    def free(self) -> int:
        return int(self._process.world.dice.choice((0, 1, 40)))

    def begin(self, jobs: Any) -> None:
        for job in jobs:
            self._process.spawn(f"send {short(job.args[0].id)}", job())


class Process:
    """One life of one process: it ends with a kill."""

    def __init__(self, world: "World", name: str) -> None:
        self.world, self.name = world, name
        self.alive, self.frozen = True, False
        self.jobs: list[Job] = []
        self.claiming: dict[str, Job] = {}
        self._listens = False
        self.ledger: Any = Ledger(world, world.connection)
        self.ledger.at_once(keep_time, None)
        if world.alone:
            self.ledger.at_once(end_leases, None)
        slack: Any = world.slack
        notes = asyncio.Event()
        phone: Any = world.phone
        chance, wakeups = world.dice.random, (asyncio.Event(), asyncio.Event())
        durations = _durations(world)
        terms = Terms(
            *(LINES, world.rule, durations.held_for, durations.send_within, durations.new_thread_after, LONGEST_SENT),
            largest_file=_LARGEST,
        )
        nobody: Any = None  # is asked who answers: there is no channel in which to say it
        alarming = Alarming(self.ledger, slack, nobody, "", "", self.ledger.clock())
        self.tracking = Tracking(self.ledger, *wakeups, durations, chance)
        permitting = Permitting(slack, self.ledger.clock, Rules(guests=world.guests))
        naming = Naming(slack, self.ledger.clock)
        self.accepting = Accepting(self.ledger, Routes(LINES, durations.new_thread_after), permitting)
        self.replying = Replying(self.ledger, self.accepting, terms, notes)
        self.sending = Sending(self.ledger, phone, self.tracking, durations, str, chance)
        sender: Any = Sender(self)
        typed = TypedRoots(slack, permitting, naming, self.tracking, alarming, terms)
        doing = (self.tracking, permitting, self.sending, sender)
        files, carry = FilePosts(world.filing, slack, SETTLE, timedelta(days=30)), asyncio.Event()
        fetcher: Any = world.fetcher
        saying = (typed, files, terms.rule, durations, chance, carry, notes, world.inbox, SETTLE)
        self.announcing = Announcing(self.ledger, slack, *doing, *saying)
        limits = Limits(_LARGEST, _LARGEST, Source(), Source())
        between = (fetcher, world.filing, "token", phone, self.tracking)
        self.carrying = Carrying(self.ledger, *between, limits, durations, chance)
        self.deciding = Deciding(self.ledger, slack, permitting, phone, terms, wakeups[0], notes)
        self.polling = Polling(self.ledger, phone, self.tracking, alarming, durations, chance)
        self.reading_back = ReadingBack(self.ledger, slack, self.replying, lambda reply, **_: reply, wakeups[0])
        began = self.ledger.clock()
        self.sweeping = Sweeping(self.ledger, self.tracking, alarming, durations, notes, began)
        self.inbox = world.inbox
        self.receiving = Receiving(
            self.ledger, phone, wakeups[0].set, LINES, world.inbox, durations, alarming, has_webhook=True
        )
        self._claims = {
            "announce": self.announcing.claim,
            "send": self.sending.claim,
            "note": Noting(self.ledger, slack, permitting, terms, durations, chance).claim,
            "polls": partial(self.polling.claim, "polls"),
            "doubts": partial(self.polling.claim, "doubts"),
            "receive": self.receiving.claim,
            "back": self.reading_back.claim,
            "carry": self.carrying.claim,
        }

    def spawn(self, name: str, coroutine: Coroutine[Any, Any, Any]) -> Job:
        """Begin a job; its first step is the scheduler's to take."""
        job = Job(self, name, coroutine)
        self.jobs.append(job)
        return job

    def ready(self) -> list[Job]:
        """Return the jobs that could go on; forget those that are over."""
        self.jobs = [job for job in self.jobs if not job.over]
        return [job for job in self.jobs if job.ready]

    def claim(self, kind: str) -> None:
        """Ask the database what is due, unless that is being asked."""
        if kind in self.claiming and not self.claiming[kind].over:
            return
        work = self.sweeping.once() if kind == "sweep" else self._work(kind)
        self.claiming[kind] = self.spawn(f"claim {kind}", work)

    def listen(self) -> None:
        """Note that Slack's events come to this process."""
        self.spawn("listening", self._listen())

    async def _listen(self) -> None:
        await self.ledger.write(note_alive, not self._listens)
        self._listens = True

    async def _work(self, kind: str) -> None:
        jobs, _ = await self._claims[kind](self.world.dice.choice((1, 40)))
        for job in jobs:
            subject = job.args[0]  # type: ignore[attr-defined] # a partial, of a task, a note, a list or a send
            said = f"{subject.step.name} {short(subject.thread.id)}" if kind == "announce" else ""
            said = said or (subject.key if kind in ("note", "receive", "back") else short(subject.id))
            self.spawn(said if kind == "announce" else f"{kind} {said}", job())  # type: ignore[arg-type]

    async def accept(self, request: Request, origin: Origin) -> None:
        """A person types; what they are told counts."""
        try:
            await self.accepting.accept(request, origin)
        except MaybeStored:
            return
        except (NotStored, UsageError):
            self.world.watch.refused(origin.key)
            return
        self.world.watch.acknowledged(origin.key)

    async def hear(self, send_id: UUID, report: Report) -> None:
        """A callback comes in; the vendor brings again what could not be stored."""
        try:
            await self.tracking.apply(send_id, report)
        except NotStored:
            self.world.phone.callbacks.append((send_id, report))

    async def take(self, said: Said, version: Inbound) -> None:
        """The webhook brings what a customer wrote, and again what could not be stored."""
        try:
            await self.receiving.take(version, "webhook")
        except NotStored:
            self.world.phone.customers.hooks.append((said, version))
            return
        said.taken.append(version)

    def kill(self) -> None:
        """Stop between two steps. Nothing more of it reaches the database."""
        self.alive, self.ledger.dead = False, True
        for job in self.jobs:
            job.coroutine.close()
        self.jobs = []


def _durations(world: "World") -> Durations:
    return Durations(
        stale_after=timedelta(seconds=world.stale_after),
        watch_for=WATCH_FOR_SPAN,
        doubt_window=timedelta(seconds=DOUBT_WINDOW),
        send_within=timedelta(seconds=SEND_WITHIN),
        sendblue_timeout=timedelta(seconds=TIMEOUT),
        sendblue_send_interval=timedelta(seconds=world.line_interval),
        slack_post_interval=timedelta(seconds=world.channel_interval),
        new_thread_after=world.new_thread_after,
        held_for=HELD_FOR,
        catch_up_interval=CATCH_UP_INTERVAL,
        keep_text_for=timedelta(days=30),
        keep_history_for=timedelta(days=365),
    )


def short(id: UUID) -> str:  # noqa: A002
    """Return enough of an id to follow it through a story."""
    return id.hex[-4:]
