"""What a person decides in a thread about a text in doubt, or one that was not sent."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import structlog

from bot.domain.ids import new_id
from bot.domain.private_note import PrivateNote
from bot.errors import CallFailed, Refused
from bot.services.accepting import PATIENCE
from bot.services.permitting import Permitting
from bot.slack.notifier import Notifier
from bot.storage.decisions import NewDecision, asked_in, decide_many
from bot.storage.private_notes import owe_notes
from bot.storage.store import Store

log = structlog.get_logger(__name__)

_AT_ONCE = 1.0  # seconds: Slack waits three for an answer to the click


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
    notes: asyncio.Event  # set when there is something to tell somebody privately

    async def decide(self, send_id: UUID, choice: str, click: Click) -> None:
        """Record a click; it counts once, and only while there is something to decide. Raises NotStored.

        choice: "resend" or "leave". A person whose click does not count is told why, privately.
        """
        try:
            if not await self._may_be_decided(send_id, click.channel):
                raise Refused("not_here")
            await self.permitting.check(click.who, *click.teams)
        except CallFailed as error:
            await self.owe(click, error.code, send_id)
            return
        decision = NewDecision(send_id, choice, click.who, new_id(self.store.clock()))
        decided = await self.store.write(decide_many, decision, patience=PATIENCE)
        log.info("decided", send_id=send_id, choice=choice, counted=decided.counted)
        if not decided.counted:
            await self.owe(click, "in_vain", send_id)

    async def _may_be_decided(self, send_id: UUID, channel: str) -> bool:
        """Of a thread that had to move to a direct message, the place where its text was typed counts."""
        if not self.permitting.allows_place(channel) and channel.startswith("D"):
            channel = await self.store.read(lambda tx: asked_in(tx, send_id))
        return self.permitting.allows_place(channel)

    async def owe(self, click: Click, says: str, send_id: UUID) -> None:
        """Have the person who clicked told something only they see (`PrivateNote.says`). Raises NotStored."""
        key = f"click:{new_id(self.store.clock()).hex}"
        note = PrivateNote(key, click.who, click.answer_url, says, send_id)
        await self.store.write(owe_notes, note, patience=PATIENCE)
        self.notes.set()

    async def say_now(self, click: Click, text: str) -> None:
        """Tell them what could not even be stored, if Slack takes it at once."""
        with suppress(CallFailed, TimeoutError):
            async with asyncio.timeout(_AT_ONCE):
                await self.notifier.answer(click.answer_url, text)
