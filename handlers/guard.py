"""In front of Bolt: what is too large, malformed or unsigned never reaches it.

Bolt parses before it verifies, so six kinds of unsigned garbage end in a traceback there, and a forged request's body
is logged. Source: slack_bolt 1.30, slack_sdk 3.47, observed.
"""

import hmac
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from starlette.types import Receive, Scope

from handlers.http import Answer, Headers, headers_of, read_body

log = structlog.get_logger(__name__)

LARGEST_FROM_SLACK = 512 * 1024
"""Bytes. A text of 40,000 characters, Slack's most, is form-encoded with up to twelve bytes a character."""

_SKEW = 60 * 5


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

    async def events(self, scope: Scope, receive: Receive) -> Answer:
        """Let a well-formed, signed request through to Bolt."""
        headers = headers_of(scope)
        body = await read_body(headers, receive, largest=LARGEST_FROM_SLACK)
        if not self._signed(headers, body):
            log.warning("unsigned_request_refused", bytes=len(body))
            return Answer(401, b"not signed by Slack\n")
        try:
            asked = _for_bolt(headers, body.decode())
        except (ValueError, AttributeError, TypeError, LookupError, RecursionError):  # signed, and yet unreadable
            return Answer(400, b"unreadable\n")
        if asked.body.get("type") == "app_rate_limited":  # comes alone, and Bolt would answer 404
            log.warning("slack_rate_limits_events")
            return Answer(200, b"")
        return await self._bolts_answer(asked)

    async def _bolts_answer(self, asked: AsyncBoltRequest) -> Answer:
        answer = await self._app.async_dispatch(asked)
        headers = [
            (name.lower().encode("latin-1"), values[0].encode("latin-1"))
            for name, values in answer.headers.items()
            if name.lower() != "content-length"
        ]
        return Answer(answer.status, answer.body.encode(), headers, self._answered)

    def _signed(self, headers: Headers, body: bytes) -> bool:
        timestamp = headers.get(b"x-slack-request-timestamp", b"")
        if not (timestamp.isdigit() and len(timestamp) <= 12 and abs(self._wall() - int(timestamp)) <= _SKEW):
            return False
        # Over the raw bytes: the SDK's own verifier decodes them first, and stumbles over what is no UTF-8.
        digest = hmac.digest(self._secret, b"v0:" + timestamp + b":" + body, "sha256")
        return hmac.compare_digest(b"v0=" + digest.hex().encode(), headers.get(b"x-slack-signature", b""))


def _for_bolt(given: Headers, body: str) -> AsyncBoltRequest:
    # Bolt takes any form with the word "payload" in it for a click and forgets the rest, so a customer's text with
    # that word would be lost. Spelled another way it means the same and passes; the signature is over the original.
    form = not body.startswith(("payload=", "{")) and "&payload=" not in body
    headers: dict[str, str | Sequence[str]] = {
        name.decode("latin-1"): value.decode("latin-1") for name, value in given.items()
    }
    asked = AsyncBoltRequest(body=body.replace("payload", "%70ayload") if form else body, headers=headers)
    asked.raw_body = body
    if not _has_the_shape_bolt_relies_on(asked.body):
        raise ValueError("not a request of Slack's")
    return asked


def _has_the_shape_bolt_relies_on(body: Mapping[str, Any]) -> bool:
    """Bolt's middleware and matchers call methods of these without a look at what they are."""
    return all(isinstance(body.get(name, {}), dict) for name in ("event",))
