"""uvicorn's protocol with an end to its patience: it would wait forever for a request, and keep a head of any size."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD = 64 * 1024
"""Bytes. Slack's and Sendblue's requests have less than two thousand before the body."""


MOST_AHEAD = 8
"""Requests that may be sent on one connection before those in front of them are answered. uvicorn takes any number, and
keeps them all. Neither Slack nor Sendblue nor Heroku's router sends any."""


class PatientProtocol(HttpToolsProtocol):
    """One connection. within: seconds in which a whole request must have come, counted from when one could begin."""

    within = 30.0
    _deadline: asyncio.TimerHandle | None = None
    _in_body = False
    _head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(self.within, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take a piece, unless the head has become too large."""
        if self.transport.is_closing():
            return
        if self._deadline is None:  # another request on the same connection
            self._deadline = self.loop.call_later(self.within, self.transport.abort)
        if not self._in_body:
            self._head += len(data)
        super().data_received(data)
        if self._head > LARGEST_HEAD:
            self.send_400_response("The head of the request is too large.")

    def on_headers_complete(self) -> None:
        """From here on bytes are the body's, which the door itself limits."""
        self._in_body, self._head = True, 0
        if len(self.pipeline) >= MOST_AHEAD:
            self.transport.abort()
        else:
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is here; answering may take its time."""
        self._in_body, self._head = False, 0
        self._wait_no_more()
        super().on_message_complete()

    def _wait_no_more(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
