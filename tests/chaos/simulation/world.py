"""A simulated world: a clock only the scheduler turns, one to three processes, two liars, and a seed that decides.

with world_of(seed) as world:
    world.run()
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from unittest.mock import patch
from uuid import UUID

from bot.domain.delivery import Delivery, Service
from bot.domain.message import Origin, Report, Request
from bot.services import deciding, sending, sweeping
from tests.chaos.simulation.endings import check_rest
from tests.chaos.simulation.invariants import Watch
from tests.chaos.simulation.ledger import emptied
from tests.chaos.simulation.neighbours import Slack
from tests.chaos.simulation.phone import Phone, Text
from tests.chaos.simulation.processes import Loop, Process

_TEXTS = ("Table at eight?", "Table at eight?", "We are closed.", "One long text. In two parts, as it happens.")
_CUSTOMERS = ("+14155552671", "+14155552671", "+14155552672")
_LINES = (None, None, None, "+15550100901")
_PLACES = ("C0ONE", "C0ONE", "C0ONE", "C0ONE", "C0TWO", "D0PAIR")
_KINDS = ("announce", "announce", "send", "sweep")
_NEXT = {Delivery.QUEUED: Delivery.SENT, Delivery.SENT: Delivery.DELIVERED, Delivery.DELIVERED: Delivery.READ}


class World:
    """Everything there is, and the dice."""

    def __init__(self, seed: int) -> None:
        self.dice = dice = Random(seed)
        self.seed, self.now = seed, datetime(2026, 1, 1, tzinfo=UTC)
        self.story: list[tuple[datetime, str, str]] = []
        self.alone = dice.random() < 0.4  # as on SQLite: one process, which takes over at once what a dead one left
        self.honest, self.database_away = False, False
        self.trouble, self.violence = dice.choice((0, 0.1, 0.3, 0.6)), dice.choice((0, 0.3, 1, 2))
        self.guests = dice.random() < 0.7
        self.channel_interval, self.line_interval = dice.choice((0, 1, 5)), dice.choice((0, 1, 5))
        self.alike = dice.random() < 0.2  # everybody sends the same to the same
        self.most_messages = dice.choice((1, 1, 1, 2, 2, 3))
        self.commands: list[tuple[Request, Origin]] = []
        self.engine, raw = emptied()
        self.watch = Watch(self, raw)
        self.slack, self.phone = Slack(self), Phone(self)
        self.running: Any = None
        self.processes = [Process(self, name) for name in ("A" if self.alone else dice.choice(("AB", "AB", "ABC")))]

    def tell(self, event: str) -> None:
        """Add a line to the story."""
        self.story.append((self.now, self.running.process.name if self.running else " ", event))

    def uuid(self) -> UUID:
        """Stand where uuid4 does."""
        return UUID(int=self.dice.getrandbits(128), version=4)

    def run(self) -> None:
        """Live through the seed's troubles, then let everything come to rest and see what is left."""
        self.type()
        acts = [self.work, self.claim, self.turn_clock, self.move_phone, self.call_back, self.type, self.click]
        acts += [self.kill_or_start, self.freeze, self.trouble_somebody, self.meddle]
        weights = [60, 10, 6, 7, 8, 2, 5, *(self.violence * often for often in (1.2, 1.2, 1.2, 0.15))]
        for act in self.dice.choices(acts, weights, k=self.dice.randrange(50, 120)):
            self.running = None
            act()
        self.settle()
        check_rest(self)

    # What may happen.

    def work(self) -> None:
        """One job of one process goes on, to its next point or a few further."""
        jobs = [job for process in self._awake() for job in process.ready()]
        if not jobs:
            self.claim()
            return
        job = self.dice.choice(jobs)
        for _ in range(self.dice.choice((1, 1, 1, 2, 3, 5))):
            if job.ready:
                job.step()

    def claim(self) -> None:
        """One process asks what is due."""
        awake = self._awake()
        due = [kind for kind in _KINDS if self.watch.is_due(kind)] or (["sweep"] if self.dice.random() < 0.05 else [])
        if awake and due:
            self.dice.choice(awake).claim(self.dice.choice(due))
        elif awake:
            self.turn_clock()

    def turn_clock(self) -> None:
        """A moment passes, or as long as it takes until something is due, or a lease and more."""
        dice, next_due = self.dice, self.watch.next_due()
        how = dice.random()
        if how < 0.6 and next_due is not None and next_due > self.now:
            self._advance_to(next_due)
        elif how < 0.9:
            self._advance_to(self.now + timedelta(seconds=dice.random() * 3))
        else:
            self._advance_to(self.now + timedelta(seconds=dice.choice((10, 20, 46, 61, 70, 110, 310))))

    def _advance_to(self, then: datetime) -> None:
        for process in self.processes:
            for job in process.ready():
                if job.point is not None and job.point.until is not None and job.point.until < then:
                    job.step()  # a request on its way arrives, though its sender may sleep
        self.running = None
        self.now = then
        self.tell("time passes")

    def move_phone(self) -> None:
        """The vendor and the customer's phone go on with one text, and the vendor calls back."""
        if not self.phone.texts:
            return
        text = self.dice.choice(self.phone.texts)
        if not self._move(text):
            return
        for _ in range(self.dice.choice((0, 1, 1, 1, 2))):
            self.phone.callbacks.append((text.message_id, text.report("callback")))

    def _move(self, text: Text) -> bool:
        status = self._next_status(text)
        if status is None:
            return False
        if status is Delivery.SENT and text.service is Service.IMESSAGE and self.dice.random() < 0.1:
            text.service = Service.SMS  # the vendor falls back
        text.history.append((status, self.now))
        self.tell(f"sendblue: {text.handle} is {status.name}")
        return True

    def _next_status(self, text: Text) -> Delivery | None:
        if text.status is Delivery.SENT and text.service is Service.SMS:
            return None
        if text.status is Delivery.FAILED:  # now and then it was delivered after all
            return Delivery.DELIVERED if self.dice.random() < 0.2 else None
        if text.status < Delivery.DELIVERED and self.dice.random() < 0.12:
            return Delivery.FAILED
        return _NEXT.get(text.status)

    def call_back(self) -> None:
        """A callback arrives: in any order, perhaps twice, perhaps never, perhaps an old or a strange one."""
        dice, awake = self.dice, self._awake()
        if not awake or not self.phone.texts:
            return
        if dice.random() < 0.25:
            text = dice.choice(self.phone.texts)
            message_id, report = text.message_id, text.report("callback", dice.randrange(len(text.history)))
            kind = dice.random()
            if kind < 0.3:
                report = Report("callback", self.now, None, "DOWNGRADED", text.handle)
            elif kind < 0.6 and self.watch.handle_of(message_id) is not None:  # about another text than ours
                report = Report(
                    "callback", self.now, dice.choice(list(Delivery)[3:]), "READ", dice.choice(("h1", "h9"))
                )
                if report.handle == self.watch.handle_of(message_id):
                    return
        elif self.phone.callbacks:
            waiting = self.phone.callbacks
            index = dice.randrange(len(waiting))
            message_id, report = waiting[index]
            if dice.random() < 0.8:
                waiting.pop(index)
            if dice.random() < 0.15:
                return
        else:
            return
        self._hears(message_id, report)

    def type(self) -> None:
        """A person types a command, or Slack delivers one again."""
        dice, awake = self.dice, self._awake()
        if not awake:
            return
        if not self.commands or (len(self.commands) < self.most_messages and dice.random() < 0.7):
            key = f"key{len(self.commands)}"
            origin = Origin(key, "T", dice.choice(_PLACES), dice.choice(("U0ANA", "U0BEN")), f"answer-{key}")
            media = "https://example.com/a.png" if dice.random() < 0.15 else None
            request = Request(dice.choice(_CUSTOMERS), dice.choice(_TEXTS), line=dice.choice(_LINES), media_url=media)
            if self.alike:
                request = Request(_CUSTOMERS[0], _TEXTS[0])
            self.commands.append((request, origin))
        request, origin = dice.choice(self.commands)
        process = dice.choice(awake)
        self.watch.typed[origin.key] += 1
        process.spawn(f"command {origin.key}", process.accept(request, origin))

    def click(self) -> None:
        """A person clicks a button they were shown, perhaps twice, perhaps long after."""
        dice, awake = self.dice, self._awake()
        if not awake or not self.watch.buttons:
            return
        message_id = UUID(dice.choice(sorted(self.watch.buttons)))
        for _ in range(dice.choice((1, 1, 2))):
            deciding_, choice = dice.choice(awake), dice.choice(("resend", "resend", "leave"))
            work = deciding_.deciding.decide(message_id, choice, who="U0ANA", answer_url="answer-click")
            deciding_.spawn(f"click {choice} {message_id.hex[-4:]}", work)

    def kill_or_start(self) -> None:
        """kill -9, or a new life."""
        dead = [index for index, process in enumerate(self.processes) if not process.alive]
        index = dead[0] if dead else self.dice.randrange(len(self.processes))
        process = self.processes[index]
        if process.alive:
            self.tell(f"kill -9 {process.name}")
            process.kill()
        else:
            self._start(index)

    def _start(self, index: int) -> None:
        self._advance_to(self.now + timedelta(seconds=1 + self.dice.random()))
        self.tell(f"{self.processes[index].name} starts")
        self.processes[index] = Process(self, self.processes[index].name)

    def freeze(self) -> None:
        """SIGSTOP, or SIGCONT."""
        process = next((process for process in self.processes if process.frozen), self.dice.choice(self.processes))
        process.frozen = not process.frozen
        self.tell(f"{process.name} {'stops' if process.frozen else 'goes on'}")

    def trouble_somebody(self) -> None:
        """An outage begins or ends."""
        outages = {"slack": self.slack.down, "slack's token": self.slack.token_dead}
        outages |= {"sendblue": self.phone.down, "database": self.database_away}
        who = next((who for who, away in outages.items() if away), self.dice.choice(list(outages)))
        match who:
            case "slack":
                self.slack.down = not self.slack.down
            case "slack's token":
                self.slack.token_dead = not self.slack.token_dead
            case "sendblue":
                self.phone.down = not self.phone.down
            case _:
                self.database_away = not self.database_away
        self.tell(f"{who}: an outage begins or ends")

    def meddle(self) -> None:
        """People archive a channel, or delete what hangs there."""
        if self.dice.random() < 0.5:
            self.slack.archived.add("C0ONE")
            self.tell("C0ONE is archived")
        elif self.slack.posts:
            posted = self.dice.choice(self.slack.posts)
            posted.deleted = True
            self.tell(f"{posted.id[-10:]} is deleted by hand")

    # How it ends.

    def settle(self) -> None:
        """Everybody is honest and awake, and the clock goes on until nothing is due."""
        self.running = None
        self._make_peace()
        clicks = self.dice.choice((0, 1, 2))
        answering = self.dice.random() < 0.7  # or the phones stay off, and no callback comes any more
        for _ in range(300):
            self._do_what_can_be_done()
            if answering and self._phones_answer():
                continue
            kinds = [kind for kind in ("send", "sweep", "announce") if self.watch.is_due(kind)]
            next_due = self.watch.next_due()
            if kinds:  # announcing comes last, so that one reply tells all
                self.dice.choice(self.processes).claim(kinds[0])
            elif clicks and self.watch.buttons:
                clicks -= 1
                self.click()
            elif next_due is not None:
                self._advance_to(next_due)
            else:
                return
        self.watch.broken("there is no end of it: something is due again and again")

    def _make_peace(self) -> None:
        self.honest = True
        self.database_away = self.slack.down = self.slack.token_dead = self.phone.down = False
        for index, process in enumerate(self.processes):
            process.frozen = False
            if not process.alive:
                self._start(index)
        self.tell("peace")
        for message_id, report in self.phone.callbacks if self.dice.random() < 0.5 else ():
            self._hears(message_id, report)
        self.phone.callbacks.clear()

    def _phones_answer(self) -> bool:
        """Every text goes as far as it gets, and the vendor says so once."""
        moved = [text for text in self.phone.texts if text.status < Delivery.DELIVERED and self._move(text)]
        for text in moved:
            while text.status < Delivery.DELIVERED and self._move(text):
                pass
            self._hears(text.message_id, text.report("callback"))
        return bool(moved)

    def _hears(self, message_id: UUID, report: Report) -> None:
        process = self.dice.choice(self._awake())
        process.spawn(f"callback {report.word} {report.handle}", process.hear(message_id, report))

    def _do_what_can_be_done(self) -> None:
        while jobs := [job for process in self.processes for job in process.ready()]:
            for job in jobs:
                job.step()
        self.running = None

    def _awake(self) -> list[Process]:
        return [process for process in self.processes if process.alive and not process.frozen]


@contextmanager
def world_of(seed: int) -> Iterator[World]:
    """Make a world, and let the services see its randomness and its scheduler."""
    world = World(seed)
    with ExitStack() as stack:
        for module, name, stand_in in (
            (sending, "uuid4", world.uuid),
            (deciding, "uuid4", world.uuid),
            (sending, "LONGEST_TEXT", 24),
            (sweeping, "asyncio", Loop(world)),
            (deciding, "asyncio", Loop(world)),
        ):
            stack.enter_context(patch.object(module, name, stand_in))
        try:
            yield world
        finally:
            for process in world.processes:
                process.kill()
