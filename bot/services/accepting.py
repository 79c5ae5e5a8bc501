"""Taking in what a person asked to have sent, and what they ask about it."""

import asyncio
from dataclasses import dataclass, field

import structlog
from msgspec.structs import replace

from bot.domain.ids import new_id
from bot.domain.known import Known
from bot.domain.message import Origin, Request
from bot.domain.send import Send, Words
from bot.domain.splitting import split_text
from bot.errors import CallFailed, MaybeStored, NotStored, Refused, UsageError
from bot.sendblue.wire import LONGEST_TEXT
from bot.services.permitting import Permitting
from bot.slack.reasons import reason
from bot.storage.history import Filter, find_sends
from bot.storage.intake import Accepted, NewMessage, Routes, Taken, accept_many
from bot.storage.store import Store

log = structlog.get_logger(__name__)

PATIENCE = 1.4  # seconds for the database while a person waits: Slack waits three for an answer
_AT_ONCE = 1.0  # seconds for Slack after that
_MOST_REMEMBERED = 10_000  # gestures; a request is not repeated for longer than its signature holds


@dataclass(eq=False)
class Accepting:
    store: Store
    routes: Routes
    permitting: Permitting
    _refused: dict[str, None] = field(default_factory=dict, init=False)  # keys of gestures, oldest first

    async def accept(self, request: Request, origin: Origin, *, may_repeat: bool = False) -> tuple[Accepted, int]:
        """Store a request; when this returns, it will be sent or visibly not sent. A replay changes nothing.

        Returns where it goes, and in how many parts.

        Wakes no worker: nobody is called before the person has their answer (see `Guard`). After NotStored nothing will
        be sent, not even later, nor if the network repeats the request: that is what the person was told. The same
        holds after UsageError: the customer has opted out, the line they were last in touch on is no longer ours, or
        the conversation goes on in a private place. may_repeat: but who asked is told to try the same again.
        """
        if origin.key in self._refused:
            raise NotStored("given up before")
        now = self.store.clock()
        message_id, thread_id = new_id(now), new_id(now)
        texts = split_text(request.text, LONGEST_TEXT)
        to, line, style = request.recipient, request.line or self.routes.lines[0], request.style
        words = [Words(to, line, text, now, part, len(texts), style) for part, text in enumerate(texts, start=1)]
        words[0] = replace(words[0], media_url=request.media_url)
        sends = tuple(Send(new_id(now), message_id, thread_id, one, Known(now)) for one in words)
        chosen = request.line is not None
        message = NewMessage(message_id, thread_id, origin, request.text, sends, self.routes, chosen)
        try:
            accepted = await self.store.write(accept_many, message, patience=PATIENCE)
        except NotStored as error:
            if not (may_repeat or isinstance(error, MaybeStored)):
                self._remember(origin.key)
            raise
        if accepted.taken > Taken.NEW:
            if not may_repeat:
                self._remember(origin.key)
            raise UsageError(await self._why(accepted, origin))
        log.debug("request_accepted", thread_id=thread_id, parts=len(texts), replay=accepted.taken is Taken.KNOWN)
        return accepted, len(texts)

    async def _why(self, accepted: Accepted, origin: Origin) -> str:
        """Return why nothing is stored, which says something of a customer: only to those who may text customers."""
        why, whom = reason(accepted.taken.name.lower()), "somebody there"
        try:
            async with asyncio.timeout(_AT_ONCE):
                await self.permitting.check(origin.author, origin.team)
            whom = f"<@{accepted.whom}>" if accepted.whom else whom
        except Refused as error:
            return reason(error.code)
        except (CallFailed, TimeoutError):
            pass  # not known: nobody is named
        return why.replace("{lines}", " or ".join(self.routes.lines)).replace("{whom}", whom)

    def _remember(self, key: str) -> None:
        self._refused[key] = None
        if len(self._refused) > _MOST_REMEMBERED:
            del self._refused[next(iter(self._refused))]  # the oldest

    async def last_of(self, author: str, recipient: str | None) -> list[Send]:
        """Return a person's last sends. recipient: only those to this number (E.164). Raises NotStored."""
        return await self.store.read(lambda tx: find_sends(tx, Filter(author=author, number=recipient, limit=5)))
