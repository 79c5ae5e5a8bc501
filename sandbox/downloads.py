"""A file in an answer: as it should be, slowly, cut off, or with a length that is not true."""

import asyncio
from collections.abc import Iterator, Mapping
from itertools import chain, repeat

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.contents import PIECE, Content
from sandbox.serving import connection_of, gone

FEWEST_PIECES = 10
"""Into how many a slow answer is cut at least."""


class Download(Response):
    """An answer with the first `sent` bytes of a file, then zeros; all of the file by default.

    length: the `Content-Length` it names, by default the true one, None for no such header. Where it names less, the
    rest follows all the same; where it names more, the connection ends. seconds: over which the bytes are spread.
    """

    def __init__(
        self,
        content: Content,
        headers: Mapping[str, str],
        *,
        sent: int = -1,
        length: int | None = -1,
        seconds: float = 0.0,
    ) -> None:
        self._content = content
        self._sent = content.size if sent < 0 else sent
        self._length = self._sent if length == -1 else length
        self._seconds = seconds
        self.status_code = 200
        self.background = None
        self.init_headers(headers)
        if self._length is not None:
            self.headers["Content-Length"] = str(self._length)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; ends early when the sender of the request hangs up."""
        left = asyncio.ensure_future(gone(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            if scope["method"] != "HEAD":
                await self._send_body(scope, left, send)
            if self._length in (None, self._sent) or scope["method"] == "HEAD":
                await send({"type": "http.response.body", "body": b""})
            else:
                connection_of(scope).close()
                await left
        finally:
            left.cancel()

    async def _send_body(self, scope: Scope, left: asyncio.Future[None], send: Send) -> None:
        allowed = self._sent if self._length is None else self._length
        pause = self._seconds / max(1, -(-self._sent // self._step()))
        for piece in self._pieces():
            await asyncio.wait({left}, timeout=pause)
            if left.done():
                return
            if allowed > 0:
                await send({"type": "http.response.body", "body": piece[:allowed], "more_body": True})
            if len(piece) > allowed:  # which the server would refuse to send
                connection_of(scope).write(piece[max(0, allowed) :])
            allowed -= len(piece)

    def _pieces(self) -> Iterator[bytes]:
        left, step = self._sent, self._step()
        for piece in chain(self._content.pieces(), repeat(bytes(PIECE))):
            for begin in range(0, min(left, len(piece)), step):
                yield piece[begin : min(begin + step, left)]
            left -= len(piece)
            if left <= 0:
                return

    def _step(self) -> int:
        return max(1, min(PIECE, self._sent // FEWEST_PIECES)) if self._seconds else PIECE
