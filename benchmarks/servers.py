"""Starting servers, each a process of its own: the servers on one core, the generator and the neighbours on the rest.

Linux only: pinning and reading another process's memory are the kernel's.
"""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.settings import environment

PROJECT = Path(__file__).resolve().parents[1]
_PATIENCE = 60  # seconds until a server that is not ready counts as broken
_CORES = sorted(os.sched_getaffinity(0))
ANY_CORE = frozenset(_CORES)
SERVER_CORE = frozenset(_CORES[:1])
OTHER_CORES = frozenset(_CORES[1:] or _CORES)
AS_IT_COMES: Mapping[str, str] = {}
"""No setting differs from the default."""


class NotReady(Exception):  # noqa: N818 - a state, named as one
    """A server ended or was not ready in time; the message holds its last lines."""


@dataclass(slots=True)
class Server:
    """A running process. started_in: seconds from its birth to its first 200 from /readyz."""

    port: int
    process: subprocess.Popen[bytes]
    output: Path
    started_in: float = field(default=0)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def memory(self) -> float:
        """Resident memory, in MiB."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def forget_peak(self) -> None:
        """Let `peak` begin anew."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    @property
    def peak(self) -> float:
        """The most resident memory that it ever had, in MiB."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))

    @property
    def worked(self) -> float:
        """Processor time that it took so far, in seconds."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def complaint(self) -> NotReady:
        """What it printed last."""
        return NotReady("\n".join(self.output.read_text(errors="replace").splitlines()[-15:]) or "it printed nothing")


@contextlib.contextmanager
def bot(
    folder: Path,
    neighbours: str,
    database: str,
    changes: Mapping[str, str] = AS_IT_COMES,
    *,
    cores: frozenset[int] = SERVER_CORE,
) -> Iterator[Server]:
    """Run the real bot: `python -m bot serve` with its defaults, `changes` apart."""
    command = (sys.executable, "-m", "bot", "serve")
    settings = environment(neighbours, database) | dict(changes)
    with _running(command, folder, settings, ready="/readyz", cores=cores) as server:
        yield server


@contextlib.contextmanager
def floor(
    app: str, folder: Path, neighbours: str = "", database: str = "", changes: Mapping[str, str] = AS_IT_COMES
) -> Iterator[Server]:
    """Run a floor or a peer with the same server options. app: `module:name` in `benchmarks.floors`."""
    command = (sys.executable, "-m", "benchmarks.floors", f"benchmarks.floors.{app}")
    settings = environment(neighbours, database) | dict(changes)
    with _running(command, folder, settings, ready="/readyz") as server:
        yield server


@contextlib.contextmanager
def pretend_neighbours(
    folder: Path, changes: Mapping[str, str] = AS_IT_COMES, app: str = "neighbours:app"
) -> Iterator[Server]:
    """Run what answers for Slack and Sendblue, beside the generator."""
    command = (sys.executable, "-m", "benchmarks.floors", f"benchmarks.floors.{app}")
    with _running(command, folder, changes, ready="/calls", cores=OTHER_CORES) as server:
        yield server


async def calls(neighbours: Server) -> list[tuple[float, str, str, str]]:
    """Return what the neighbours were asked since last time: time.monotonic(), path, channel, thread (or number)."""
    async with httpx.AsyncClient(timeout=60) as http:
        answer = await http.get(f"{neighbours.url}/calls")
    return [(at, path, channel, thread) for at, path, channel, thread in answer.json()]


@contextlib.contextmanager
def _running(
    command: tuple[str, ...],
    folder: Path,
    settings: Mapping[str, str],
    *,
    ready: str,
    cores: frozenset[int] = SERVER_CORE,
) -> Iterator[Server]:
    port = _free_port()
    if "benchmarks.floors" in command:
        command = (*command, str(port))
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    path = f"{_without_rich(folder)}{os.pathsep}{PROJECT}"
    settings = inherited | {"PYTHONPATH": path} | dict(settings) | {"PORT": str(port)}
    output = folder / f"output-{port}.log"
    with output.open("wb") as lines:
        born = time.monotonic()
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and modules
            command, cwd=folder, env=settings, stdin=subprocess.DEVNULL, stdout=lines, stderr=lines
        )
        os.sched_setaffinity(process.pid, cores)  # while it has one thread: those to come inherit it
        server = Server(port, process, output)
        try:
            _await(server, ready)
            server.started_in = time.monotonic() - born
            yield server
        finally:
            process.kill()  # nothing of it is needed any more, and an orderly stop takes seconds
            process.wait()


def _await(server: Server, path: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    request = f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n".encode()
    while time.monotonic() < deadline and server.process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", server.port), timeout=5) as ask:
            ask.sendall(request)
            if ask.recv(4096).startswith(b"HTTP/1.1 200"):
                return
        time.sleep(0.005)
    raise server.complaint()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def watch_memory(server: Server, every: float) -> list[float]:
    """Read a server's memory until cancelled; return what was read."""
    seen = [server.memory]
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            await asyncio.sleep(every)
            seen.append(server.memory)
    return seen


def _without_rich(folder: Path) -> Path:
    """Return a folder that hides rich: a linter brings it, a production install has none, and libraries load it."""
    hidden = folder / "hidden"
    hidden.mkdir(exist_ok=True)
    (hidden / "rich.py").write_text("raise ImportError(__name__)\n")
    return hidden
