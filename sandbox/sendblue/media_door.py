"""Where media are read, without any key, as badly as the faults say."""

import re
import time
from collections import deque

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from sandbox.board import Board
from sandbox.downloads import Download
from sandbox.sendblue.faults import SendblueFaults
from sandbox.sendblue.media import Media, Medium
from sandbox.serving import Dropped, held
from sandbox.traffic import ApiCall

CALLS_KEPT = 10_000
LONGEST_HOLD = 3600.0
BEYOND = 1000
"""Bytes that a `Content-Length` may name beyond those that come."""

_PAGE = "<!DOCTYPE html><html><head><title>Sorry</title></head><body>This link has expired.</body></html>"


class MediaDoor:
    """Answers `/media/…` and remembers every call as "download"."""

    def __init__(self, board: Board, media: Media, faults: SendblueFaults) -> None:
        self._board = board
        self._media = media
        self._faults = faults
        self.calls: deque[ApiCall] = deque(maxlen=CALLS_KEPT)

    def route(self) -> Route:
        """Return the route."""
        route = Route("/media/{folder}/{id}/{name:path}", self._read)
        route.path_regex = re.compile(route.path_regex.pattern, re.DOTALL)  # a name may have line breaks
        return route

    async def _read(self, request: Request) -> Response:
        medium = self._media.find(request.path_params["id"])
        call = ApiCall("download", {"name": medium.name if medium else ""})
        self.calls.append(call)
        exchange = self._board.begin(("bot", "sendblue"), request.method, request.url.path, "")
        there = True
        if self._faults.hang_media:
            there = await held(request, self._faults, lambda: not self._faults.hang_media, LONGEST_HOLD)
        if not there:
            self._board.finish(exchange, None, "", "never answered")
            return Dropped()
        response = self._answer(medium)
        call.status = response.status_code
        note = "a page instead of the file" if isinstance(response, HTMLResponse) else ""
        size = response.headers.get("content-length", "an unknown number of")
        self._board.finish(exchange, response.status_code, f"{size} bytes", note)
        return response

    def _answer(self, medium: Medium | None) -> Response:
        faults = self._faults
        if faults.refuse_media:
            return PlainTextResponse("<Error/>", faults.refuse_media)
        if faults.media_elsewhere:
            return PlainTextResponse("", 302, {"Location": faults.media_elsewhere})
        if medium is None or not medium.content.readable or time.monotonic() > medium.made + faults.media_lives:
            return PlainTextResponse("<Error/>", 404)
        if faults.media_html:
            return HTMLResponse(_PAGE)
        size = medium.content.size
        lengths = {"none": None, "less": size // 2, "more": size + BEYOND}
        length, sent = lengths.get(faults.media_length, size), size // 2 if faults.cut_media else size
        # The last two keep what a customer sent from acting in a browser: the page is served at the same address.
        headers = {"Content-Type": medium.mimetype, "X-Content-Type-Options": "nosniff"}
        headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
        return Download(medium.content, headers, sent=sent, length=length, seconds=faults.slow_media)
