"""Plain ASGI: callbacks come by the thousand, and Starlette's objects would cost more than the answers."""

import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache, partial
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from bot import metrics

Headers = Mapping[bytes, bytes]


class Answer(NamedTuple):
    status: int
    body: bytes
    headers: Sequence[tuple[bytes, bytes]] = ((b"content-type", b"text/plain; charset=utf-8"),)
    after: Callable[[], None] | None = None  # called once the answer is on its way


class Counted:
    """A handler as an ASGI app that counts its answers by route and status."""

    def __init__(self, route: str, handler: Callable[[Scope, Receive], Awaitable[Answer]]) -> None:
        self._handler = handler
        self._of_status = cache(partial(metrics.requests.labels, route))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            status, body, headers, after = await self._handler(scope, receive)
        except HTTPException as error:
            status, body, headers, after = Answer(error.status_code, f"{error.detail}\n".encode())
        self._of_status(status).inc()
        length = (b"content-length", b"%d" % len(body))
        await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
        await send({"type": "http.response.body", "body": body})
        if after is not None:
            after()


def headers_of(scope: Scope) -> Headers:
    """Return the headers by their names in lower case; the first of those that came twice."""
    return dict(reversed(scope["headers"]))


async def read_body(headers: Headers, receive: Receive, *, largest: int) -> bytes:
    """Return the body. Raises HTTPException: it is too large (and not read further), or did not come whole."""
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and len(declared) < 20 and int(declared) > largest:
        raise HTTPException(413, "too large")
    body = bytearray()  # bytes would be copied whole with each piece, and pieces may be tiny
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise HTTPException(400, "incomplete")
        body += event.get("body", b"")
        if len(body) > largest:
            raise HTTPException(413, "too large")
        if not event.get("more_body", False):
            return bytes(body)


def knows_one_of(secrets: Sequence[str], given: bytes) -> bool:
    """Whether a header holds one of the secrets. Takes the same time whichever it is: all are compared first."""
    return True in [hmac.compare_digest(given, secret.encode()) for secret in secrets]
