"""Telling one person what is for them alone: as an answer to their command or click, else as a direct message."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot.domain.backoff import Chance, backoff
from bot.domain.rules import Durations
from bot.errors import CallFailed, NotSent, Refused
from bot.services.announcing import NOT_THE_PLACE
from bot.services.worker import Job
from bot.slack import answers
from bot.slack.notifier import Notifier
from bot.slack.wording import Post
from bot.storage.claims import Capacity
from bot.storage.private_notes import PrivateNote, Tried, claim_notes, finish_notes
from bot.storage.rows import load_sends
from bot.storage.shown import load_shown
from bot.storage.store import Store

log = structlog.get_logger(__name__)

_LEASE = timedelta(seconds=60)
_LONGEST_PAUSE = 40  # seconds, as for threads
_ANSWER_TRIES = 2  # where hooks.slack.com cannot be reached, a direct message says it within a minute


@dataclass(eq=False)
class Noting:
    store: Store
    notifier: Notifier
    durations: Durations
    chance: Chance

    async def claim(self, capacity: int) -> tuple[list[Job], datetime | None]:
        claimed = await self.store.write(claim_notes, Capacity(capacity, _LEASE))
        return [partial(self.tell, note) for note in claimed.items], claimed.soonest

    async def tell(self, note: PrivateNote) -> None:
        """Say it. A try that ended without an answer is repeated: a private line twice harms nobody."""
        again_at = None
        try:
            await self._say(note)
        except CallFailed as error:
            if isinstance(error, Refused) and error.code not in NOT_THE_PLACE:  # they can be reached no way at all
                log.error("sender_out_of_reach", about=note.about_id, code=error.code)  # noqa: TRY400 - expected
            else:
                again_at = self.store.clock() + self._pause(note, error)
        await self.store.write_until_stored(finish_notes, Tried(note, again_at))

    def _pause(self, note: PrivateNote, failed: CallFailed) -> timedelta:
        if isinstance(failed, NotSent) and failed.retry_after is not None:
            return timedelta(seconds=failed.retry_after)
        return backoff(note.failures, self.chance, first=1, longest=_LONGEST_PAUSE)

    async def _say(self, note: PrivateNote) -> None:
        text, elsewhere = await self._words(note)
        if not text:
            return
        try:
            await self.notifier.answer(note.answer_url, text)
        except (Refused, NotSent) as error:
            if isinstance(error, NotSent) and note.failures < _ANSWER_TRIES:
                raise
            await self.notifier.post(note.person, Post(elsewhere, []), id=f"note-{note.key}")

    async def _words(self, note: PrivateNote) -> tuple[str, str]:
        """Return the words, and the same for a direct message, where nobody sees what they are about. "": no more."""
        if note.says in ("moved", "closed"):
            thread = await self.store.read(lambda tx: load_shown(tx, note.about_id))
            if thread is None:
                return "", ""
            text = answers.private_note(thread, note.says, watched_for=self.durations.watch_for)
            return text, answers.elsewhere(thread, text)
        if note.says == "in_vain":
            sends = await self.store.read(lambda tx: load_sends(tx, [note.about_id]))
            text = answers.in_vain(sends.get(note.about_id))
        else:
            text = answers.not_permitted(note.says)
        return text, answers.about_click(text)
