"""Handing texts to Sendblue, each at most once."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog
from msgspec.structs import replace

from bot import metrics
from bot.domain.backoff import Chance, backoff
from bot.domain.delivery import Delivery, HandleFrom
from bot.domain.known import Report
from bot.domain.rules import Durations
from bot.domain.send import Send
from bot.errors import CallFailed, NotSent, NotStored, Refused, Uncertain
from bot.sendblue.client import Sendblue
from bot.sendblue.failures import OPTED_OUT
from bot.services.tracking import Tracking
from bot.services.worker import Job
from bot.slack.reasons import LINE_BUSY
from bot.storage.claims import Capacity, Claimed
from bot.storage.opt_outs import note_refusal
from bot.storage.postponing import BusyLine, Release, release_sends, tell_of_busy_lines
from bot.storage.sends import claim_sends
from bot.storage.store import Store

log = structlog.get_logger(__name__)

_WORTH_SAYING = timedelta(seconds=5)  # a root just says "sending" of a text that waits for less
_OF_THE_WAY = frozenset({"no_connection", "proxy_refused", "unbuildable"})  # codes that say nothing of the line
MOST_TRIES = 8  # that certainly sent nothing: about four minutes with the backoff below


@dataclass(eq=False)
class Sending:
    store: Store
    sendblue: Sendblue
    tracking: Tracking
    durations: Durations
    callback_url: Callable[[UUID], str]  # send id → where Sendblue reports on it
    chance: Chance

    async def claim(self, capacity: int) -> tuple[list[Job], datetime | None]:
        claimed = await self.store.write(claim_sends, self.capacity(capacity))
        return await self.taken(claimed), claimed.soonest

    def capacity(self, count: int) -> Capacity:
        lease = self.durations.sendblue_timeout + timedelta(seconds=15)
        return Capacity(count, lease, self.durations.sendblue_send_interval)

    async def taken(self, claimed: Claimed[Send]) -> list[Job]:
        """Return what is to be done about what was claimed. What was abandoned becomes uncertain, not sent again."""
        # If still: a sender that slept may have woken and given it back, and then it certainly did not go out.
        now, still = self.store.clock(), Delivery.SENDING
        report = Report("bot", now, Delivery.UNCERTAIN, error_code="interrupted", if_still=still)
        never = Report("bot", now, Delivery.FAILED, error_code="opted_out", if_still=Delivery.ACCEPTED)
        for send_id in (*claimed.abandoned, *claimed.opted_out):
            with suppress(NotStored):  # it will be found again; what was claimed must be done
                await self.tracking.apply(send_id, never if send_id in claimed.opted_out else report)
        return [partial(self.deliver, send) for send in claimed.items]

    async def deliver(self, send: Send) -> None:
        """Make the call of one claimed send, once, and record what is known afterwards."""
        now = self.store.clock()
        if send.schedule.lease_until is not None and now >= send.schedule.lease_until:
            return  # we slept; somebody may have given it up meanwhile
        if now - send.words.accepted_at > self.durations.send_within:
            metrics.sends.labels("too_late").inc()
            await self.tracking.apply(send.id, Report("bot", now, Delivery.FAILED, error_code="too_late"))
            return
        try:
            outcome, report = "taken", await self.sendblue.submit(send, self.callback_url(send.id))
        except NotSent as error:
            metrics.sends.labels("postponed").inc()
            await self._later(send, error)
            return
        except (Refused, Uncertain) as error:
            outcome = "refused" if isinstance(error, Refused) else "uncertain"
            report = self._conclusion(error)
            if error.code in OPTED_OUT:
                await self.store.write_until_stored(note_refusal, send.words.recipient)
        metrics.sends.labels(outcome).inc()
        applied = await self.tracking.apply(send.id, report, until_stored=True)
        if applied.send is not None and applied.send.known.delivery is Delivery.SENDING:
            # Its handle belongs to another text: Sendblue may have sent nothing of ours.
            if report.delivery not in (Delivery.FAILED, Delivery.UNCERTAIN):
                report = self._conclusion(Uncertain("handle_of_another"))
            without = replace(report, handle=None, if_still=Delivery.SENDING)
            await self.tracking.apply(send.id, without, until_stored=True)

    async def _later(self, send: Send, error: NotSent) -> None:
        if send.schedule.attempts >= MOST_TRIES:
            await self.tracking.apply(send.id, self._conclusion(error), until_stored=True)
            return
        wait = backoff(send.schedule.attempts, self.chance, first=1, longest=60)
        rests = None if error.code in _OF_THE_WAY else wait  # a busy line is busy for every text on it
        why = error.code if self.store.clock() + wait - send.words.accepted_at > _WORTH_SAYING else ""
        log.warning("send_postponed", send_id=send.id, code=error.code, attempts=send.schedule.attempts)
        await self.store.write_until_stored(release_sends, Release(send, wait, rests, why))
        if rests is not None and why:
            await self.store.write_until_stored(tell_of_busy_lines, BusyLine(send.words.line, rests, LINE_BUSY))

    def _conclusion(self, error: CallFailed) -> Report:
        """Return what is known after a call that did not end with a yes."""
        report = Report("send", self.store.clock(), error_code=error.code, error_text=error.reason, handle=error.handle)
        if isinstance(error, Uncertain):
            return replace(report, delivery=Delivery.UNCERTAIN, handle_from=HandleFrom.OWN)
        return replace(report, delivery=Delivery.FAILED, handle_from=HandleFrom.REFUSAL)
