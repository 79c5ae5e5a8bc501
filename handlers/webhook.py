"""Sendblue's other way of reporting: the account's webhook, one address for every text, with a secret in a header."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from starlette.types import Receive, Scope

from bot.domain.clock import Clock
from bot.sendblue.wire import parse_account_report
from bot.services.tracking import Tracking
from handlers.http import NOT_FOUND, WRONG_SECRET, Answer, headers_of, knows_one_of, take_report

log = structlog.get_logger(__name__)


@dataclass(repr=False)
class Webhook:
    tracking: Tracking
    clock: Clock
    secrets: Sequence[str]  # any of them is accepted; where there are none, there is no such route

    async def account(self, scope: Scope, receive: Receive) -> Answer:
        if not self.secrets:
            return NOT_FOUND
        headers = headers_of(scope)
        if not knows_one_of(self.secrets, headers.get(b"sb-signing-secret", b"")):
            log.warning("account_webhook_refused", at_will=True)
            return WRONG_SECRET
        return await take_report(headers, receive, self._store)

    async def _store(self, body: bytes, *, form: bool) -> None:
        if (report := parse_account_report(body, now=self.clock(), form=form)) is not None:
            await self.tracking.apply_by_handle(report)
