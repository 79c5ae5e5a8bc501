"""Sendblue's other way of reporting: the account's webhook, one address for every text.

Nothing in its address is secret, so the secret in its header is required. What it says of a text whose own callback
said the same is the same news.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from starlette.types import Receive, Scope

from bot.sendblue.wire import parse_account_report
from bot.services.tracking import Tracking
from handlers.http import Answer, Headers, headers_of, knows_one_of, outcome, read_report

log = structlog.get_logger(__name__)


class Webhook:
    """The account's webhook. secrets: any of them is accepted; none: there is no such route."""

    def __init__(self, tracking: Tracking, clock: Callable[[], datetime], *, secrets: Sequence[str]) -> None:
        self._tracking = tracking
        self._clock = clock
        self._secrets = secrets

    async def account(self, scope: Scope, receive: Receive) -> Answer:
        """`POST /sendblue/webhook`."""
        if not self._secrets:
            return Answer(404, b"not found\n")
        headers = headers_of(scope)
        if not knows_one_of(self._secrets, headers.get(b"sb-signing-secret", b"")):
            log.warning("account_webhook_refused", at_will=True)
            return Answer(401, b"wrong secret\n")
        return await outcome(self._hear(headers, receive))

    async def _hear(self, headers: Headers, receive: Receive) -> None:
        body, form = await read_report(headers, receive)
        report = parse_account_report(body, now=self._clock(), form=form)
        if report is not None:
            await self._tracking.apply_by_handle(report)
