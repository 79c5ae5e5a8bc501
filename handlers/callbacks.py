"""Sendblue's status callbacks: not signed, repeated, late, out of order, and lost after a few tries.

So each URL carries our message id and a token that nobody can guess, and is answered 200 once the report is stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from starlette.types import Receive, Scope

from bot.domain.clock import Clock
from bot.sendblue.tokens import CallbackTokens
from bot.sendblue.wire import parse_report
from bot.services.tracking import Tracking
from handlers.http import NOT_FOUND, WRONG_SECRET, Answer, headers_of, knows_one_of, take_report


@dataclass(repr=False)
class Callbacks:
    tracking: Tracking
    tokens: CallbackTokens
    clock: Clock
    webhook_secrets: Sequence[str]  # where there are some, a *wrong* one in a header is refused

    async def status(self, scope: Scope, receive: Receive) -> Answer:
        """`POST /sendblue/status/{message_id}/{token}`."""
        *_, named, token = scope["path"].split("/")
        try:
            message_id = UUID(named)
        except ValueError:
            return NOT_FOUND
        if not self.tokens.are_right(message_id, token):
            return NOT_FOUND
        headers = headers_of(scope)
        given = headers.get(b"sb-signing-secret")
        if given is not None and self.webhook_secrets and not knows_one_of(self.webhook_secrets, given):
            return WRONG_SECRET

        async def store(body: bytes, *, form: bool) -> None:
            await self.tracking.apply(message_id, parse_report(body, source="callback", now=self.clock(), form=form))

        return await take_report(headers, receive, store, str(message_id))
