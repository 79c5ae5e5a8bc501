"""What stands in front of several web processes on a host: each request goes to the next one that is up."""

import itertools
from collections.abc import Sequence

import aiohttp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox.serving import Dropped
from tests.chaos.processes import Bot

_HOP_BY_HOP = frozenset({"host", "connection", "content-length", "transfer-encoding"})


class Router:
    """Forwards requests. Nobody up: 503. Whoever was asked died meanwhile: the connection is cut."""

    def __init__(self) -> None:
        self.bots: Sequence[Bot] = ()
        self._turns = itertools.count()
        self._http: aiohttp.ClientSession | None = None
        self.app = Starlette(routes=[Route("/{path:path}", self._forward, methods=["GET", "POST"])])

    async def _forward(self, request: Request) -> Response:
        up = [bot for bot in self.bots if bot.url and bot.ready and bot.alive]
        if not up:
            return PlainTextResponse("no process\n", 503)
        bot = up[next(self._turns) % len(up)]
        headers = [(name, value) for name, value in request.headers.items() if name not in _HOP_BY_HOP]
        url = f"{bot.url}{request.url.path}"
        if self._http is None:
            connector = aiohttp.TCPConnector(force_close=True, limit=0)
            self._http = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=30))
        try:
            async with self._http.request(request.method, url, data=await request.body(), headers=headers) as answer:
                kind = answer.headers.get("content-type", "text/plain")
                return Response(await answer.read(), answer.status, {"content-type": kind})
        except (aiohttp.ClientError, TimeoutError):
            return Dropped()

    async def aclose(self) -> None:
        if self._http is not None:
            await self._http.close()
