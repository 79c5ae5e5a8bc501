"""HTTP as ASGI speaks it: callbacks come by the thousand, and Starlette's objects would cost more than the answers."""

import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache, partial
from typing import NamedTuple
from uuid import UUID

import structlog
from starlette.types import Receive, Scope, Send

from bot import metrics
from bot.errors import NotStored, UnreadableReport

log = structlog.get_logger(__name__)

Headers = Mapping[bytes, bytes]

LARGEST_REPORT = 64 * 1024
"""Bytes."""


class TooLarge(Exception):  # noqa: N818 - a handler's own signal
    """The body is larger than it may be."""


class Incomplete(Exception):  # noqa: N818
    """Whoever sent the request went away before its end."""


class Answer(NamedTuple):
    """What is answered. after: called once the answer is on its way."""

    status: int
    body: bytes
    headers: Sequence[tuple[bytes, bytes]] = ((b"content-type", b"text/plain; charset=utf-8"),)
    after: Callable[[], Awaitable[None]] | None = None


class Counted:
    """A handler as an ASGI app that counts its answers by route and status."""

    def __init__(self, route: str, handler: Callable[[Scope, Receive], Awaitable[Answer]]) -> None:
        self._handler = handler
        self._of_status = cache(partial(metrics.requests.labels, route))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            status, body, headers, after = await self._handler(scope, receive)
        except TooLarge:
            status, body, headers, after = Answer(413, b"too large\n")
        except Incomplete:
            status, body, headers, after = Answer(400, b"incomplete\n")
        self._of_status(status).inc()
        length = (b"content-length", b"%d" % len(body))
        await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
        await send({"type": "http.response.body", "body": body})
        if after is not None:
            await after()


def headers_of(scope: Scope) -> Headers:
    """Return the headers by their names in lower case; the first of those that came twice."""
    return dict(reversed(scope["headers"]))


async def read_body(headers: Headers, receive: Receive, *, largest: int) -> bytes:
    """Return the body, reading no more than `largest` bytes of it.

    Raises:
        TooLarge: 413, as `Counted` answers.
        Incomplete: nobody is there to answer.
    """
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and len(declared) < 20 and int(declared) > largest:
        raise TooLarge
    body, more = bytearray(), True  # bytes would be copied whole with each piece, and pieces may be tiny
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise Incomplete
        body += event.get("body", b"")
        if len(body) > largest:
            raise TooLarge
        more = event.get("more_body", False)
    return bytes(body)


def knows_one_of(secrets: Sequence[str], given: bytes) -> bool:
    """Whether a header holds one of the secrets. Takes the same time whichever it is."""
    right = False
    for secret in secrets:
        right |= hmac.compare_digest(given.decode("latin-1").encode(), secret.encode())
    return right


async def read_report(headers: Headers, receive: Receive) -> tuple[bytes, bool]:
    """Return the body, and whether it is a form rather than JSON. Raises as `read_body`."""
    body = await read_body(headers, receive, largest=LARGEST_REPORT)
    return body, headers.get(b"content-type", b"").startswith(b"application/x-www-form-urlencoded")


async def outcome(heard: Awaitable[object], message_id: UUID | None = None) -> Answer:
    """Answer a report once it is stored, or say why not. message_id: for the log."""
    try:
        await heard
    except UnreadableReport as error:
        about = message_id and str(message_id)
        log.warning("callback_unreadable", reason=str(error), message_id=about, at_will=True)
        return Answer(400, f"{error}\n".encode())
    except NotStored:
        return Answer(503, b"not stored, please send it again\n")
    return _STORED


_STORED = Answer(200, b"ok\n")
