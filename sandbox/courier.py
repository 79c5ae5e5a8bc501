"""Requests from the pretend services to the bot, each written down in the traffic log."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp

from sandbox.board import Board
from sandbox.traffic import form_fields

CONNECTIONS = 200
"""Requests under way at once; more wait their turn."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """How a request to the bot ended.

    `status` is None when no answer came: `timed_out` tells a slow bot from an absent one.
    """

    status: int | None
    text: str
    content_type: str
    seconds: float
    timed_out: bool = False


class Courier:
    """Carries one service's requests to the bot.

    Every request has its own connection, as from a stranger far away: nothing is reused after the
    bot was restarted. Real services would not repeat a request that broke, and neither does this.
    """

    def __init__(self, board: Board, sender: str) -> None:
        self._board = board
        self._sender = sender
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, body: str, headers: Mapping[str, str], limit: float) -> Delivered:
        """POST `body`, waiting at most `limit` seconds for the whole answer."""
        shown = form_fields(body) if "form" in headers.get("Content-Type", "") else body
        exchange = self._board.begin((self._sender, "bot"), "POST", urlsplit(url).path or "/", shown)
        begun = time.perf_counter()
        try:
            async with (
                asyncio.timeout(limit),
                self._http().post(url, data=body.encode(), headers=headers) as response,
            ):
                text = await response.text(errors="replace")
        except TimeoutError:
            self._board.finish(exchange, None, "", f"no answer within {limit:g} s")
            return Delivered(None, "", "", time.perf_counter() - begun, timed_out=True)
        except aiohttp.ClientError as error:
            self._board.finish(exchange, None, "", f"not delivered: {type(error).__name__}")
            return Delivered(None, "", "", time.perf_counter() - begun)
        except asyncio.CancelledError:
            self._board.finish(exchange, None, "", "given up")
            raise
        self._board.finish(exchange, response.status, text)
        return Delivered(response.status, text, response.content_type, time.perf_counter() - begun)

    async def aclose(self) -> None:
        """Close what was opened."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(force_close=True, limit=CONNECTIONS)
            self._session = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None))
        return self._session
