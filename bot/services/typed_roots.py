"""What is done about words that a person typed, in the place of posting and editing a root of ours."""

from dataclasses import dataclass

import structlog

from bot.domain.delivery import Service
from bot.domain.mark import DELIVERED, mark_of
from bot.domain.thread import Thread
from bot.errors import Refused
from bot.services.alarming import Alarming
from bot.services.naming import Naming
from bot.services.permitting import Permitting
from bot.services.tracking import Tracking
from bot.slack.calls import NO_ACCESS, NO_SCOPE, NO_TOKEN, NOT_THE_PLACE
from bot.slack.notifier import Notifier
from bot.storage.held import Terms
from bot.storage.threads import Outcome

log = structlog.get_logger(__name__)


@dataclass(eq=False)
class TypedRoots:
    notifier: Notifier
    permitting: Permitting
    naming: Naming
    tracking: Tracking
    alarming: Alarming
    terms: Terms

    async def admit(self, thread: Thread) -> Outcome:
        """Find out whether the author may text, before anything of it is marked, asked or sent."""
        said = thread.message
        try:
            await self.permitting.check_in(thread.asked_in, said.author, *said.team.split())
        except Refused as error:
            if error.code in NOT_THE_PLACE:
                raise
            log.info("reply_not_permitted", thread_id=thread.id, code=error.code)
            await self.tracking.fail_unsent(thread.sends, error.code)
            note = "" if said.is_note else f"reply:{error.code}"
            return Outcome(thread.closed_for(error.code), note=note, forgets=True, shared=True)
        named = (await self.naming.named(said.text), self.terms) if said.origin == "drafted" else None
        asks = "reply:question" if said.held_until is not None else ""
        return Outcome(thread.admitted(), note=asks, admits=True, named=named, shared=True)

    async def mark(self, thread: Thread) -> Outcome:
        """Put the newest mark on the words; what Slack does not let us mark is said in words from then on."""
        mark = mark_of(thread.message, thread.sends)
        try:
            await self.notifier.mark(thread.channel, thread.typed_ts or "", mark)
        except Refused as error:
            if error.code in NO_TOKEN | NO_ACCESS:
                raise
            log.warning("not_marked", thread_id=thread.id, code=error.code)
            if error.code in NO_SCOPE:
                await self.alarming.cannot_mark()
            return Outcome(thread.marked(mark), speaks=True, shared=True)
        as_sms = mark == DELIVERED and any(send.known.service is Service.SMS for send in thread.sends)
        return Outcome(thread.marked(mark), tells_of_sms=as_sms, shared=True)
