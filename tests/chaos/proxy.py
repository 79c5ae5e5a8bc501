"""A network that lies: a proxy that loses, delays, repeats and cuts what passes, by a seed."""

import asyncio
import random
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from tests.chaos.conftest import Ruin

FATES = ("refused", "lost", "answer lost", "answer cut", "late", "answer late")
"""What may become of a request: no connection; gone before it arrived; done, with its answer gone, or half of it; …"""

LIES = ("afterwards", "trickling", "endless", "swollen", "garbage", "failed")
"""And to the bot: no answer, and done a moment later; the answer byte by byte; one without end; one that is large when
it is read; one without sense; one that says it failed. In all but the first it is done."""

_MADE_UP = ("endless", "swollen", "garbage")
_FILE = re.compile(rb"GET /(media|files-pri)/")
"""A file is whatever comes as one: nobody can tell other bytes, said to be all right, from those of the customer."""

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n"
_SWOLLEN = _HEAD + b'{"ok": true, "data": [' + b"{}," * 600_000 + b"{}]}"
_GARBAGE = _HEAD + b'{"ok": tru'
_FAILED = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<html>503</html>"


@dataclass
class Liar:
    """Stands before one server and forwards one request per connection, each to a fate of its own.

    share: how many of the requests meet one, from 0 to 1. longest: seconds that something may be late. repeats: how
    many arrive a second time. fates: which ones. Except "afterwards" it never forwards a request later than its sender
    was told that it is gone.
    """

    target: str
    dice: random.Random
    share: float = 0.0
    longest: float = 1.0
    repeats: float = 0.0
    fates: tuple[str, ...] = FATES
    met: Counter[str] = field(default_factory=Counter)
    url: str = ""
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def open(self) -> "Liar":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def aclose(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._pass_on(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fate = self.dice.choice(self.fates) if self.dice.random() < self.share else ""
        again = self.dice.random() < self.repeats
        if fate:
            self.met[fate] += 1
        if fate == "refused":
            return
        request = await _message(reader)
        if fate == "lost" or not request:
            return
        if fate in _MADE_UP and _FILE.match(request):
            fate = "answer cut"
        if fate == "afterwards":
            writer.transport.abort()
        if fate in ("late", "afterwards"):
            await asyncio.sleep(self.dice.uniform(0, self.longest))
        answer = await self._ask(request)
        if again:
            self.met["repeated"] += 1
            await self._ask(request)
        await self._answer(fate, answer, writer)

    async def _answer(self, fate: str, answer: bytes, writer: asyncio.StreamWriter) -> None:
        if fate in ("answer lost", "afterwards"):
            return
        if fate in LIES:
            await self._lie(fate, answer, writer)
            return
        if fate == "answer late":
            await asyncio.sleep(self.dice.uniform(0, self.longest))
        writer.write(answer[: self.dice.randrange(len(answer))] if fate == "answer cut" and answer else answer)
        await writer.drain()
        if not fate.startswith("answer"):
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _lie(self, fate: str, answer: bytes, writer: asyncio.StreamWriter) -> None:
        if fate == "trickling":
            for at in range(min(len(answer), int(self.longest * 40))):  # longer than anybody waits for most of them
                writer.write(answer[at : at + 1])
                await writer.drain()
                await asyncio.sleep(0.1)
        elif fate == "endless":
            writer.write(_HEAD)
            while not writer.transport.is_closing():
                writer.write(b" " * 65536)
                await writer.drain()
        else:
            writer.write({"swollen": _SWOLLEN, "garbage": _GARBAGE, "failed": _FAILED}[fate])
            await writer.drain()
            writer.close()

    async def _ask(self, request: bytes) -> bytes:
        """Have it done, over a connection of its own; return the whole answer, b"" when nobody is there."""
        address = urlsplit(self.target)
        try:
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
        except OSError:
            return b""
        try:
            head, _, body = request.partition(b"\r\n\r\n")
            lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
            writer.write(b"\r\n".join([*lines, b"Connection: close", b"", body]))
            return await reader.read()
        finally:
            writer.transport.abort()


async def _message(reader: asyncio.StreamReader) -> bytes:
    """Read one request with its body, whose length it names."""
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return head + await reader.readexactly(int(value))
    return head


@asynccontextmanager
async def lies(ruin: "Ruin", dice: random.Random, *, share: float = 0.2) -> AsyncIterator[list[Liar]]:
    """Put a liar on each way: bot to Slack, bot to Sendblue, both of them to the bot. The bots are not started yet."""
    async with AsyncExitStack() as stack:

        async def lying(target: str, **how: Any) -> Liar:
            liar = await Liar(target, random.Random(dice.random()), share=share, **how).open()
            stack.push_async_callback(liar.aclose)
            return liar

        settings = ruin.bots[0].settings
        to_slack = await lying(settings["SLACK_API_URL"], fates=FATES + LIES)
        to_sendblue = await lying(settings["SENDBLUE_API_URL"], fates=FATES + LIES)
        to_bot = await lying(ruin.url, repeats=0.3)
        ruin.slack.app_url = f"{to_bot.url}/slack/events"
        ruin.slack.base_url, ruin.sendblue.base_url = to_slack.url, to_sendblue.url  # so files go through them, too
        urls = {"SLACK_API_URL": f"{to_slack.url}/api/", "SENDBLUE_API_URL": to_sendblue.url, "PUBLIC_URL": to_bot.url}
        for bot in ruin.bots:
            bot.settings = {**bot.settings, **urls}
        yield [to_slack, to_sendblue, to_bot]
