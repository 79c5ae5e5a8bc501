"""Sendblue's POSTs: status callbacks.

They are not signed, come repeatedly, late and out of order, and are lost after a few tries. So each URL carries our
message id and a token that nobody can guess, a report is stored before it is answered, and everything understood is
answered 200: only a report that could not be stored is worth sending again.
"""

import hmac
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import UUID

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from bot.errors import NotStored, UnreadableReport
from bot.sendblue.tokens import CallbackTokens
from bot.sendblue.wire import parse_report
from bot.services.tracking import Tracking
from handlers.guard import TooLarge, read_body

log = structlog.get_logger(__name__)

LARGEST_CALLBACK = 64 * 1024
"""Bytes."""


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
        self._webhook_secrets = webhook_secrets

    async def status(self, request: Request) -> Response:
        """`POST /sendblue/status/{message_id}/{token}`."""
        message_id = _message_id(request.path_params["message_id"])
        if message_id is None or not self._tokens.are_right(message_id, request.path_params["token"]):
            return PlainTextResponse("not found\n", 404)
        given = request.headers.get("sb-signing-secret")
        if given is not None and self._webhook_secrets and not is_one_of(given, self._webhook_secrets):
            return PlainTextResponse("wrong secret\n", 401)
        return await outcome(self._hear(message_id, request), message_id)

    async def _hear(self, message_id: UUID, request: Request) -> None:
        body, form = await read_report(request)
        await self._tracking.apply(message_id, parse_report(body, source="callback", now=self._clock(), form=form))


def is_one_of(given: str, secrets: Sequence[str]) -> bool:
    """Whether somebody knows one of the secrets. Takes the same time whichever it is."""
    right = False
    for secret in secrets:
        right |= hmac.compare_digest(given.encode(errors="replace"), secret.encode())
    return right


async def read_report(request: Request) -> tuple[bytes, bool]:
    """Return the body, and whether it is a form rather than JSON. Raises as `read_body`."""
    body = await read_body(request, largest=LARGEST_CALLBACK)
    return body, request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")


async def outcome(heard: Awaitable[None], message_id: UUID | None = None) -> Response:
    """Answer a report once it is stored, or say why not. message_id: for the log."""
    try:
        await heard
    except TooLarge:
        return PlainTextResponse("too large\n", 413)
    except ClientDisconnect:
        return PlainTextResponse("incomplete\n", 400)
    except UnreadableReport as error:
        log.warning("callback_unreadable", reason=str(error), message_id=message_id and str(message_id))
        return PlainTextResponse(f"{error}\n", 400)
    except NotStored:
        return PlainTextResponse("not stored, please send it again\n", 503)
    return PlainTextResponse("ok\n")


def _message_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
