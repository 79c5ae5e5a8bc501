"""Asking Sendblue about messages that went quiet, and ending what has waited too long."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from bot import metrics
from bot.domain.backoff import Chance, backoff
from bot.domain.delivery import Delivery
from bot.domain.message import Message, Report
from bot.errors import NotSent, Refused
from bot.sendblue.client import Sendblue
from bot.services.alarming import Alarming
from bot.services.tracking import Tracking
from bot.storage.attempts import PollAsk, claim_polls, doubted_like, owned_handles, unsent_since
from bot.storage.forgetting import forget_many
from bot.storage.rows import load_messages
from bot.storage.store import Store

log = structlog.get_logger(__name__)

_SKEW = timedelta(minutes=5)  # between Sendblue's clock and ours


class Sweeping:
    """One round per tick.

    stale_after, watch_for, doubt_window, send_within, keep_text_for: seconds. per_round: messages. each: seconds from
    one to the next, over all processes. A question is two requests at most, so 0.25 leaves a fifth of the 100 that
    Sendblue takes in 10 s to the texts themselves.
    """

    def __init__(
        self,
        store: Store,
        sendblue: Sendblue,
        tracking: Tracking,
        alarming: Alarming,
        *,
        stale_after: float,
        watch_for: float,
        doubt_window: float,
        send_within: float,
        keep_text_for: float,
        chance: Chance,
        per_round: int = 120,
        each: float = 0.25,
        at_once: int = 4,
    ) -> None:
        self._store = store
        self._sendblue = sendblue
        self._tracking = tracking
        self._alarming = alarming
        self._stale_after = stale_after
        self._doubt_window = timedelta(seconds=doubt_window)
        self._watch_for = timedelta(seconds=watch_for)
        self._keep_text_for = timedelta(seconds=keep_text_for)
        self._send_within = timedelta(seconds=send_within)
        self._chance = chance
        self._per_round = per_round
        self._each = each
        self._slots = asyncio.Semaphore(at_once)

    async def once(self) -> int:
        """Do one round; return how many messages were asked about."""
        await self._end_what_waited_too_long()
        ask = PollAsk(self._per_round, self._next_wait, timedelta(seconds=self._each))
        silent = await self._store.write(claim_polls, ask)
        await asyncio.gather(*(self._ask(message, after=place * self._each) for place, message in enumerate(silent)))
        await self._alarming.once()
        return len(silent)

    async def forget(self) -> int:
        """Blank what people wrote once it is over and older than it may be kept; return how many messages."""
        total = 0
        while (count := await self._store.write(forget_many, self._keep_text_for)) > 0:
            total += count
        log.info("texts_forgotten", count=total)
        return total

    def _next_wait(self, message: Message) -> timedelta:
        longest = max(3600, self._stale_after)
        wait = backoff(message.polls + 1, self._chance, first=self._stale_after, longest=longest)
        asking_in = self._in_doubt_since(message) + self._doubt_window - self._store.clock()
        return min(wait, asking_in) if timedelta(0) < asking_in else wait

    def _in_doubt_since(self, message: Message) -> datetime:
        return message.attempted_at or message.accepted_at

    async def _end_what_waited_too_long(self) -> None:
        now = self._store.clock()
        ids = await self._store.read(lambda connection: unsent_since(connection, now - self._send_within))
        if ids:
            waiting = await self._store.read(lambda connection: load_messages(connection, ids))
            await self._tracking.give_up(list(waiting.values()), "too_late", at=now)

    async def _ask(self, message: Message, *, after: float) -> None:
        await asyncio.sleep(after)
        async with self._slots:
            try:
                news = await (
                    self._look_for(message) if message.handle is None else self._poll(message, message.handle)
                )
                metrics.polls.labels("news" if news else "nothing").inc()
            except (Refused, NotSent) as error:  # it stays as it is and is asked about again
                metrics.polls.labels("no_answer").inc()
                log.warning("poll_without_answer", message_id=str(message.id), code=error.code, polls=message.polls)
        now = self._store.clock()
        if now - message.accepted_at >= self._watch_for:
            await self._tracking.apply(message.id, Report("bot", now, unconfirmed=True))
        elif message.delivery is Delivery.UNCERTAIN and now - self._in_doubt_since(message) >= self._doubt_window:
            await self._tracking.apply(message.id, Report("bot", now, asked=True, if_still=Delivery.UNCERTAIN))

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
        since = self._store.outside(self._in_doubt_since(message)) - _SKEW
        listed = await self._sendblue.sent_to(message.recipient, message.line, since)
        same = [item.report for item in listed if item.may_be(message, since=since)]
        handles = [report.handle for report in same if report.handle]
        # In this order: a twin that gets its handle meanwhile then owns it.
        twins = await self._store.read(lambda connection: doubted_like(connection, message))
        owned = await self._store.read(lambda connection: owned_handles(connection, handles))
        free = [report for report in same if report.handle and report.handle not in owned]
        if message.id in twins and len(free) == len(twins):
            # As many texts as doubts: all went out, and equal texts may be told apart in any way. With more, one of
            # them was sent by somebody else.
            return await self._heard(message, free[twins.index(message.id)])
        return False
