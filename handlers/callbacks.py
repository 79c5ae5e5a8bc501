"""Sendblue's reports: each text's status callbacks, and the account's webhook, one address for every text.

Callbacks are not signed, repeated, late, out of order, and lost after a few tries. So each URL carries our message id
and a token that nobody can guess; the webhook has a secret in a header. A report is answered 200 once it is stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from starlette.types import Receive, Scope

from bot.domain.clock import Clock
from bot.sendblue.tokens import CallbackTokens
from bot.sendblue.wire import parse_account_report, parse_report
from bot.services.tracking import Tracking
from handlers.http import Answer, headers_of, knows_one_of, take_report

log = structlog.get_logger(__name__)

_NOT_FOUND = Answer(404, b"not found\n")
_WRONG_SECRET = Answer(401, b"wrong secret\n")


@dataclass(repr=False)
class Callbacks:
    tracking: Tracking
    tokens: CallbackTokens
    clock: Clock
    webhook_secrets: Sequence[str]  # any of them is accepted; where there are none, the account has no route

    async def status(self, scope: Scope, receive: Receive) -> Answer:
        """`POST /sendblue/status/{message_id}/{token}`. It needs no secret, but a *wrong* one is refused."""
        *_, named, token = scope["path"].split("/")
        try:
            message_id = UUID(named)
        except ValueError:
            return _NOT_FOUND
        if not self.tokens.are_right(message_id, token):
            return _NOT_FOUND
        headers = headers_of(scope)
        given = headers.get(b"sb-signing-secret")
        if given is not None and self.webhook_secrets and not knows_one_of(self.webhook_secrets, given):
            return _WRONG_SECRET

        async def store(body: bytes, *, form: bool) -> None:
            await self.tracking.apply(message_id, parse_report(body, source="callback", now=self.clock(), form=form))

        return await take_report(headers, receive, store, str(message_id))

    async def account(self, scope: Scope, receive: Receive) -> Answer:
        """`POST /sendblue/webhook`."""
        if not self.webhook_secrets:
            return _NOT_FOUND
        headers = headers_of(scope)
        if not knows_one_of(self.webhook_secrets, headers.get(b"sb-signing-secret", b"")):
            log.warning("account_webhook_refused", at_will=True)
            return _WRONG_SECRET

        async def store(body: bytes, *, form: bool) -> None:
            if (report := parse_account_report(body, now=self.clock(), form=form)) is not None:
                await self.tracking.apply_by_handle(report)

        return await take_report(headers, receive, store)
