"""Traps that kill the bot at a chosen instant of a text's life."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass
class Trap:
    """Kills the bot at the nth request whose path holds `path`: before it is done, or after, before its answer.

    A `path` that ends in "$" must be the path's end; what follows a "?" must be in the query.
    """

    path: str = ""
    nth: int = 0
    after: bool = False
    kill: Callable[[], Awaitable[None]] | None = None
    sprung: bool = False

    def set(self, path: str, nth: int = 1, *, after: bool = False) -> None:
        """Set it, anew if need be."""
        self.path, self.nth, self.after, self.sprung = path, nth, after, False

    def around(self, app: ASGIApp) -> ASGIApp:
        async def trapped(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or not self._matches(scope["path"], scope["query_string"]):
                await app(scope, receive, send)
                return
            if not self.after:
                await self._spring()
                return

            async def answer(message: Message) -> None:
                if message["type"] == "http.response.start":
                    await self._spring()
                await send(message)

            await app(scope, receive, answer)

        return trapped

    def _matches(self, path: str, query: bytes) -> bool:
        if not self.path or self.sprung:
            return False
        wanted, _, asked = self.path.partition("?")
        if not (path.endswith(wanted[:-1]) if wanted.endswith("$") else wanted in path):
            return False
        if any(part.encode() not in query for part in asked.split("&")):
            return False
        self.nth -= 1
        return self.nth == 0

    async def _spring(self) -> None:
        self.sprung = True
        assert self.kill is not None
        await self.kill()
