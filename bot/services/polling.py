"""Asking Sendblue about messages that went quiet, and looking for evidence of those in doubt."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot import metrics
from bot.domain.backoff import Chance, backoff
from bot.domain.delivery import Delivery
from bot.domain.message import Message, Report
from bot.domain.rules import Durations
from bot.errors import NotSent, Refused
from bot.sendblue.client import Sendblue
from bot.services.alarming import Alarming
from bot.services.tracking import Tracking
from bot.services.worker import Job
from bot.storage.polls import PollCapacity, claim_polls, doubted_like, owned_handles
from bot.storage.store import Store

log = structlog.get_logger(__name__)


class Polling:
    """One question for each message that is due.

    each: seconds from one question of a kind to the next, over all
    processes. A poll is two requests at most and a doubt mostly one, so 0.35 leaves a tenth of the 100 that Sendblue
    takes in 10 s to the texts themselves.
    """

    def __init__(
        self,
        store: Store,
        sendblue: Sendblue,
        tracking: Tracking,
        alarming: Alarming,
        durations: Durations,
        chance: Chance,
        *,
        each: float = 0.35,
    ) -> None:
        self._store = store
        self._sendblue = sendblue
        self._tracking = tracking
        self._alarming = alarming
        self._stale_after = durations.stale_after.total_seconds()
        self._watch_for, self._doubt_window = durations.watch_for, durations.doubt_window
        self._chance = chance
        self._each = each

    async def claim_polls(self, capacity: int) -> tuple[list[Job], datetime | None]:
        """Take messages whose status is to be asked for by their handle."""
        return await self._claim("polls", capacity)

    async def claim_doubts(self, capacity: int) -> tuple[list[Job], datetime | None]:
        """Take messages without a handle, for which the list is to be looked through."""
        return await self._claim("doubts", capacity)

    async def _claim(self, key: str, capacity: int) -> tuple[list[Job], datetime | None]:
        wanted = PollCapacity(key, capacity, self._next_wait, timedelta(seconds=self._each))
        claimed = await self._store.write(claim_polls, wanted)
        after = (place * self._each for place in range(len(claimed.items)))
        return [partial(self.ask, *one) for one in zip(claimed.items, after, strict=True)], claimed.soonest

    def _next_wait(self, message: Message) -> timedelta:
        longest = max(3600, self._stale_after)
        wait = backoff(message.polls + 1, self._chance, first=self._stale_after, longest=longest)
        asking_in = message.in_doubt_since + self._doubt_window - self._store.clock()
        return min(wait, asking_in) if timedelta(0) < asking_in else wait

    async def ask(self, message: Message, after: float) -> None:
        """Ask about one claimed message, `after` seconds from now, and end what should be over by then."""
        await asyncio.sleep(after)
        try:
            news = await (self._look_for(message) if message.handle is None else self._poll(message, message.handle))
            metrics.polls.labels("news" if news else "nothing").inc()
        except (Refused, NotSent) as error:  # it stays as it is and is asked about again
            metrics.polls.labels("no_answer").inc()
            log.warning("poll_without_answer", message_id=str(message.id), code=error.code, polls=message.polls)
        now = self._store.clock()
        if now - message.accepted_at >= self._watch_for:
            await self._tracking.end_watch(message, at=now)
        elif message.delivery is Delivery.UNCERTAIN and now - message.in_doubt_since >= self._doubt_window:
            await self._tracking.hand_over(message, at=now)

    async def _poll(self, message: Message, handle: str) -> bool:
        """Return whether there was news."""
        reports = [await self._sendblue.status(handle)]
        if reports[0].delivery in (Delivery.SENT, Delivery.FAILED):
            # The short answer names neither the channel nor the error, and SENT is final only for SMS.
            with suppress(Refused, NotSent):
                reports.insert(0, await self._sendblue.message(handle))
        return any([await self._heard(message, report) for report in reports])

    async def _heard(self, message: Message, report: Report) -> bool:
        applied = await self._tracking.apply(message.id, report)
        if applied.rose and report.delivery is not None and report.delivery >= Delivery.SENT:
            await self._alarming.news_without_callback(message)
        return applied.learnt

    async def _look_for(self, message: Message) -> bool:
        """Search Sendblue's list for a text whose send ended without an answer. Presence proves; absence does not."""
        same = await self._sendblue.sent_like(message, self._store.age(message.in_doubt_since))
        handles = [report.handle for report in same if report.handle]
        # In this order: a twin that gets its handle meanwhile then owns it.
        twins = await self._store.read(lambda tx: doubted_like(tx, message))
        owned = await self._store.read(lambda tx: owned_handles(tx, handles))
        free = [report for report in same if report.handle and report.handle not in owned]
        if message.id in twins and len(free) == len(twins):
            # As many texts as doubts: all went out, and equal texts may be told apart in any way. With more, one of
            # them was sent by somebody else.
            return await self._heard(message, free[twins.index(message.id)])
        return False
