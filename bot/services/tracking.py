"""What became of a send: the only writer of delivery state."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

import structlog

from bot import metrics
from bot.domain.backoff import Chance
from bot.domain.delivery import Delivery
from bot.domain.known import Report
from bot.domain.rules import Durations
from bot.domain.send import Send
from bot.storage.reports import Applied, Heard, apply_many, owners_of
from bot.storage.store import Store

log = structlog.get_logger(__name__)

_counter = cache(metrics.reports.labels)  # finding a counter takes longer than counting


@dataclass(eq=False)
class Tracking:
    store: Store
    announce: asyncio.Event  # set when there is something to tell
    send: asyncio.Event  # set when the next text may go
    durations: Durations
    chance: Chance

    async def apply(self, send_id: UUID, report: Report, *, until_stored: bool = False) -> Applied:
        """Merge one report into its send: the same one any number of times, in any order, from any process.

        After NotStored nothing has changed; whoever brought the report should bring it again. until_stored: wait for a
        database that is away; for news that nobody would bring again.
        """
        # Up to a quarter longer than asked for, so that a burst of sends is not polled as a burst.
        quiet_for = self.durations.stale_after * (1 + self.chance() / 4)
        write = self.store.write_until_stored if until_stored else self.store.write
        applied = await write(apply_many, Heard(send_id, report, quiet_for, self.durations.sent_waits))
        status = "other" if report.delivery is None else report.delivery.name.lower()
        _counter(report.source, status, "yes" if applied.learnt else "no").inc()
        send = applied.send
        if send is None or not applied.learnt:
            return applied
        delivery = send.known.delivery.name
        if applied.rose:
            age = self.store.clock() - send.words.accepted_at
            metrics.milestones.labels(delivery.lower()).observe(age.total_seconds())
        log.debug("report_applied", send_id=send.id, source=report.source, word=report.word, delivery=delivery)
        self.announce.set()
        if applied.lets_others_go:
            self.send.set()
        return applied

    async def apply_by_handle(self, report: Report) -> bool:
        """As `apply`, for a report that names its send by Sendblue's handle alone; returns whether that is known."""
        handle = report.handle or ""
        owners = await self.store.read(lambda tx: owners_of(tx, [handle]))
        if handle in owners:
            await self.apply(owners[handle], report)
        return handle in owners

    async def fail_unsent(self, sends: Iterable[Send], code: str) -> None:
        """Record of texts that nobody has tried to send that they never will be sent, and why. Raises as `apply`."""
        report = Report("bot", self.store.clock(), Delivery.FAILED, error_code=code, if_still=Delivery.ACCEPTED)
        for send in sends:
            await self.apply(send.id, report)

    async def end_if_over(self, send: Send, by: datetime) -> None:
        """Record that by then its watch is over, or that people are to decide about its doubt. Raises as `apply`."""
        now, durations = self.store.clock(), self.durations
        if by - send.words.accepted_at >= durations.watch_for:
            await self.apply(send.id, Report("bot", now, unconfirmed=True))
        elif send.known.delivery is Delivery.UNCERTAIN and by - send.in_doubt_since >= durations.doubt_window:
            await self.apply(send.id, Report("bot", now, asked=True, if_still=Delivery.UNCERTAIN))
