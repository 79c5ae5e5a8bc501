"""A network that takes its time: a TCP proxy, in a process of its own, before a PostgreSQL server on a Unix socket.

`python -m benchmarks.slow_network SOCKET MILLISECONDS` prints its port. To each line on its standard input it answers
how many round trips it has seen so far; it ends with its standard input.
"""

import contextlib
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

_CHUNK = 65536
_Line = queue.SimpleQueue[tuple[float, bytes]]


@dataclass(frozen=True, slots=True)
class SlowNetwork:
    """port: on 127.0.0.1, where the server is so far away."""

    port: int
    _process: subprocess.Popen[str]

    def trips(self) -> int:
        """Return how often somebody has asked since the beginning after having been answered."""
        assert self._process.stdin is not None  # noqa: S101 - asked for below
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return _number(self._process)


@contextlib.contextmanager
def slow_network(path: str, milliseconds: float) -> Iterator[SlowNetwork]:
    """Put the server at this socket so far away: half of the time is spent on the way there, half on the way back."""
    command = (sys.executable, "-m", "benchmarks.slow_network", path, str(milliseconds))
    with subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield SlowNetwork(_number(process), process)


def _number(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None  # noqa: S101
    return int(process.stdout.readline())


class _Proxy:
    def __init__(self, path: str, milliseconds: float) -> None:
        self._path = path
        self._delay = milliseconds / 2000
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.trips = 0
        self._asked = False  # and not answered

    def serve(self) -> None:
        while True:
            client, _ = self._listening.accept()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._path)
            for ends in ((client, server), (server, client)):
                line: _Line = queue.SimpleQueue()
                for work in (self._take, self._deliver):
                    threading.Thread(target=work, args=(line, *ends, client), daemon=True).start()

    def _take(self, line: _Line, source: socket.socket, _target: socket.socket, client: socket.socket) -> None:
        data = b"."
        while data:
            try:
                data = source.recv(_CHUNK)
            except OSError:
                data = b""
            if data and source is client and not self._asked:
                self._asked = True
                self.trips += 1
            line.put((time.monotonic() + self._delay, data))

    def _deliver(self, line: _Line, _source: socket.socket, target: socket.socket, client: socket.socket) -> None:
        while True:
            due, data = line.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if target is client:
                self._asked = False
            try:
                if not data:
                    target.shutdown(socket.SHUT_WR)
                    return
                target.sendall(data)
            except OSError:
                return


def main() -> None:
    """Serve until the standard input ends."""
    proxy = _Proxy(sys.argv[1], float(sys.argv[2]))
    threading.Thread(target=proxy.serve, daemon=True).start()
    sys.stdout.write(f"{proxy.port}\n")
    sys.stdout.flush()
    for _ in sys.stdin:
        sys.stdout.write(f"{proxy.trips}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
