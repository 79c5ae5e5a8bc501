"""What became of a message: the only writer of delivery state."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from uuid import UUID

import structlog

from bot import metrics
from bot.domain.backoff import Chance
from bot.domain.delivery import Delivery
from bot.domain.message import Message, Report
from bot.domain.rules import Durations
from bot.storage.handles import owners_of
from bot.storage.reports import Applied, Heard, apply_many
from bot.storage.store import Store

log = structlog.get_logger(__name__)


_counter = cache(metrics.reports.labels)
"""Finding a counter takes longer than counting."""


class Tracking:
    """Merges reports, from wherever they come.

    stale_after: seconds of silence after which Sendblue is asked. announce: set when there is something to tell. send:
    when the next part may go.
    """

    def __init__(
        self, store: Store, announce: asyncio.Event, send: asyncio.Event, durations: Durations, chance: Chance
    ) -> None:
        self._store = store
        self._announce = announce
        self._send = send
        self._durations = durations
        self._chance = chance

    async def apply(self, message_id: UUID, report: Report, *, until_stored: bool = False) -> Applied:
        """Merge one report into its message.

        Safe to call with the same report any number of times, in any order, from any process.

        until_stored: wait for a database that is away; for news that nobody would bring again.

        Raises:
            NotStored: nothing changed; whoever brought the report should bring it again.
        """
        # Up to a quarter longer than asked for, so that a burst of messages is not polled as a burst.
        quiet_for = self._durations.stale_after * (1 + self._chance() / 4)
        write = self._store.write_until_stored if until_stored else self._store.write
        applied = await write(apply_many, Heard(message_id, report, quiet_for, self._durations.sent_waits))
        self._count(report, applied)
        if applied.learnt:
            log.debug(
                "report_applied",
                message_id=message_id,
                source=report.source,
                word=report.word,
                delivery=applied.message.delivery.name if applied.message else "",
            )
            self._announce.set()
            if applied.message is not None and applied.message.part < applied.message.parts:
                self._send.set()
        return applied

    async def apply_by_handle(self, report: Report) -> None:
        """Merge a report that names its message by Sendblue's handle alone; an unknown one changes nothing.

        Raises as `apply`.
        """
        handle = report.handle or ""
        owners = await self._store.read(lambda tx: owners_of(tx, [handle]))
        if handle in owners:
            await self.apply(owners[handle], report)

    def _count(self, report: Report, applied: Applied) -> None:
        status = "other" if report.delivery is None else report.delivery.name.lower()
        _counter(report.source, status, "yes" if applied.learnt else "no").inc()
        if applied.rose and applied.message is not None:
            age = self._store.clock() - applied.message.accepted_at
            metrics.milestones.labels(applied.message.delivery.name.lower()).observe(age.total_seconds())

    async def fail_unsent(self, messages: Sequence[Message], code: str, *, at: datetime) -> None:
        """Say of messages that nobody has tried to send that they never will be, and why."""
        for message in messages:
            report = Report("bot", at, Delivery.FAILED, error_code=code, if_still=Delivery.ACCEPTED)
            await self.apply(message.id, report)

    async def end_watch(self, message: Message, *, at: datetime) -> None:
        """Say that no confirmation came in the time a message is watched for. Raises as `apply`."""
        await self.apply(message.id, Report("bot", at, unconfirmed=True))

    async def hand_over(self, message: Message, *, at: datetime) -> None:
        """Ask people about a text still in doubt. Raises as `apply`."""
        await self.apply(message.id, Report("bot", at, asked=True, if_still=Delivery.UNCERTAIN))
