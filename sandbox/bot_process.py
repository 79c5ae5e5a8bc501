"""The real bot as a process of its own, so that it can be killed at any instant and started again."""

import asyncio
import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import aiohttp

from sandbox.board import Board
from sandbox.traffic import Json

START_PATIENCE = 30.0
STOP_PATIENCE = 10.0
LINES_KEPT = 200

_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT", "PYTHONDONTWRITEBYTECODE")
"""Nothing else of the user's environment reaches the bot: there might be real keys in it."""

State = Literal["starting", "up", "down"]


class BotFailedError(Exception):
    """The bot did not get as far as answering /readyz. The message holds its last log lines."""


class BotProcess:
    """Starts, kills and stops the bot. `url` is its base URL, `folder` where it runs and keeps its files.

    Running it there also keeps it from reading a `.env` that may lie in the user's own folder.
    """

    def __init__(self, board: Board, command: Sequence[str], url: str, folder: Path) -> None:
        self._board = board
        self._command = command
        self._url = url
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()
        self.settings: Mapping[str, str] = {}
        self.lines: deque[str] = deque(maxlen=LINES_KEPT)
        self.state: State = "down"
        self.note = "Not started yet."

    def snapshot(self) -> Json:
        """Return the process's state as the page reads it."""
        return {"state": self.state, "note": self.note}

    async def start(self) -> None:
        """Start the bot and wait until it is ready; nothing to do if it runs.

        Raises:
            BotFailedError: it stopped, or was not ready in time.
        """
        async with self._one_at_a_time:
            if self._process is not None and self._process.returncode is None:
                return
            self._become("starting", "")
            self.lines.clear()
            inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                cwd=self._folder,
                env=inherited | {"PYTHONUNBUFFERED": "1"} | dict(self.settings),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the sandbox, which then stops the bot in order
            )
            self._reader = asyncio.create_task(self._follow(self._process))
            if await self._ready(self._process):
                self._become("up", f"Process {self._process.pid}.")
                return
            died = self._process.returncode is not None
            await self._end(signal.SIGKILL)
            self._become("down", self._complaint("stopped right away" if died else "was not ready in time"))
        raise BotFailedError(self.note)

    async def kill(self) -> None:
        """Kill the bot (SIGKILL): no goodbye, whatever it was doing."""
        async with self._one_at_a_time:
            await self._end(signal.SIGKILL)
            self._become("down", "Killed (SIGKILL).")

    async def stop(self) -> None:
        """Ask the bot to stop, and kill it if it does not."""
        async with self._one_at_a_time:
            await self._end(signal.SIGTERM)
            self._become("down", "Stopped.")

    async def _end(self, how: signal.Signals) -> None:
        process = self._process
        if process is None:
            return
        self._process = None
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(how)
        try:
            await asyncio.wait_for(process.wait(), STOP_PATIENCE)
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._reader is not None:
            await self._reader

    async def _follow(self, process: asyncio.subprocess.Process) -> None:
        """Keep the newest lines the bot prints, and notice when it stops by itself."""
        assert process.stdout is not None  # noqa: S101 (asked for above)
        while line := await _line(process.stdout):
            self.lines.append(line.rstrip())
        await process.wait()
        if self._process is process and self.state == "up":
            self._become("down", self._complaint("stopped by itself"))

    async def _ready(self, process: asyncio.subprocess.Process) -> bool:
        deadline = time.monotonic() + START_PATIENCE
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as client:
            while process.returncode is None and time.monotonic() < deadline:
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with client.get(f"{self._url}/readyz") as answer:
                        if answer.status == 200:
                            return True
                await asyncio.sleep(0.05)
        return False

    def _become(self, state: State, note: str) -> None:
        self.state, self.note = state, note
        self._board.say("bot", self.snapshot())

    def _complaint(self, what: str) -> str:
        lines = "\n".join(list(self.lines)[-15:]) or "(it printed nothing)"
        return f"The bot {what}. Its last lines:\n{lines}"


async def _line(stream: asyncio.StreamReader) -> str:
    """Return the next line, or as much of it as fits; "" at the end."""
    try:
        return (await stream.readline()).decode("utf-8", "replace")
    except ValueError:
        return "(a very long line)\n"
