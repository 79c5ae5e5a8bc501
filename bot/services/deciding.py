"""What a person decides in a thread about a text in doubt, or one that was not sent."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from bot.domain.ids import new_id
from bot.errors import CallFailed, Refused
from bot.services.accepting import PATIENCE
from bot.services.permitting import Permitting
from bot.slack import answers
from bot.slack.notifier import Notifier
from bot.slack.wording import Post
from bot.storage.decisions import NewDecision, asked_in, decide_many
from bot.storage.store import Store

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Click:
    who: str
    teams: tuple[str, ...]  # the workspace of the click, and the person's own, where Slack says it
    channel: str
    answer_url: str


@dataclass(eq=False)
class Deciding:
    store: Store
    notifier: Notifier
    permitting: Permitting
    _notes: set[asyncio.Task[None]] = field(default_factory=set, init=False)

    async def decide(self, message_id: UUID, choice: str, click: Click) -> None:
        """Record a click; it counts once, and only while there is something to decide. Raises NotStored.

        choice: "resend" or "leave". A person whose click does not count is told why, privately; that note may get lost.
        """
        try:
            if not await self._may_be_decided(message_id, click.channel):
                raise Refused("not_here")
            await self.permitting.check(click.who, *click.teams)
        except CallFailed as error:
            self.note(click, answers.not_permitted(error.code))
            return
        decision = NewDecision(message_id, choice, click.who, new_id(self.store.clock()))
        decided = await self.store.write(decide_many, decision, patience=PATIENCE)
        log.info("decided", message_id=message_id, choice=choice, counted=decided.counted)
        if not decided.counted:
            self.note(click, answers.in_vain(decided.message))

    async def _may_be_decided(self, message_id: UUID, channel: str) -> bool:
        """Of a thread that had to move to a direct message, the place where its text was typed counts."""
        if not self.permitting.allows_place(channel) and channel.startswith("D"):
            channel = await self.store.read(lambda tx: asked_in(tx, message_id))
        return self.permitting.allows_place(channel)

    def note(self, click: Click, text: str) -> None:
        """Tell the person who clicked something only they see, without keeping Slack waiting."""
        task = asyncio.create_task(self._note(click, text))
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    async def _note(self, click: Click, text: str) -> None:
        with suppress(CallFailed):
            await self.notifier.answer(click.answer_url, text)
            return
        post_id = f"note-{new_id(self.store.clock()).hex}"
        try:
            await self.notifier.post(click.who, Post(f"About your click. {text}", []), id=post_id)
        except CallFailed as error:
            log.info("note_lost", code=error.code)

    async def close(self, *, grace: float) -> None:
        if self._notes:
            await asyncio.wait(self._notes, timeout=grace)
        for note in self._notes:
            note.cancel()
