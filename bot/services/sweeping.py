"""Ending by the clock what waited too long, and forgetting what is over."""

from datetime import timedelta

import structlog

from bot.domain.rules import Durations
from bot.services.alarming import Alarming
from bot.services.tracking import Tracking
from bot.storage.forgetting import forget_many, remove_many
from bot.storage.polls import overdue
from bot.storage.postponing import unsent_since
from bot.storage.rows import load_messages
from bot.storage.store import Store
from bot.storage.writer import Work

log = structlog.get_logger(__name__)

_LAST_ANSWERS = timedelta(minutes=1)
"""For answers under way when a watch or a doubt ends, and for those that a process asks for when it starts."""


class Sweeping:
    """One round per tick."""

    def __init__(self, store: Store, tracking: Tracking, alarming: Alarming, durations: Durations) -> None:
        self._store = store
        self._tracking = tracking
        self._alarming = alarming
        self._durations = durations
        self._began = store.clock()

    async def once(self) -> None:
        """Do one round."""
        await self._store.keep_time()
        await self._end_late_texts()
        await self._end_what_is_overdue()
        await self._alarming.once()

    async def forget(self) -> int:
        """Blank what people wrote once it may not be kept any longer, and remove what is over for longer still.

        Returns how many messages were blanked. In slices, between which others are served.
        """
        texts = await self._repeat(forget_many, self._durations.keep_text_for)
        threads = await self._repeat(remove_many, self._durations.keep_history_for)
        if texts or threads:
            await self._store.erase()
        log.info("texts_forgotten", count=texts, removed=threads)
        return texts

    async def _repeat(self, work: Work[timedelta, int], age: timedelta) -> int:
        total = 0
        while (count := await self._store.write(work, age)) > 0:
            total += count
        return total

    async def _end_late_texts(self) -> None:
        now = self._store.clock()
        ids = await self._store.read(lambda tx: unsent_since(tx, now - self._durations.send_within))
        if ids:
            waiting = await self._store.read(lambda tx: load_messages(tx, ids))
            await self._tracking.fail_unsent(list(waiting.values()), "too_late", at=now)

    async def _end_what_is_overdue(self) -> None:
        """Asking ends it as a rule (see `Polling.ask`); this does when Sendblue takes too long to be asked."""
        now = self._store.clock()
        latest = now - _LAST_ANSWERS
        if latest < self._began:
            return
        watched_since, doubted_since = latest - self._durations.watch_for, latest - self._durations.doubt_window
        ids = await self._store.read(lambda tx: overdue(tx, watched_since=watched_since, doubted_since=doubted_since))
        late = await self._store.read(lambda tx: load_messages(tx, ids)) if ids else {}
        for message in late.values():
            if message.accepted_at < watched_since:
                await self._tracking.end_watch(message, at=now)
            else:
                await self._tracking.hand_over(message, at=now)
