"""Ending by the clock what waited too long, and forgetting what is over."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.domain.rules import Durations
from bot.services.alarming import Alarming
from bot.services.tracking import Tracking
from bot.storage.forgetting import forget_many, remove_conversations, remove_many, without_thread
from bot.storage.held import expire_replies
from bot.storage.polls import overdue
from bot.storage.postponing import unsent_since
from bot.storage.rows import load_sends
from bot.storage.store import Store
from bot.storage.waking import left_unshown, wake_to_show
from bot.storage.writer import Work

log = structlog.get_logger(__name__)

_LAST_ANSWERS = timedelta(minutes=1)  # for those under way when a watch or a doubt ends, or asked for at the start


@dataclass(eq=False)
class Sweeping:
    store: Store
    tracking: Tracking
    alarming: Alarming
    durations: Durations
    notes: asyncio.Event  # set when there is something to tell somebody privately
    began: datetime  # when this process did

    async def once(self) -> None:
        """Do one round: of each kind a few hundred at most, the others the next time."""
        await self.store.keep_time()
        await self._end_late_texts()
        while await self.store.write(expire_replies, None):
            self.notes.set()
        await self._end_what_is_overdue()
        if left := await self.store.read(left_unshown):
            await self.store.write(wake_to_show, left)
        await self.alarming.once()

    async def _end_late_texts(self) -> None:
        accepted_before = self.store.clock() - self.durations.send_within
        late = await self.store.read(lambda tx: load_sends(tx, unsent_since(tx, accepted_before)))
        await self.tracking.fail_unsent(late.values(), "too_late")

    async def _end_what_is_overdue(self) -> None:
        """Asking ends it as a rule (see `Polling.ask`); this does when Sendblue takes too long to be asked."""
        latest = self.store.clock() - _LAST_ANSWERS
        if latest < self.began:
            return
        watched, doubted = latest - self.durations.watch_for, latest - self.durations.doubt_window
        late = await self.store.read(
            lambda tx: load_sends(tx, overdue(tx, watched_since=watched, doubted_since=doubted))
        )
        for send in late.values():
            await self.tracking.end_if_over(send, latest)

    async def forget(self) -> int:
        """Blank what people wrote long ago, and remove what is older still. Returns how many sends were blanked."""
        texts = await self._repeat(forget_many, self.durations.keep_text_for)
        threads = await self._repeat(remove_many, self.durations.keep_history_for)
        if texts or threads:
            while conversations := await self.store.read(
                without_thread
            ):  # by a reader, which keeps nobody from writing
                await self.store.write(remove_conversations, conversations)
            await self.store.erase()
        log.info("texts_forgotten", count=texts, removed=threads)
        return texts

    async def _repeat(self, work: Work[timedelta, int], age: timedelta) -> int:
        """Work in slices, between which others are served."""
        total = 0
        while (count := await self.store.write(work, age)) > 0:
            total += count
        return total
