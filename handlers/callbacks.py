"""Sendblue's status callbacks.

They are not signed, come repeatedly, late and out of order, and are lost after a few tries. So each URL carries our
message id and a token that nobody can guess, a report is stored before it is answered, and everything understood is
answered 200: only a report that could not be stored is worth sending again.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from starlette.types import Receive, Scope

from bot.sendblue.tokens import CallbackTokens
from bot.sendblue.wire import parse_report
from bot.services.tracking import Tracking
from handlers.http import Answer, Headers, headers_of, knows_one_of, outcome, read_report


class Callbacks:
    """Reports on one text each. webhook_secrets: where there are some, a *wrong* one in a header is refused."""

    def __init__(
        self,
        tracking: Tracking,
        tokens: CallbackTokens,
        clock: Callable[[], datetime],
        *,
        webhook_secrets: Sequence[str],
    ) -> None:
        self._tracking = tracking
        self._tokens = tokens
        self._clock = clock
        self._webhook_secrets = webhook_secrets

    async def status(self, scope: Scope, receive: Receive) -> Answer:
        """`POST /sendblue/status/{message_id}/{token}`."""
        *_, named, token = scope["path"].split("/")
        message_id = _message_id(named)
        if message_id is None or not self._tokens.are_right(message_id, token):
            return Answer(404, b"not found\n")
        headers = headers_of(scope)
        given = headers.get(b"sb-signing-secret")
        if given is not None and self._webhook_secrets and not knows_one_of(self._webhook_secrets, given):
            return Answer(401, b"wrong secret\n")
        return await outcome(self._hear(message_id, headers, receive), message_id)

    async def _hear(self, message_id: UUID, headers: Headers, receive: Receive) -> None:
        body, form = await read_report(headers, receive)
        await self._tracking.apply(message_id, parse_report(body, source="callback", now=self._clock(), form=form))


def _message_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
