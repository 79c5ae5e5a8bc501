"""What seeds have found, told as short as possible: one world each, whose every step is chosen here."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from bot.domain.delivery import Delivery
from bot.domain.message import Origin, Request
from bot.services.deciding import Click
from tests.chaos.simulation.endings import check_rest
from tests.chaos.simulation.neighbours import BROKEN, BUSY, UNREACHED
from tests.chaos.simulation.processes import Job, Process
from tests.chaos.simulation.world import World, world_of


class Stage:
    """Two processes, honest neighbours unless a fate is given, and a clock that stands."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.alone, world.honest, world.guests = False, True, True
        world.channel_interval = world.line_interval = 5
        world.stale_after = 40
        world.dice.choice, world.dice.random = (lambda options: options[0]), (lambda: 0.9)
        self.a, self.b = world.processes = [Process(world, name) for name in "AB"]

    def go(self, *sleeping: Job) -> None:
        """Let everybody do everything there is to do."""
        while jobs := [job for process in (self.a, self.b) for job in process.ready() if job not in sleeping]:
            for job in jobs:
                job.step()

    def claim(self, process: Process, kind: str, *sleeping: Job) -> None:
        """Let a process ask what is due, and everybody do everything."""
        process.claim(kind)
        self.go(*sleeping)

    def stop(self, process: Process, kind: str, at: str) -> Job:
        """Let a process ask what is due; it, or the job it gets, goes on to a point."""
        process.claim(kind)
        job = process.claiming[kind]
        while job.point is None or at not in job.point.name:
            job.step()
            if job.over:  # what it has claimed is at work now
                [job] = process.ready()
        return job

    def wait(self, seconds: float) -> None:
        self.world.advance_to(self.world.now + timedelta(seconds=seconds))

    def type(self, channel: str = "C0ONE") -> None:
        key = f"key{len(self.world.watch.typed)}"
        self.world.watch.typed[key] += 1
        origin = Origin(key, "T1", channel, "U0ANA", f"answer-{key}")
        self.a.spawn("command", self.a.accept(Request("+14155552671", "Hi"), origin))
        self.go()

    def opened(self) -> None:
        """Have a text whose thread is open."""
        self.type()
        self.claim(self.a, "announce")
        self.wait(6)

    @property
    def rows(self) -> list[Any]:
        return sorted(self.world.watch.rows.values(), key=lambda row: row.accepted_at)


@pytest.fixture
def stage(quiet: None) -> Iterator[Stage]:
    with world_of(0) as world:
        yield Stage(world)


def test_a_root_whose_poster_slept_between_two_calls_is_posted_once(stage: Stage) -> None:
    stage.type("C0TWO")
    sleeper = stage.stop(stage.a, "announce", at="answers join")
    for seconds in (61, 3, 6):  # looked for, looked for again, posted by the other
        stage.wait(seconds)
        stage.claim(stage.b, "announce", sleeper)
    stage.go()


def test_a_channel_that_is_busy_for_a_second_keeps_its_longer_pace(stage: Stage) -> None:
    stage.type()
    stage.world.slack.fates = [BUSY]  # for one second, and five are between two posts
    stage.claim(stage.a, "announce")
    stage.wait(1)
    stage.claim(stage.a, "announce")


def test_a_text_that_certainly_did_not_leave_is_not_doubted(stage: Stage) -> None:
    stage.opened()
    stage.world.phone.fates = [UNREACHED]
    sleeper = stage.stop(stage.a, "send", at="to store release_sends")
    stage.wait(46)
    doubter = stage.stop(stage.b, "send", at="to store apply_many")
    stage.go(doubter)
    assert sleeper.over
    stage.go()


def test_a_listed_text_is_not_taken_for_its_twin_while_it_is_being_sent(stage: Stage) -> None:
    stage.opened()
    stage.world.phone.fates = [BROKEN]
    stage.claim(stage.a, "send")
    [doubted] = stage.rows
    assert doubted.delivery == Delivery.UNCERTAIN
    click = stage.a.deciding.decide(UUID(doubted.id), "resend", Click("U0ANA", ("T1",), "C0ONE", "answer-click"))
    stage.a.spawn("click", click)
    stage.go()
    due = datetime.fromisoformat(doubted.poll_at).replace(tzinfo=UTC)
    stage.wait((due - stage.world.now).total_seconds() - 5)
    sleeper = stage.stop(stage.a, "send", at="answers send")
    stage.wait(6)
    stage.claim(stage.b, "doubts", sleeper)
    stage.go()
    assert [row.delivery for row in stage.rows] == [Delivery.UNCERTAIN, Delivery.QUEUED]


def test_the_stage_is_like_the_seeds_worlds(stage: Stage) -> None:
    """Nothing is broken on the plain way."""
    stage.opened()
    stage.world.settle()
    check_rest(stage.world)
    [row] = stage.rows
    assert (row.delivery, row.unconfirmed) == (Delivery.QUEUED, True)  # on this stage phones stay off
