"""Bot processes that can be killed, stopped and continued, and started again in a quarter of a second."""

import asyncio
import multiprocessing
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import aiohttp

from tests.chaos import child

PROJECT = Path(__file__).resolve().parents[2]

_PRELOADED = (
    *("bot.cli", "bot.app", "uvicorn.protocols.http.httptools_impl", "uvicorn.lifespan.on", "uvicorn.loops.uvloop"),
    *("bot.storage.migrations", "bot.storage.postgresql"),
    *("sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.postgresql.psycopg"),
)


def forking() -> ForkServerContext:
    """Return the context whose children have the bot's imports already: 300 kills are 300 starts."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_PRELOADED))
    return context


@dataclass(eq=False)
class Bot:
    """`python -m bot serve` or `work`. url: where `serve` listens; a worker listens nowhere."""

    settings: Mapping[str, str]
    folder: Path
    log: Path
    url: str = ""
    command: Sequence[str] = ("serve",)
    process: ForkServerProcess | None = None
    ready: bool = False

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.is_alive()

    @property
    def pid(self) -> int:
        assert self.process is not None
        assert self.process.pid is not None
        return self.process.pid

    @property
    def said(self) -> str:
        """Everything it has logged, over all its lives."""
        return self.log.read_text() if self.log.exists() else ""

    def launch(self) -> None:
        """Start it, without waiting until it is ready."""
        assert not self.alive
        before = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = str(PROJECT)  # for the fork server, which is started once and by need
        self.process = forking().Process(
            target=child.run, args=(tuple(self.command), dict(self.settings), str(self.folder), str(self.log))
        )
        self.process.start()
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before

    async def start(self, *, within: float = 30) -> None:
        """Start it and wait until it is ready."""
        opened = self.said.count('"opened"')
        self.launch()
        end = time.monotonic() + within
        while not await self._is_ready(opened):
            assert self.alive, f"the bot stopped by itself:\n{self.said[-3000:]}"
            assert time.monotonic() < end, f"the bot was not ready in time:\n{self.said[-3000:]}"
            await asyncio.sleep(0.02)
        self.ready = True

    async def _is_ready(self, opened: int) -> bool:
        if not self.url:
            return self.said.count('"opened"') > opened
        return (await self.readiness())[0] == 200

    async def readiness(self, *, within: float = 5) -> tuple[int, str]:
        """Return /readyz: its status (0: no answer) and what it says."""
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=within)) as http,
                http.get(f"{self.url}/readyz") as answer,
            ):
                return answer.status, await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            return 0, ""

    async def kill(self) -> None:
        """SIGKILL: no goodbye, whatever it was doing."""
        self._end(signal.SIGKILL)

    async def stop(self, *, within: float = 10) -> None:
        """SIGTERM, as a host does it; SIGKILL when it does not end."""
        if self.alive:
            self.ready = False
            os.kill(self.pid, signal.SIGTERM)
            await asyncio.to_thread(self._joined, within)
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """SIGSTOP."""
        self.ready = False
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)
        self.ready = True

    def _joined(self, within: float) -> None:
        if self.process is not None:
            self.process.join(within)

    def _end(self, how: signal.Signals) -> None:
        self.ready = False
        if self.process is not None:
            if self.process.is_alive():
                os.kill(self.pid, how)
            self.process.join(10)
            self.process.close()
            self.process = None
