"""Taking in what people type in customers' threads, what they edit and delete there, and what they decide about it."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import structlog

from bot import metrics
from bot.domain.message import Origin, Request
from bot.domain.reply import Edit, Removal, Reply
from bot.domain.rules import Replies
from bot.errors import NotStored, UsageError
from bot.services.accepting import PATIENCE, Accepting
from bot.slack.markup import named
from bot.storage.channels import NewRule, note_usual_rule, rule_of, set_rules
from bot.storage.held import Heed, Terms
from bot.storage.replies import Typed, take_replies
from bot.storage.reply_edits import Changed, Removed, correction_of, edit_replies, end_correction, remove_replies
from bot.storage.store import Store

log = structlog.get_logger(__name__)


@dataclass(eq=False)
class Replying:
    store: Store
    accepting: Accepting
    terms: Terms
    notes: asyncio.Event  # set when there is something to tell somebody privately

    async def take(self, typed: Reply | Edit | Removal) -> str:
        """Store what somebody typed, edited or deleted; a copy changes nothing. Returns its `Heed`.

        Wakes no announcer: nobody is called before Slack has its answer (see `Guard`). After NotStored nothing was
        taken in: have Slack repeat it.
        """
        match typed:
            case Reply():
                heed = await self.store.write(take_replies, Typed(typed, self.terms), patience=PATIENCE)
            case Edit(reply=reply):
                plain = named(reply.text, {}) if reply.drafted else reply.text
                heed = await self.store.write(edit_replies, Changed(typed, plain, self.terms), patience=PATIENCE)
            case Removal():
                heed = await self.store.write(remove_replies, Removed(typed, self.terms), patience=PATIENCE)
        known = heed in tuple(Heed)
        metrics.replies.labels(str(heed) if known else "refused").inc()
        if heed not in (Heed.STRANGE, Heed.KNOWN):
            log.debug("typed", kind=type(typed).__name__.lower(), heed=str(heed))
            self.notes.set()
        return heed

    async def note_usual_rule(self) -> None:
        """Note the rule of channels that have none of their own, to be called at the start. Raises NotStored."""
        await self.store.write(note_usual_rule, self.terms.rule, patience=PATIENCE)

    async def rule(self, channel: str) -> tuple[Replies, bool]:
        """Return a channel's rule, and whether somebody set it there. Raises NotStored."""
        own = await self.store.read(lambda tx: rule_of(tx, channel))
        return own or self.terms.rule, own is not None

    async def set_rule(self, channel: str, rule: Replies, by: str) -> None:
        """Set a channel's rule, which is said aloud there. Raises NotStored."""
        if await self.store.write(set_rules, NewRule(channel, rule, by), patience=PATIENCE):
            log.info("rule_set", channel=channel, rule=str(rule), by=by)
            self.notes.set()

    async def correct(self, message_id: UUID, text: str, author: str, team: str) -> None:
        """Send a correction, once, as a text of its own. Raises UsageError with the reason, NotStored: try again."""
        found = await self.store.read(lambda tx: correction_of(tx, message_id, author))
        if found is None:
            raise UsageError("this was offered too long ago, or sent already. Write it in the thread.")
        if not text.strip():
            raise UsageError("there is no text.")
        _, line, customer, channel = found
        origin = Origin(f"correction:{message_id.hex}", team, channel, author)
        await self.accepting.accept(Request(customer, text, line), origin, may_repeat=True)
        with suppress(NotStored):  # it is on its way, and its words are wiped once they expire
            await self.store.write(end_correction, message_id, patience=PATIENCE)
