"""In front of Bolt: what is too large, malformed or unsigned never reaches it.

Bolt parses before it verifies, so six kinds of unsigned garbage end in a traceback there, and a forged request's body
is logged. Source: slack_bolt 1.30, slack_sdk 3.47, observed.
"""

import hmac
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

log = structlog.get_logger(__name__)

LARGEST_FROM_SLACK = 512 * 1024
"""Bytes. A text of 40,000 characters, Slack's most, is form-encoded with up to twelve bytes a character."""

_SKEW = 60 * 5


class TooLarge(Exception):  # noqa: N818 - a door's own signal
    """The body is larger than it may be."""


async def read_body(request: Request, *, largest: int) -> bytes:
    """Return the body, reading no more than `largest` bytes of it.

    Raises:
        TooLarge: answer 413.
        ClientDisconnect: nobody is there to answer.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and len(declared) < 20 and int(declared) > largest:
        raise TooLarge
    body, more = bytearray(), True  # bytes would be copied whole with each piece, and pieces may be tiny
    while more:
        event = await request.receive()
        if event["type"] == "http.disconnect":
            raise ClientDisconnect
        body += event.get("body", b"")
        if len(body) > largest:
            raise TooLarge
        more = event.get("more_body", False)
    return bytes(body)


class Guard:
    """Slack's door: one route for commands, events and clicks.

    answered: called once an answer is on its way, so that no call to anybody comes before it.
    """

    def __init__(
        self,
        app: AsyncApp,
        signing_secret: str,
        answered: Callable[[], Awaitable[None]],
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._app = app
        self._answered = answered
        self._secret = signing_secret.encode()
        self._wall = wall

    async def events(self, request: Request) -> Response:
        """Let a well-formed, signed request through to Bolt."""
        try:
            body = await read_body(request, largest=LARGEST_FROM_SLACK)
        except TooLarge:
            return PlainTextResponse("too large\n", 413)
        except ClientDisconnect:
            return PlainTextResponse("incomplete\n", 400)
        if not self._signed(request, body):
            log.warning("unsigned_request_refused", bytes=len(body))
            return PlainTextResponse("not signed by Slack\n", 401)
        try:
            asked = _for_bolt(request, body.decode())
        except (ValueError, AttributeError, TypeError, LookupError, RecursionError):  # signed, and yet unreadable
            return PlainTextResponse("unreadable\n", 400)
        if asked.body.get("type") == "app_rate_limited":  # comes alone, and Bolt would answer 404
            log.warning("slack_rate_limits_events")
            return PlainTextResponse("")
        answer = await self._app.async_dispatch(asked)
        headers = {name: values[0] for name, values in answer.headers.items() if name.lower() != "content-length"}
        return Response(answer.body, answer.status, headers, background=BackgroundTask(self._answered))

    def _signed(self, request: Request, body: bytes) -> bool:
        timestamp = request.headers.get("x-slack-request-timestamp", "")
        signature = request.headers.get("x-slack-signature", "")
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12 and signature.isascii()):
            return False
        if abs(self._wall() - int(timestamp)) > _SKEW:
            return False
        # Over the raw bytes: the SDK's own verifier decodes them first, and stumbles over what is no UTF-8.
        digest = hmac.new(self._secret, b"v0:" + timestamp.encode() + b":" + body, sha256)
        return hmac.compare_digest(f"v0={digest.hexdigest()}", signature)


def _for_bolt(request: Request, body: str) -> AsyncBoltRequest:
    # Bolt takes any form with the word "payload" in it for a click and forgets the rest, so a customer's text with
    # that word would be lost. Spelled another way it means the same and passes; the signature is over the original.
    form = not body.startswith(("payload=", "{")) and "&payload=" not in body
    headers: dict[str, str | Sequence[str]] = {}
    for name, value in request.headers.items():
        headers[name] = [*headers.get(name, ()), value]
    asked = AsyncBoltRequest(body=body.replace("payload", "%70ayload") if form else body, headers=headers)
    asked.raw_body = body
    if not _has_the_shape_bolt_relies_on(asked.body):
        raise ValueError("not a request of Slack's")
    return asked


def _has_the_shape_bolt_relies_on(body: Mapping[str, Any]) -> bool:
    """Bolt's middleware and matchers call methods of these without a look at what they are."""
    return all(isinstance(body.get(name, {}), dict) for name in ("event",))
