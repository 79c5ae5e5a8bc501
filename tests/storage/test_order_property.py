"""Whatever happens to the texts of two customers, in any order: each leaves in its turn, and none is left behind."""

import tempfile
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, multiple, rule, run_state_machine_as_test

from bot.domain.delivery import Delivery
from bot.domain.known import Report
from bot.domain.message import Origin
from bot.domain.send import Send
from bot.domain.thread import Step, Thread
from bot.storage.claims import Capacity
from bot.storage.database import open_database
from bot.storage.decisions import NewDecision, decide_many
from bot.storage.intake import accept_many
from bot.storage.postponing import Release, release_sends
from bot.storage.reports import Heard, apply_many
from bot.storage.rows import SEND
from bot.storage.schema import migrate
from bot.storage.sends import claim_sends
from bot.storage.threads import Outcome, claim_threads, finish_threads
from tests.conftest import LINE
from tests.making import a_new_message, a_send
from tests.statements import asking
from tests.storage.desk import Hand

CUSTOMERS = ("+14155550101", "+14155550102")
ALL = Capacity(50, timedelta(seconds=60))


class Conversations(RuleBasedStateMachine):
    """Does what the services do, one step of work at a time."""

    threads = Bundle("threads")
    leaving = Bundle("leaving")
    doubts = Bundle("doubts")

    def __init__(self) -> None:
        super().__init__()
        self.clock = Hand()
        self._ids = map(UUID, (f"{n:032x}" for n in count(1)))  # the same in every run: rows are taken in their order
        self._folder = tempfile.TemporaryDirectory()
        self.database = open_database(f"sqlite:///{self._folder.name}/texts.db", self.clock)
        migrate(self.database)
        self.let_wait: set[UUID] = set()  # parts that were parked once: others may have been let out before them

    def teardown(self) -> None:
        self._everything_ends()
        self.database.close()
        self._folder.cleanup()

    def do(self, work: Callable[..., Any], item: Any) -> Any:
        return self.database.write(lambda tx: next(iter(work(tx, [item]))))

    def sends(self) -> list[Any]:
        return self.database.read(asking(f"SELECT {SEND}, conversation_id, seq FROM sends ORDER BY seq, part"))

    @rule(customer=st.sampled_from(CUSTOMERS), parts=st.integers(1, 3))
    def accept(self, customer: str, parts: int) -> None:
        thread_id, now = next(self._ids), self.clock()
        texts = [
            a_send(next(self._ids), thread_id, customer, LINE, "Hi", now, now, part=n + 1, parts=parts)
            for n in range(parts)
        ]
        self.do(accept_many, a_new_message(Origin(str(thread_id), "T1", str(thread_id)[:30], "U1"), *texts))

    @rule(target=threads)
    def look_at_threads(self) -> Any:
        return multiple(*(task.thread for task in self.do(claim_threads, ALL).items if task.step is Step.OPEN))

    @rule(thread=consumes(threads), there=st.booleans())
    def open(self, thread: Thread, *, there: bool) -> None:
        if there:
            self.do(finish_threads, Outcome(thread.opened(thread.channel, "1.1", shown_rev=thread.rev)))
            return
        for send in thread.sends:
            self.hear(send, Delivery.FAILED, if_still=Delivery.ACCEPTED)
        self.do(finish_threads, Outcome(thread.closed_for("is_archived")))

    @rule(target=leaving)
    def send(self) -> Any:
        return multiple(*self._claimed())

    @rule(send=consumes(leaving), end=st.sampled_from([Delivery.QUEUED, Delivery.FAILED]))
    def answer(self, send: Send, end: Delivery) -> None:
        self.hear(send, end)

    @rule(target=doubts, send=consumes(leaving))
    def give_no_answer(self, send: Send) -> Send:
        self.hear(send, Delivery.UNCERTAIN)
        return send

    @rule(send=consumes(leaving), seconds=st.integers(0, 60))
    def be_busy(self, send: Send, seconds: int) -> None:
        self.do(release_sends, Release(send, timedelta(seconds=seconds)))

    @rule(send=consumes(doubts), end=st.sampled_from([Delivery.QUEUED, Delivery.FAILED]))
    def find_out(self, send: Send, end: Delivery) -> None:
        self.hear(send, end)

    @rule(send=doubts, choice=st.sampled_from(["resend", "leave"]))
    def decide(self, send: Send, choice: str) -> None:
        self.do(decide_many, NewDecision(send.id, choice, "U1", next(self._ids)))

    @rule(seconds=st.integers(1, 60))
    def wait(self, seconds: int) -> None:
        self.clock.now += timedelta(seconds=seconds)

    def hear(self, send: Any, delivery: Delivery, **fields: Any) -> None:
        handle = f"{send.id}" if delivery is Delivery.QUEUED else None
        report = Report("callback", self.clock(), delivery, delivery.name, handle=handle, **fields)
        self.do(apply_many, Heard(send.id, report, timedelta(minutes=2)))
        self.let_wait |= {row.id for row in self.sends() if row.parked}

    def _claimed(self) -> list[Send]:
        claimed: list[Send] = self.do(claim_sends, ALL).items
        for send in claimed:
            self._is_in_its_turn(send)
        return claimed

    def _is_in_its_turn(self, send: Send) -> None:
        """It leaves alone, and before it nothing waits that was accepted earlier."""
        [seat] = [(row.conversation_id, row.seq, row.part) for row in self.sends() if row.id == send.id]
        same = [row for row in self.sends() if row.conversation_id == seat[0]]
        assert [row.id for row in same if row.delivery is Delivery.SENDING] == [send.id], "several leave at once"
        waiting = [row for row in same if row.delivery is Delivery.ACCEPTED and row.try_number == 1]
        before = [row for row in waiting if (row.seq, row.part) < seat[1:] and row.id not in self.let_wait]
        assert not before, f"{send} leaves before {before}"

    def _everything_ends(self) -> None:
        """Once Slack and Sendblue answer, nothing waits but what is behind a doubt."""
        while True:
            self.clock.now += timedelta(minutes=2)
            claimed = self.do(claim_threads, ALL)
            for task in claimed.items:
                self.do(finish_threads, Outcome(_done(task.step, task.thread)))
            sending = [row for row in self.sends() if row.delivery is Delivery.SENDING]
            for row in sending:
                self.hear(row, Delivery.QUEUED)
            if not (self._claimed() or sending or claimed.items or claimed.soonest):  # a round may only move a thread
                break
        by_message: dict[UUID, list[Any]] = defaultdict(list)
        for row in self.sends():
            by_message[row.message_id].append(row)
        for rows in by_message.values():
            for row in (row for row in rows if row.delivery is Delivery.ACCEPTED):
                doubted = any(one.delivery is Delivery.UNCERTAIN and one.part < row.part for one in rows)
                assert (row.parked, doubted) == (True, True), f"nothing is before it: {row}"


def _done(step: Step, thread: Thread) -> Thread:
    match step:
        case Step.OPEN:
            return thread.opened(thread.channel, "1.1", shown_rev=thread.rev)
        case Step.LOOK:
            return thread.not_posted()
        case Step.REPLY:
            return thread.replied()
        case _:
            return thread.edited()


def test_each_leaves_in_its_turn_and_none_is_left_behind() -> None:
    fully = settings(max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Conversations, settings=fully)
