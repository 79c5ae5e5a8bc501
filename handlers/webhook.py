"""Sendblue's other way of reporting: the account's webhook, one address for every text.

Nothing in its address is secret, so the secret in its header is required. What it says of a text whose own callback
said the same is the same news.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bot.sendblue.wire import parse_account_report
from bot.services.tracking import Tracking
from handlers.callbacks import is_one_of, outcome, read_report

log = structlog.get_logger(__name__)


class Webhook:
    """secrets: any of them is accepted; none: there is no such door."""

    def __init__(self, tracking: Tracking, clock: Callable[[], datetime], *, secrets: Sequence[str]) -> None:
        self._tracking = tracking
        self._clock = clock
        self._secrets = secrets

    async def account(self, request: Request) -> Response:
        """`POST /sendblue/webhook`."""
        if not self._secrets:
            return PlainTextResponse("not found\n", 404)
        if not is_one_of(request.headers.get("sb-signing-secret", ""), self._secrets):
            log.warning("account_webhook_refused")
            return PlainTextResponse("wrong secret\n", 401)
        return await outcome(self._hear(request))

    async def _hear(self, request: Request) -> None:
        body, form = await read_report(request)
        report = parse_account_report(body, now=self._clock(), form=form)
        if report is not None:
            await self._tracking.apply_by_handle(report)
