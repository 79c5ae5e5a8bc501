"""Taking in what customers say, and what was sent to them from elsewhere.

From the webhook as it comes, and from Sendblue's lists whatever the webhook missed.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, partial

import structlog
from msgspec.structs import replace

from bot import metrics
from bot.domain.clock import elapsed
from bot.domain.message import Inbound
from bot.domain.rules import Durations
from bot.domain.splitting import split_text
from bot.domain.thread import LONGEST_SHOWN
from bot.errors import CallFailed, NotSent
from bot.sendblue.client import Sendblue
from bot.services.alarming import Alarming
from bot.services.worker import Job
from bot.storage.elsewhere import WAITS, SentElsewhere, take_sent
from bot.storage.inbound import Arrival, take_many
from bot.storage.places import give_place
from bot.storage.progress import Read, Reading, ReadingCapacity, claim_reading, note_reading
from bot.storage.store import Store

log = structlog.get_logger(__name__)

_counter = cache(metrics.inbound.labels)  # finding a counter takes longer than counting

_LEASE = timedelta(seconds=60)
_OVERLAP = timedelta(minutes=10)  # read again each time: the list lags behind
# From one page to the next: a seventh of the 100 requests that Sendblue takes in 10 s.
_EACH = timedelta(seconds=0.7)
_LAG = timedelta(minutes=2)  # of the list of what went out, most of which is ours; what must wait keeps the mark back


@dataclass(eq=False)
class Receiving:
    store: Store
    sendblue: Sendblue
    wake: Callable[[], None]  # called when there is something to show
    lines: Sequence[str]  # E.164
    inbox: str  # the channel for what has no thread; "": none
    durations: Durations
    alarming: Alarming
    has_webhook: bool  # whether it is to bring what customers say; or the list alone does
    _began: bool = field(default=False, init=False)

    async def take(self, said: Inbound, source: str, *, quiet: bool = False) -> bool:
        """Store what was said; returns whether it was new. A copy changes nothing; after NotStored bring it again.

        quiet: nobody is called for it.
        """
        if said.line not in self.lines:
            _counter(source, "not_ours").inc()
            return False
        parts = split_text(said.text, LONGEST_SHOWN)
        new = False
        for number, text in enumerate(parts, start=1):
            part = replace(said, text=text, part=number, files=said.files if number == 1 else ())
            arrival = Arrival(part, self.inbox, by_webhook=source == "webhook", quiet=quiet)
            new |= await self.store.write(take_many, arrival)
        _counter(source, "new" if new else "known").inc()
        if new:
            self.wake()
        if new and source == "list" and self.has_webhook:
            await self.alarming.answer_without_webhook(said.at)
        return new

    async def take_sent(self, said: Inbound, source: str) -> bool:
        """Show a text that was not sent from here in its customer's thread; returns whether it is to be brought again.

        That it is while it may be one of ours, whose call has no answer yet. Raises NotStored.
        """
        if said.line not in self.lines:
            return False
        text = said.text if len(said.text) <= LONGEST_SHOWN else f"{said.text[: LONGEST_SHOWN - 2]} …"
        taken = await self.store.write(take_sent, SentElsewhere(replace(said, text=text), self.durations.doubt_window))
        if taken == "new":
            log.info("sent_elsewhere", source=source)
            self.wake()
        return taken == WAITS

    async def line_blocked(self, line: str) -> None:
        """Have operators told that Sendblue blocked a line, if it is one of ours. Raises NotStored."""
        if line in self.lines:
            await self.alarming.line_blocked(line)

    async def claim(self, _capacity: int) -> tuple[list[Job], datetime | None]:
        """Take a line whose list is due to be read. At the first time all are: customers wrote while we were away."""
        keys = [f"{kind}:{line}" for kind in ("inbound", "outbound") for line in self.lines]
        if self.inbox:
            placed: int = await self.store.write(give_place, self.inbox)
            if placed:
                self.wake()
        claimed = await self.store.write(claim_reading, ReadingCapacity(keys, _LEASE, _EACH, not self._began))
        self._began = True
        return [partial(self.catch_up, reading) for reading in claimed.items], claimed.soonest

    async def catch_up(self, reading: Reading) -> None:
        """Store every page of the list since the mark, then move the mark to when we began, by Sendblue's clock."""
        began = elapsed()
        try:
            done = await self._read_all(reading)
        except CallFailed as error:
            log.warning("catch_up_without_answer", code=error.code)
            done = False
        at = self.sendblue.now() - timedelta(seconds=elapsed() - began) if done else reading.at
        await self.store.write(note_reading, Read(reading, at, self.durations.catch_up_interval))

    async def _read_all(self, reading: Reading) -> bool:
        """Return whether all pages are stored. Raises Refused or NotSent.

        Each is stored as it comes. Where they do not come oldest first, all are read before any of them is stored.
        """
        kind, line = reading.key.split(":", 1)
        outbound = kind == "outbound"
        # What the first reading of a line brings was written before the bot listened there.
        take = self._take_sent_ones if outbound else partial(self._take_ones, quiet=reading.fence == 1)
        since = min(reading.at, self.sendblue.now()) - (_LAG if outbound else _OVERLAP)
        seen, offset, held, all_taken = set[str](), 0, list[Inbound](), True
        last = datetime.min.replace(tzinfo=UTC)
        while True:
            page = await self.sendblue.said(line, since, offset=offset, outbound=outbound)
            _counter("list", "unreadable").inc(page.unreadable)
            times = [last, *(one.at for one in page.said)]
            if held or times != sorted(times):
                held += page.said
            else:
                all_taken &= await take(page.said)
            last, nothing_new = times[-1], seen.issuperset(page.names)
            if page.more is False or not page.names or (nothing_new and page.more is None):
                held.reverse()  # where it begins with the newest, equal times stand the other way round
                return await take(sorted(held, key=_when)) and all_taken
            if nothing_new:
                raise NotSent("list_without_end")
            seen.update(page.names)
            offset += len(page.names)
            if not await self.store.write(note_reading, Read(reading, reading.at, _LEASE)):
                return False  # somebody else goes on with it
            await asyncio.sleep(_EACH.total_seconds())

    async def _take_ones(self, said: Sequence[Inbound], *, quiet: bool) -> bool:
        found = await asyncio.gather(*(self.take(one, "list", quiet=quiet) for one in said))
        if any(found):
            log.info("caught_up", count=sum(found))
        return True

    async def _take_sent_ones(self, said: Sequence[Inbound]) -> bool:
        return not any([await self.take_sent(one, "list") for one in said])


def _when(said: Inbound) -> datetime:
    return said.at
