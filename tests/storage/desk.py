"""A store with a clock that is turned by hand, and shorthands for what services ask of it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from bot.domain.delivery import Delivery
from bot.domain.known import Report
from bot.domain.message import Origin
from bot.domain.send import Send
from bot.domain.thread import Step, Thread
from bot.storage.claims import Capacity
from bot.storage.intake import Taken, accept_many
from bot.storage.polls import PollCapacity, claim_polls
from bot.storage.reports import Heard, apply_many
from bot.storage.sends import claim_sends
from bot.storage.store import Store
from bot.storage.threads import Outcome, claim_threads, finish_threads
from tests.conftest import LINE
from tests.making import a_new_message, a_send

SECOND, LEASE = timedelta(seconds=1), timedelta(seconds=60)


class Hand:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Desk:
    """A store with a hand-turned clock and shorthands."""

    def __init__(self, store: Store, clock: Hand, number: int = 0) -> None:
        self.store, self.clock, self.number = store, clock, number

    async def polls(self, ask: PollCapacity) -> list[Send]:
        return (await self.store.write(claim_polls, ask)).items

    async def accept(
        self, channel: str = "C1", line: str = LINE, parts: int = 1, customer: str | None = None
    ) -> list[UUID]:
        """Store a text of so many parts, to a customer of its own if none is named."""
        self.number += 1
        customer = customer or f"+141555526{self.number:02}"
        thread_id, now = uuid4(), self.clock()
        texts = tuple(
            a_send(uuid4(), thread_id, customer, line, "Hi", now, now, part=part, parts=parts)
            for part in range(1, parts + 1)
        )
        origin = Origin(f"key {self.number}", "T1", channel, "U1")
        accepted = await self.store.write(accept_many, a_new_message(origin, *texts))
        assert accepted.taken is Taken.NEW
        return [send.id for send in texts]

    async def threads(self, count: int = 10, interval: timedelta = SECOND) -> list[tuple[Step, Thread]]:
        claimed = await self.store.write(claim_threads, Capacity(count, LEASE, interval))
        return [(task.step, task.thread) for task in claimed.items]

    async def open(self, thread: Thread) -> bool:
        opened = thread.opened(thread.channel, "1.1", shown_rev=thread.rev)
        return await self.store.write(finish_threads, Outcome(opened))

    async def sends(self, interval: timedelta = SECOND) -> list[Send]:
        return (await self.store.write(claim_sends, Capacity(10, LEASE, interval))).items

    async def hear(self, send_id: UUID, delivery: Delivery, **fields: object) -> Send:
        report = Report("callback", self.clock(), delivery, delivery.name, **fields)  # type: ignore[arg-type]
        applied = await self.store.write(apply_many, Heard(send_id, report, timedelta(seconds=120)))
        assert applied.send is not None
        return applied.send
