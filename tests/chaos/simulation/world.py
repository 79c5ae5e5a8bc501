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

from bot.domain import thread
from bot.domain.delivery import Delivery
from bot.domain.message import Origin, Request
from bot.domain.rules import Replies
from bot.services import accepting, deciding, polling, receiving
from bot.services.carrying import Carrying
from bot.storage import attachments, channels, conversations, held, inbound, marks, replies, reply_edits
from tests.chaos.simulation.acts import Acts
from tests.chaos.simulation.beginnings import Beginnings
from tests.chaos.simulation.customers import LONGEST
from tests.chaos.simulation.endings import check_rest
from tests.chaos.simulation.filing import Fetching, Filing
from tests.chaos.simulation.invariants import KINDS, Watch
from tests.chaos.simulation.ledger import emptied
from tests.chaos.simulation.neighbours import Slack
from tests.chaos.simulation.phone import Phone
from tests.chaos.simulation.processes import LONGEST_SENT, Loop, Process, unheld
from tests.chaos.simulation.talking import Talking
from tests.chaos.simulation.typing import Colleagues, Typing


class World(Acts, Talking, Typing, Beginnings):
    """Everything there is, and the dice."""

    def __init__(self, seed: int) -> None:
        self.dice = dice = Random(seed)
        self.seed, self.now = seed, datetime(2026, 1, 1, tzinfo=UTC)
        self.skew = timedelta(0)  # of the clock by which the database is read and written
        self.story: list[tuple[datetime, str, str]] = []
        self.alone = dice.random() < 0.4  # as on SQLite: one process, which takes over at once what a dead one left
        self.honest, self.database_away = False, False
        self.trouble, self.violence = dice.choice((0, 0.1, 0.3, 0.6)), dice.choice((0, 0.3, 1, 2))
        self.stale_after = dice.choice((10, 40))
        self.guests = dice.random() < 0.7
        self.channel_interval, self.line_interval = dice.choice((0, 1, 5)), dice.choice((0, 1, 5))
        self.alike = dice.random() < 0.35  # everybody sends the same to the same
        self.most_sends = dice.choice((1, 1, 1, 2, 2, 3))
        self.new_thread_after = dice.choice((timedelta(days=7), timedelta(days=7), timedelta(seconds=60)))
        self.rule = dice.choice(
            (Replies.ASK, Replies.SEND, Replies.SEND, Replies.MENTION)
        )  # of channels that have none of their own
        self.inbox = dice.choice(("C0INBOX", "C0INBOX", "C0INBOX", "C0ONE", ""))
        self.commands: list[tuple[Request, Origin]] = []
        self.colleagues = Colleagues()
        self.connection = emptied()
        self.watch = Watch(self, self.connection)
        self.slack, self.phone = Slack(self), Phone(self)
        self.filing, self.fetcher = Filing(self), Fetching(self)
        self.running: Any = None
        self.processes = [Process(self, name) for name in ("A" if self.alone else dice.choice(("AB", "AB", "ABC")))]

    @property
    def stored_now(self) -> datetime:
        """Now, by the clock that the processes and the database go by."""
        return self.now + self.skew

    def elapsed(self) -> float:
        """Seconds, by a clock that nobody sets."""
        return self.now.timestamp()

    def tell(self, event: str) -> None:
        """Add a line to the story."""
        self.story.append((self.now, self.running.process.name if self.running else " ", event))

    def new_id(self, _: datetime) -> UUID:
        """Stand where the real one does."""
        return UUID(int=self.dice.getrandbits(128), version=4)

    def run(self) -> None:
        """Live through the seed's troubles, then let everything come to rest and see what is left."""
        for process in self.processes:
            process.claim("receive")
            process.listen()
        if self.dice.random() < 0.3:
            self.begin_in_doubt()
        elif self.dice.random() < 0.4:
            self.begin_with_files()
        self.type()
        acts = [self.work, self.claim, self.turn_clock, self.move_phone, self.call_back, self.type, self.click]
        acts += [
            self.say,
            self.bring,
            self.decide,
            *(self.write, self.bring_event, self.rewrite, self.answer),
            self.kill_or_start,
            self.freeze,
            self.trouble_somebody,
            self.meddle,
            self.set_clock,
        ]
        weights = [
            60,
            10,
            6,
            7,
            8,
            2,
            5,
            4,
            4,
            1,
            4,
            6,
            1.5,
            3,
            *(self.violence * often for often in (1.2, 1.2, 1.2, 0.5, 0.6)),
        ]
        for act in self.dice.choices(acts, weights, k=self.dice.randrange(40, 110)):
            self.running = None
            act()
        self.settle()
        check_rest(self)

    # What may happen.

    def work(self) -> None:
        """One job of one process goes on, to its next point or a few further."""
        jobs = [job for process in self.awake() for job in process.ready()]
        if not jobs:
            self.claim()
            return
        job = self.dice.choice(jobs)
        for _ in range(self.dice.choice((1, 1, 1, 2, 3, 5))):
            if job.ready:
                job.step()

    def claim(self) -> None:
        """One process asks what is due."""
        awake = self.awake()
        due = [kind for kind in ("announce", *KINDS, "receive") if self.watch.is_due(kind)] or (
            ["sweep"] if self.dice.random() < 0.05 else []
        )
        if awake and self.dice.random() < 0.1:
            self.dice.choice(awake).listen()
        if awake and due:
            self.dice.choice(awake).claim(self.dice.choice(due))
        elif awake:
            self.turn_clock()

    def turn_clock(self) -> None:
        """A moment passes, or as long as it takes until something is due, or a lease and more."""
        dice, next_due = self.dice, self.watch.next_due()
        how = dice.random()
        if how < 0.6 and next_due is not None and next_due > self.now:
            self.advance_to(next_due)
        elif how < 0.9:
            self.advance_to(self.now + timedelta(seconds=dice.random() * 3))
        else:
            self.advance_to(self.now + timedelta(seconds=dice.choice((10, 20, 46, 61, 70, 110, 310))))

    def advance_to(self, then: datetime) -> None:
        for process in self.processes:
            for job in process.ready():
                if job.point is not None and job.point.until is not None and job.point.until < then:
                    job.step()  # a request on its way arrives, though its sender may sleep
        self.running = None
        for neighbour in (self.slack, self.phone):
            neighbour.catch_up(then)
        self.now = then
        self.tell("time passes")

    # How it ends.

    def settle(self) -> None:
        """Everybody is honest and awake, and the clock goes on until nothing is due."""
        self.running = None
        self._make_peace()
        clicks = self.dice.choice((0, 1, 2))
        answering = self.dice.random() < 0.8  # or the phones stay off, and no callback comes any more
        for _ in range(300):
            self._do_what_can_be_done()
            if answering and self._phones_answer():
                continue
            kinds = [kind for kind in KINDS if self.watch.is_due(kind)]
            next_due = self.watch.next_due()
            if kinds:  # announcing comes last, so that one reply tells all
                self.dice.choice(self.processes).claim(kinds[0])
            elif clicks and (self.watch.buttons or self.colleagues.questions):
                clicks -= 1
                self.dice.choice((self.click, self.answer))()
            elif next_due is not None:
                self.watch.check_waits()
                self.advance_to(max(next_due, self.now))
            elif late := [*self.slack.late, *self.phone.late]:
                self.advance_to(late[0][0])
            elif self.phone.customers.all_listed_at > self.now:
                self.advance_to(self.phone.customers.all_listed_at)
            elif not self.watch.answers.are_read():
                self._read_lists()
            else:
                return
        self.watch.broken("there is no end of it: something is due again and again")

    def _make_peace(self) -> None:
        self.honest = True
        self.database_away = self.slack.down = self.slack.token_dead = self.phone.down = False
        self.slack.archived.discard(self.inbox)
        self.inbox = self.inbox or "C0INBOX"
        for index, process in enumerate(self.processes):
            process.frozen = False
            if process.alive and not process.inbox:
                process.kill()  # somebody names an inbox at last
            if not process.alive:
                self.start(index)
        self.tell("peace")
        for send_id, report in self.phone.callbacks if self.dice.random() < 0.5 else ():
            self.hears(send_id, report)
        self.phone.callbacks.clear()
        for words, event in self.events_left():
            self.processes[0].spawn(f"event of {words.number}", self.take_in(self.processes[0], words, event))
        for said, version in self.phone.customers.hooks if self.dice.random() < 0.5 else ():
            self.processes[0].spawn(f"webhook {version.handle}", self.processes[0].take(said, version))
        self.phone.customers.hooks.clear()

    def _read_lists(self) -> None:
        """Whatever the webhook lost is found in time."""
        if self.watch.is_due("receive"):
            self.dice.choice(self.processes).claim("receive")
        else:
            self.advance_to(self.watch.next_reading())

    def _phones_answer(self) -> bool:
        """Every text goes as far as it gets, and the vendor says so once."""
        moved = [text for text in self.phone.texts if text.status < Delivery.DELIVERED and self.move(text)]
        for text in moved:
            while text.status < Delivery.DELIVERED and self.move(text):
                pass
            self.hears(text.send_id, text.report("callback"))
        return bool(moved)

    def _do_what_can_be_done(self) -> None:
        while jobs := [job for process in self.processes for job in process.ready()]:
            for job in jobs:
                job.step()
        self.running = None


@contextmanager
def world_of(seed: int) -> Iterator[World]:
    """Make a world, and let the services see its randomness and its scheduler."""
    world = World(seed)
    with ExitStack() as stack:
        for module, name, stand_in in (
            (accepting, "new_id", world.new_id),
            (deciding, "new_id", world.new_id),
            (conversations, "new_id", world.new_id),
            *((module, "new_id", world.new_id) for module in (channels, inbound, held, replies, reply_edits, marks)),
            (accepting, "LONGEST_TEXT", LONGEST_SENT),
            (accepting, "asyncio", Loop(world)),
            (receiving, "LONGEST_SHOWN", LONGEST),
            (thread, "LONGEST_SHOWN", 2 * LONGEST),
            (polling, "asyncio", Loop(world)),
            (receiving, "asyncio", Loop(world)),
            (receiving, "elapsed", world.elapsed),
            (deciding, "asyncio", Loop(world)),
            (attachments, "new_id", world.new_id),
            (Carrying, "_holding", unheld),
            (polling, "_EACH", timedelta(0)),
        ):
            stack.enter_context(patch.object(module, name, stand_in))
        try:
            yield world
        finally:
            for process in world.processes:
                process.kill()
