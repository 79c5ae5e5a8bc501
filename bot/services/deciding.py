"""What a person decides in a thread: about a text in doubt or one that was not sent, and about texting at all."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from bot.domain.ids import new_id
from bot.domain.message import Notice
from bot.errors import CallFailed, NotStored
from bot.sendblue.client import Sendblue
from bot.services.accepting import PATIENCE
from bot.services.permitting import Permitting
from bot.slack.notifier import Notifier
from bot.slack.questions import correction
from bot.storage.carrying import copy_again
from bot.storage.decisions import NewDecision, OptOutClick, asked_in, decide_many, decide_opt_out
from bot.storage.held import Terms
from bot.storage.private_notes import PrivateNote, owe_notes
from bot.storage.replies import ReplyClick, decide_replies
from bot.storage.reply_edits import correction_of
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
    sendblue: Sendblue
    terms: Terms  # of what is typed
    announce: asyncio.Event  # set when there is something to show
    notes: asyncio.Event  # set when there is something to tell somebody privately
    _telling: set[asyncio.Task[None]] = field(default_factory=set, init=False)

    async def decide(self, send_id: UUID, choice: str, click: Click) -> None:
        """Record a click; it counts once, and only while there is something to decide. Raises NotStored.

        choice: "resend" or "leave". A person whose click does not count is told why, privately.
        """
        if not await self._is_permitted(click, send_id):
            return
        decision = NewDecision(send_id, choice, click.who, new_id(self.store.clock()))
        counted = await self.store.write(decide_many, decision, patience=PATIENCE)
        log.info("decided", send_id=send_id, choice=choice, counted=counted)
        if not counted:
            await self._owe(click, "in_vain", send_id)

    async def decide_opt_out(self, message_id: UUID, choice: Notice, click: Click) -> None:
        """Record what somebody decided about texting a customer at all, and tell Sendblue. Raises NotStored."""
        if not await self._is_permitted(click, message_id):
            return
        customer = await self.store.write(decide_opt_out, OptOutClick(message_id, choice, click.who), patience=PATIENCE)
        log.info("opt_out_decided", message_id=message_id, choice=choice, by=click.who, counted=bool(customer))
        if not customer:
            await self._owe(click, "opt_out_in_vain", message_id)
            return
        self.announce.set()
        if choice is not Notice.KEPT:  # beside it: the click is to be answered within three seconds
            telling = asyncio.create_task(self._tell_sendblue(customer, choice, click, message_id))
            self._telling.add(telling)
            telling.add_done_callback(self._telling.discard)

    async def decide_reply(self, message_id: UUID, choice: str, click: Click) -> None:
        """Obey what the author of held words clicked, and tell them what came of it. Raises NotStored.

        choice: "send", "keep" or "always".
        """
        if not await self._is_permitted(click, message_id):
            return
        decision = ReplyClick(message_id, choice, click.who, self.terms)
        became = await self.store.write(decide_replies, decision, patience=PATIENCE)
        log.info("reply_decided", message_id=message_id, choice=choice, by=click.who, became=became)
        await self._owe(click, f"click:{became}", message_id)
        self.announce.set()

    async def copy_again(self, attachment_id: UUID, click: Click) -> None:
        """Have a customer's file copied now. Raises NotStored."""
        if not await self._is_permitted(click, attachment_id):
            return
        again = await self.store.write(copy_again, attachment_id, patience=PATIENCE)
        await self._owe(click, "copied_again" if again else "copied_in_vain", attachment_id)

    async def offer_correction(self, message_id: UUID, trigger: str, click: Click) -> None:
        """Show who clicked the form with the new words of their text. trigger: the click's, good for three seconds."""
        if not await self._is_permitted(click, message_id):
            return
        found = await self.store.read(lambda tx: correction_of(tx, message_id, click.who))
        if found is None:
            await self._owe(click, "click:expired", message_id)
            return
        text, _, customer, _ = found
        with suppress(CallFailed, TimeoutError):  # the button is still there
            async with asyncio.timeout(_AT_ONCE):
                await self.notifier.open_view(trigger, correction(message_id.hex, text, customer))

    async def _tell_sendblue(self, customer: str, choice: Notice, click: Click, message_id: UUID) -> None:
        try:
            await self.sendblue.opt_out(customer, opted_out=choice is Notice.OPTED_OUT)
        except CallFailed as error:
            log.warning("sendblue_not_told_of_opt_out", code=error.code)
            with suppress(NotStored):  # the log has it
                await self._owe(click, "sendblue_not_told", message_id)

    async def _is_permitted(self, click: Click, about_id: UUID) -> bool:
        """Whether who clicked may decide, there; if not, they are told why."""
        channel = click.channel
        if not self.permitting.allows_place(channel) and channel.startswith("D"):
            # Of a thread that had to move to a direct message, the place where it was begun counts.
            channel = await self.store.read(lambda tx: asked_in(tx, about_id))
        try:
            await self.permitting.check_in(channel, click.who, *click.teams)
        except CallFailed as error:
            await self._owe(click, error.code, about_id)
            return False
        return True

    async def _owe(self, click: Click, says: str, about_id: UUID) -> None:
        """Have the person who clicked told something only they see (`PrivateNote.says`). Raises NotStored."""
        key = f"click:{new_id(self.store.clock()).hex}"
        note = PrivateNote(key, click.who, click.answer_url, says, about_id)
        await self.store.write(owe_notes, note, patience=PATIENCE)
        self.notes.set()

    async def say_now(self, click: Click, text: str) -> None:
        """Tell them what could not even be stored, if Slack takes it at once."""
        with suppress(CallFailed, TimeoutError):
            async with asyncio.timeout(_AT_ONCE):
                await self.notifier.answer(click.answer_url, text)
