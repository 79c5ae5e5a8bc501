"""Sendblue's POSTs: status callbacks.

They are not signed, come repeatedly, late and out of order, and are lost after a few tries. So each URL carries our
message id and a token that nobody can guess, a report is stored before it is answered, and everything understood is
answered 200: only a report that could not be stored is worth sending again.
"""

import hmac
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from structlog.contextvars import bound_contextvars

from bot.domain.message import Report
from bot.errors import NotStored, UnreadableReport
from bot.sendblue.wire import parse_report
from bot.services.tracking import Tracking
from handlers.guard import TooLarge, read_body

log = structlog.get_logger(__name__)

LARGEST_CALLBACK = 64 * 1024
"""Bytes."""


class CallbackTokens:
    """The unguessable part of a callback URL: an HMAC of the message id.

    secrets: the first signs, all are accepted, so that one can be replaced without losing callbacks.
    """

    def __init__(self, public_url: str, secrets: Sequence[str]) -> None:
        self._public_url = public_url
        self._secrets = [secret.encode() for secret in secrets]

    def url(self, message_id: UUID) -> str:
        """Return where Sendblue reports on this message."""
        return f"{self._public_url}/sendblue/status/{message_id.hex}/{self._token(message_id, self._secrets[0])}"

    def are_right(self, message_id: UUID, token: str) -> bool:
        """Whether the token belongs to the id. Takes the same time whichever is wrong."""
        given, right = token.encode(errors="replace"), False
        for secret in self._secrets:
            right |= hmac.compare_digest(self._token(message_id, secret).encode(), given)
        return right

    def _token(self, message_id: UUID, secret: bytes) -> str:
        return hmac.new(secret, message_id.bytes, sha256).hexdigest()[:40]


class Callbacks:
    """Sendblue's door. webhook_secrets: when set, a *wrong* one in the header is refused; none is normal."""

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
        self._webhook_secrets = [secret.encode() for secret in webhook_secrets]

    async def status(self, request: Request) -> Response:
        """`POST /sendblue/status/{message_id}/{token}`."""
        message_id = _message_id(request.path_params["message_id"])
        if message_id is None or not self._tokens.are_right(message_id, request.path_params["token"]):
            return PlainTextResponse("not found\n", 404)
        if not self._secret_is_acceptable(request):
            return PlainTextResponse("wrong secret\n", 401)
        with bound_contextvars(message_id=str(message_id)):
            try:
                report = await self._read(request)
                await self._tracking.apply(message_id, report)
            except TooLarge:
                return PlainTextResponse("too large\n", 413)
            except ClientDisconnect:
                return PlainTextResponse("incomplete\n", 400)
            except UnreadableReport as error:
                log.warning("callback_unreadable", reason=str(error))
                return PlainTextResponse(f"{error}\n", 400)
            except NotStored:
                return PlainTextResponse("not stored, please send it again\n", 503)
        return PlainTextResponse("ok\n")

    async def _read(self, request: Request) -> Report:
        body = await read_body(request, largest=LARGEST_CALLBACK)
        form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        return parse_report(body, source="callback", now=self._clock(), form=form)

    def _secret_is_acceptable(self, request: Request) -> bool:
        given = request.headers.get("sb-signing-secret")
        if given is None or not self._webhook_secrets:
            return True
        right = False
        for secret in self._webhook_secrets:
            right |= hmac.compare_digest(given.encode(errors="replace"), secret)
        return right


def _message_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
