"""The load generator: many clients, each with one connection and one request at a time.

Requests are bytes made beforehand. Bursts of whole seconds at one port are wrk's where it is installed; all else is
sent from one event loop here, which looks at answers just enough to tell where they end. Each `Load` says how busy the
generator was; well below 1, the server was the bottleneck.
"""

import asyncio
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from benchmarks import wrk
from benchmarks.figures import percentile

_WHOLE_SECONDS = range(1, 60)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Load:
    """What one run saw. latencies: seconds, one per answer or thousandth. wrong: not 200. busy: 0 to 1."""

    elapsed: float
    answers: int
    wrong: int
    latencies: Sequence[float]
    busy: float
    sent_at: Sequence[float] = ()  # time.monotonic(), in the order of `latencies`; wrk does not tell

    @property
    def rate(self) -> float:
        """Right answers per second."""
        return (self.answers - self.wrong) / self.elapsed

    def milliseconds(self, share: float) -> float:
        """Return a percentile (0 to 1) of the latencies."""
        return 1000 * percentile(self.latencies, share)


class _Client(asyncio.Protocol):
    def __init__(self, run: "_Run") -> None:
        self._run = run
        self._answer = b""
        self._sent = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # of a TCP connection it is

    def ask(self) -> None:
        request = next(self._run.requests, None) if time.monotonic() < self._run.end else None
        if request is None or self._transport is None:
            self._run.finished(self)
            return
        self._sent = time.monotonic()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, blank, body = self._answer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not blank or length is None or len(body) < int(length[1]):
            return
        self._run.answered(self._sent, right=head.startswith(b"HTTP/1.1 200"))
        self._answer = b""
        if self._run.pause:
            asyncio.get_running_loop().call_later(self._run.pause, self.ask)
        else:
            self.ask()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._run.finished(self)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class _Run:
    def __init__(self, requests: Iterator[bytes], seconds: float, pause: float) -> None:
        self.requests = requests
        self.pause = pause
        self.end = time.monotonic() + seconds
        self.done = asyncio.Event()
        self.latencies: list[float] = []
        self.sent_at: list[float] = []
        self.wrong = 0
        self.asking: set[_Client] = set()

    def answered(self, sent: float, *, right: bool) -> None:
        self.latencies.append(time.monotonic() - sent)
        self.sent_at.append(sent)
        self.wrong += not right

    def finished(self, client: _Client) -> None:
        self.asking.discard(client)
        if not self.asking:
            self.done.set()


async def load(
    ports: Sequence[int], requests: Iterator[bytes], *, clients: int, seconds: float = 3600, pause: float = 0
) -> Load:
    """Ask until the time is over or the requests are used up. pause: seconds between an answer and the next request.

    Clients are shared out evenly over the ports (127.0.0.1).
    """
    if wrk.is_installed() and len(ports) == 1 and not pause and seconds in _WHOLE_SECONDS:
        seen = await wrk.run(ports[0], requests, clients=clients, seconds=int(seconds))
        return Load(seen.elapsed, seen.answers, seen.wrong, seen.latencies, seen.worked / seen.elapsed)
    run = _Run(requests, seconds, pause)
    loop = asyncio.get_running_loop()
    for number in range(clients):
        _, client = await loop.create_connection(lambda: _Client(run), "127.0.0.1", ports[number % len(ports)])
        run.asking.add(client)
    started, worked = time.monotonic(), time.process_time()
    run.end = started + seconds
    everyone = list(run.asking)
    for client in everyone:
        client.ask()
    await run.done.wait()
    elapsed = time.monotonic() - started
    for client in everyone:
        client.close()
    busy = (time.process_time() - worked) / elapsed
    return Load(elapsed, len(run.latencies), run.wrong, run.latencies, busy, run.sent_at)


def generator() -> str:
    """Who sends the bursts."""
    return "wrk" if wrk.is_installed() else "the bundled asyncio client (wrk is not installed)"
