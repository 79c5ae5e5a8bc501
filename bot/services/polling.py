"""Asking Sendblue about sends that went quiet, and looking for evidence of those in doubt."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot import metrics
from bot.domain.backoff import Chance, backoff
from bot.domain.delivery import Delivery
from bot.domain.known import Report
from bot.domain.rules import Durations
from bot.domain.send import Send
from bot.errors import NotSent, Refused
from bot.sendblue.client import Sendblue
from bot.services.alarming import Alarming
from bot.services.tracking import Tracking
from bot.services.worker import Job
from bot.storage.polls import PollCapacity, claim_polls, doubted_like
from bot.storage.reports import owners_of
from bot.storage.store import Store

log = structlog.get_logger(__name__)

# From one question of a kind to the next, over all processes. A poll is two requests at most and a doubt mostly one, so
# this leaves a tenth of the 100 that Sendblue takes in 10 s to the texts themselves.
_EACH = timedelta(seconds=0.35)


@dataclass(eq=False)
class Polling:
    store: Store
    sendblue: Sendblue
    tracking: Tracking
    alarming: Alarming
    durations: Durations
    chance: Chance

    async def claim(self, key: str, capacity: int) -> tuple[list[Job], datetime | None]:
        """Take sends to ask about: "polls" by their handle; "doubts", which have none, in Sendblue's list."""
        claimed = await self.store.write(claim_polls, PollCapacity(key, capacity, self._next_wait, _EACH))
        return [partial(self.ask, send, n * _EACH) for n, send in enumerate(claimed.items)], claimed.soonest

    def _next_wait(self, send: Send) -> timedelta:
        stale_after = self.durations.stale_after.total_seconds()
        wait = backoff(send.schedule.polls + 1, self.chance, first=stale_after, longest=max(3600, stale_after))
        asking_in = send.in_doubt_since + self.durations.doubt_window - self.store.clock()
        return min(wait, asking_in) if timedelta(0) < asking_in else wait

    async def ask(self, send: Send, after: timedelta) -> None:
        """Ask about one claimed send, so long from now, and end what should be over by then."""
        await asyncio.sleep(after.total_seconds())
        handle, polls = send.known.handle, send.schedule.polls
        try:
            news = await (self._look_for(send) if handle is None else self._poll(send, handle))
            metrics.polls.labels("news" if news else "nothing").inc()
        except (Refused, NotSent) as error:  # it stays as it is and is asked about again
            metrics.polls.labels("no_answer").inc()
            log.warning("poll_without_answer", send_id=send.id, code=error.code, polls=polls)
        await self.tracking.end_if_over(send, self.store.clock())

    async def _look_for(self, send: Send) -> bool:
        """Search Sendblue's list, which lags behind by a minute and more: presence proves, absence does not."""
        same = await self.sendblue.sent_like(send, self.store.age(send.in_doubt_since))
        # In this order: a twin that gets its handle meanwhile then owns it.
        twins = await self.store.read(lambda tx: doubted_like(tx, send))
        owned = await self.store.read(lambda tx: owners_of(tx, [report.handle or "" for report in same]))
        free = [report for report in same if report.handle and report.handle not in owned]
        if send.id not in twins or len(free) != len(twins):  # with more, one of them was sent by somebody else
            return False
        # As many texts as doubts: all went out, and equal texts may be told apart in any way.
        return await self._heard(send, free[twins.index(send.id)])

    async def _poll(self, send: Send, handle: str) -> bool:
        reports = [await self.sendblue.status(handle)]
        if reports[0].delivery in (Delivery.SENT, Delivery.FAILED):
            # The short answer names neither the channel nor the error, and SENT is final only for SMS.
            with suppress(Refused, NotSent):
                reports.insert(0, await self.sendblue.message(handle))
        return any([await self._heard(send, report) for report in reports])

    async def _heard(self, send: Send, report: Report) -> bool:
        """Return whether it was news."""
        applied = await self.tracking.apply(send.id, report)
        if applied.rose and report.delivery is not None and report.delivery >= Delivery.SENT:
            await self.alarming.news_without_callback(send)
        return applied.learnt
