"""The board: whatever happens in the sandbox is said here once, for the page and anybody else who listens."""

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

from sandbox.traffic import Exchange, Json, masked, pretty

Event: TypeAlias = tuple[str, Mapping[str, Any]]

TRAFFIC_ROWS = 200
LISTENER_BACKLOG = 2000


class Listener:
    """One reader's events, in order. It ends when the board closes or the reader falls too far behind.

    A page that was cut off reconnects and starts from a fresh snapshot, so nothing is kept for it.
    """

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._woken = asyncio.Event()
        self._ended = False

    def add(self, event: Event) -> None:
        """Queue one event, or end this listener when its backlog is full."""
        if len(self._events) >= LISTENER_BACKLOG:
            self._events.clear()
            self._ended = True
        elif not self._ended:
            self._events.append(event)
        self._woken.set()

    def end(self) -> None:
        """Let the reader finish what is queued and stop."""
        self._ended = True
        self._woken.set()

    async def events(self, heartbeat: float) -> AsyncIterator[Event | None]:
        """Yield events; None whenever `heartbeat` seconds went by in silence."""
        while True:
            while self._events:
                yield self._events.popleft()
            if self._ended:
                return
            self._woken.clear()
            try:
                async with asyncio.timeout(heartbeat):  # not wait_for, which in Python 3.11 may lose a cancel
                    await self._woken.wait()
            except TimeoutError:
                yield None


class Board:
    """Says what happens to all who listen, and keeps the log of requests between the three parties."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._traffic: deque[Exchange] = deque(maxlen=TRAFFIC_ROWS)
        self._numbers = itertools.count(1)
        self._secrets: frozenset[str] = frozenset()
        self._closed = False

    def say(self, kind: str, data: Mapping[str, Any]) -> None:
        """Tell every listener; `data` must not be changed afterwards."""
        for listener in self._listeners:
            listener.add((kind, data))

    @contextmanager
    def listen(self) -> Iterator[Listener]:
        """Hear everything said from now on."""
        listener = Listener()
        if self._closed:
            listener.end()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def close(self) -> None:
        """End every listener, so that no open stream keeps the server from stopping."""
        self._closed = True
        for listener in self._listeners:
            listener.end()

    def conceal(self, *secrets: str) -> None:
        """Keep these words out of the traffic log."""
        self._secrets |= {secret for secret in secrets if secret}

    def traffic(self) -> list[Json]:
        """Return the newest rows of the request log, oldest first."""
        return [exchange.row() for exchange in self._traffic]

    def begin(self, route: tuple[str, str], method: str, path: str, request: object) -> Exchange:
        """Log that a request set out; `route` is (sender, receiver), each "slack", "bot" or "sendblue"."""
        sender, to = route
        exchange = Exchange(next(self._numbers), sender, to, method, self._clean(path), self._clean(pretty(request)))
        self._traffic.append(exchange)
        self.say("traffic", exchange.row())
        return exchange

    def finish(self, exchange: Exchange, status: int | None, response: object, note: str = "") -> None:
        """Log how a request ended; `status` None means that no answer came."""
        exchange.finish(status, self._clean(pretty(response)), note)
        self.say("traffic", exchange.row())

    def _clean(self, text: str) -> str:
        return masked(text, self._secrets)
