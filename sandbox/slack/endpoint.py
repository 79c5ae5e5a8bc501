"""The door of the pretend Web API: faults, keys, limits, then the method itself."""

import asyncio
import time
from collections import deque
from email.utils import formatdate
from hmac import compare_digest
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from sandbox.board import Board
from sandbox.serving import Dropped, held
from sandbox.slack.faults import SlackFaults
from sandbox.slack.methods import Methods
from sandbox.slack.params import read_params
from sandbox.slack.records import SlackRefusalError
from sandbox.traffic import ApiCall, Json

Result: TypeAlias = tuple[int, Json | str, int]
"""HTTP status, body, seconds of `Retry-After` or 0."""

CALLS_KEPT = 10_000
LONGEST_HOLD = 3600.0

_LOST = {
    "chat.postMessage": "lose_answer",
    "files.getUploadURLExternal": "lose_upload_url",
    "files.completeUploadExternal": "lose_share_answer",
}
"""Which switch loses the answer to which method."""

_GATEWAY_PAGE = "<html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>"


class Endpoint:
    """Answers `/api/{method}` and remembers every call."""

    def __init__(self, board: Board, faults: SlackFaults, methods: Methods, token: str) -> None:
        self._board = board
        self._faults = faults
        self._methods = methods
        self._token = token
        self.clock_ahead = 0.0
        self.calls: deque[ApiCall] = deque(maxlen=CALLS_KEPT)

    async def answer(self, request: Request, scopes: list[str]) -> Response:
        """Answer one Web API call."""
        method = request.path_params["method"]
        params = await read_params(request)
        token = str(params.pop("token", "")) or request.headers.get("authorization", "")
        call = ApiCall(method, params)
        self.calls.append(call)
        exchange = self._board.begin(("bot", "slack"), request.method, request.url.path, params)
        if self._faults.hang and not await self._held(request):
            self._board.finish(exchange, None, "", "never answered")
            return Dropped()
        if seconds := self._lateness(method):
            self._later(seconds, method, params, token)
            self._board.finish(exchange, None, "", "cut off, and done later")
            return Dropped()
        status, body, wait = self._result(method, params, token)
        if status == 200 and self._loses_answer(method):
            self._board.finish(exchange, None, "", "done, but the answer was lost")
            return Dropped()
        call.status, call.answer = status, body
        self._board.finish(exchange, status, body)
        return _response(status, body, wait, scopes, self.clock_ahead)

    def _lateness(self, method: str) -> float:
        """Return after how many seconds a call is to be done, once; 0 for now."""
        name = {"chat.postMessage": "late_post", "chat.update": "late_edit"}.get(method, "")
        seconds: float = getattr(self._faults, name, 0.0)
        if seconds:
            setattr(self._faults, name, 0.0)
        return seconds

    def _loses_answer(self, method: str) -> bool:
        """Whether the answer to a call that was done is lost; counts it."""
        name = _LOST.get(method, "")
        left: int = getattr(self._faults, name, 0)
        if left:
            setattr(self._faults, name, left - 1)
        return left > 0

    def _later(self, seconds: float, *call: Any) -> None:
        asyncio.get_running_loop().call_later(seconds, self._result, *call)

    async def _held(self, request: Request) -> bool:
        return await held(request, self._faults, lambda: not self._faults.hang, LONGEST_HOLD)

    def _result(self, method: str, params: Json, token: str) -> Result:
        fault = self._fault(method)
        if fault is not None:
            return fault
        if not compare_digest(token.removeprefix("Bearer ").encode(), self._token.encode()):
            return 200, {"ok": False, "error": "invalid_auth"}, 0
        try:
            return 200, self._methods.run(method, params), 0
        except SlackRefusalError as refusal:
            body = refusal.body()
            wait = int(body.pop("retry_after", 0))
            return (429 if wait else 200), body, wait

    def _fault(self, method: str) -> Result | None:
        """Return what a broken Slack says before it looks at the call, or None."""
        if self._faults.down:
            return 503, "Service Unavailable", 0
        if self._faults.html_502:
            return 502, _GATEWAY_PAGE, 0
        if self._faults.rate_limited and method.startswith(("chat.", "reactions.", "files.")):
            return 429, {"ok": False, "error": "ratelimited"}, 1
        error = self._faults.refusals().get(method)
        return (200, {"ok": False, "error": error}, 0) if error else None


def _response(status: int, body: Json | str, wait: int, scopes: list[str], clock_ahead: float) -> Response:
    headers = {"x-oauth-scopes": ",".join(scopes), "Date": formatdate(time.time() + clock_ahead, usegmt=True)}
    if wait:
        headers["Retry-After"] = str(wait)
    if isinstance(body, dict):
        return JSONResponse(body, status, headers)
    return HTMLResponse(body, status) if body.startswith("<") else PlainTextResponse(body, status)
