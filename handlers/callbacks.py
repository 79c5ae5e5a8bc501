"""Sendblue's reports: each text's status callbacks, and the account's webhook, one address for every text, both ways.

Callbacks are not signed, repeated, late, out of order, and lost after a few tries. So each URL carries our send id
and a token that nobody can guess; the webhook has a secret in a header. A report is answered 200 once it is stored.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog
from starlette.types import Receive, Scope

from bot import metrics
from bot.domain.clock import Clock
from bot.errors import NotStored, UnreadableReport
from bot.sendblue.inbound import parse_blocked_line, parse_inbound, sent_of
from bot.sendblue.tokens import CallbackTokens
from bot.sendblue.wire import fields_of, parse_account_report, parse_report
from bot.services.receiving import Receiving
from bot.services.tracking import Tracking
from handlers.http import Answer, Headers, headers_of, knows_one_of, read_body

log = structlog.get_logger(__name__)

LARGEST_REPORT = 64 * 1024  # bytes
_NOT_FOUND = Answer(404, b"not found\n")
_WRONG_SECRET = Answer(401, b"wrong secret\n")


@dataclass(repr=False)
class Callbacks:
    tracking: Tracking
    receiving: Receiving
    tokens: CallbackTokens
    clock: Clock
    webhook_secrets: Sequence[str]  # any of them is accepted; where there are none, the account has no route
    region: str  # for numbers without a country's code
    note_signature: Callable[[], Awaitable[object]]  # for doctor, which cannot see this process's metrics
    _noted: bool = field(default=False, init=False)

    async def status(self, scope: Scope, receive: Receive) -> Answer:
        """`POST /sendblue/status/{send_id}/{token}`. It needs no secret, but a *wrong* one is refused."""
        *_, named, token = scope["path"].split("/")
        try:
            send_id = UUID(named)
        except ValueError:
            return _NOT_FOUND
        if not self.tokens.are_right(send_id, token):
            return _NOT_FOUND
        headers = headers_of(scope)
        given = headers.get(b"sb-signing-secret")
        if given is not None and self.webhook_secrets and not knows_one_of(self.webhook_secrets, given):
            return _WRONG_SECRET
        return await self._taken(headers, receive, send_id)

    async def account(self, scope: Scope, receive: Receive) -> Answer:
        """`POST /sendblue/webhook`."""
        if not self.webhook_secrets:
            return _NOT_FOUND
        headers = headers_of(scope)
        if not knows_one_of(self.webhook_secrets, headers.get(b"sb-signing-secret", b"")):
            log.warning("account_webhook_refused", at_will=True)
            return _WRONG_SECRET
        signed = b"x-sendblue-signature" in headers  # it refuses nothing: nobody knows its key
        metrics.webhook_signatures.labels("yes" if signed else "no").inc()
        answer = await self._taken(headers, receive, None)
        if signed and not self._noted:
            self._noted = True  # before it is stored, so that many at once write it once
            try:
                await self.note_signature()
            except NotStored:
                self._noted = False
        return answer

    async def _taken(self, headers: Headers, receive: Receive, send_id: UUID | None) -> Answer:
        """Answer a report once it is stored, or say why not. send_id: None where its handle names the text."""
        body = await read_body(headers, receive, largest=LARGEST_REPORT)
        form = headers.get(b"content-type", b"").startswith(b"application/x-www-form-urlencoded")
        try:
            if send_id is not None:
                report = parse_report(body, source="callback", now=self.clock(), form=form)
                await self.tracking.apply(send_id, report)
            else:
                await self._take(fields_of(body, form=form))
        except UnreadableReport as error:
            of = send_id and str(send_id)
            log.warning("callback_unreadable", reason=str(error), send_id=of, at_will=True)
            return Answer(400, f"{error}\n".encode())
        except NotStored:
            return Answer(503, b"not stored, please send it again\n")
        return Answer(200, b"ok\n")

    async def _take(self, fields: Mapping[str, Any]) -> None:
        """Take in what the account's webhook brought, whatever it is. Raises UnreadableReport, NotStored."""
        now, region = self.clock(), self.region
        if (said := parse_inbound(fields, now=now, region=region)) is not None:
            await self.receiving.take(said, "webhook")
        elif (report := parse_account_report(fields, now=now)) is not None:
            if not await self.tracking.apply_by_handle(report):  # then perhaps it was not sent from here
                with suppress(UnreadableReport):  # it has a handle, which is all that news of a text needs
                    if (sent := sent_of(fields, now=now, region=region)) is not None:
                        await self.receiving.take_sent(sent, "webhook")  # if it must wait, the list brings it again
        elif (line := parse_blocked_line(fields, region=region)) is not None:
            await self.receiving.line_blocked(line)
