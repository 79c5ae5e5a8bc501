"""What a person decides in a thread about a text in doubt, or one that was not sent."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

import structlog

from bot.domain.ids import new_id
from bot.errors import CallFailed, Refused
from bot.services.permitting import Permitting
from bot.slack import answers
from bot.slack.notifier import Notifier
from bot.slack.wording import Post
from bot.storage.decisions import Decision, asked_in, decide_many
from bot.storage.store import Store

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Click:
    """Who clicked and where. teams: the workspace of the click, and the person's own, where Slack says it."""

    who: str
    teams: tuple[str, ...]
    channel: str
    answer_url: str


class Deciding:
    """Records clicks."""

    def __init__(self, store: Store, notifier: Notifier, permitting: Permitting) -> None:
        self._store = store
        self._notifier = notifier
        self._permitting = permitting
        self._notes: set[asyncio.Task[None]] = set()

    async def decide(self, message_id: UUID, choice: str, click: Click) -> None:
        """Record a click; it counts once, and only while there is something to decide.

        choice: "resend" or "leave". Whoever clicked in vain is told why, privately; that note alone may get lost.

        Raises:
            NotStored: nothing was recorded.
        """
        who, answer_url = click.who, click.answer_url
        try:
            if not await self._may_be_decided(message_id, click.channel):
                raise Refused("not_here")
            await self._permitting.check(who, *click.teams)
        except CallFailed as error:
            self.note(who, answer_url, answers.not_permitted(error.code))
            return
        decision = Decision(message_id, choice, who, new_id(self._store.clock()))
        decided = await self._store.write(decide_many, decision, patience=1.4)
        log.info("decided", message_id=str(message_id), choice=choice, counted=decided.counted)
        if not decided.counted:
            self.note(who, answer_url, answers.in_vain(decided.message))

    async def _may_be_decided(self, message_id: UUID, channel: str) -> bool:
        """A thread that had to move to a direct message is of the place where its text was typed."""
        if not self._permitting.allows_place(channel) and channel.startswith("D"):
            channel = await self._store.read(lambda tx: asked_in(tx, message_id))
        return self._permitting.allows_place(channel)

    def note(self, who: str, answer_url: str, text: str) -> None:
        """Tell whoever clicked something only they see, without keeping Slack waiting."""
        task = asyncio.create_task(self._note(who, answer_url, text))
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    async def _note(self, who: str, answer_url: str, text: str) -> None:
        try:
            await self._notifier.answer(answer_url, text)
        except CallFailed:
            await self._note_directly(who, text)

    async def _note_directly(self, who: str, text: str) -> None:
        post_id = f"note-{new_id(self._store.clock()).hex}"
        try:
            await self._notifier.post(who, Post(f"About your click. {text}", []), id=post_id)
        except CallFailed as error:
            log.info("note_lost", code=error.code)

    async def close(self, *, grace: float) -> None:
        """Wait for the notes under way, for so many seconds."""
        if self._notes:
            await asyncio.wait(self._notes, timeout=grace)
        for note in self._notes:
            note.cancel()
