"""The door of the pretend Sendblue API: outages, keys, then the account's answer."""

import json
from collections import deque
from collections.abc import Callable
from hmac import compare_digest
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from sandbox.board import Board
from sandbox.sendblue.account import Account, Answer
from sandbox.sendblue.faults import SendblueFaults
from sandbox.sendblue.records import PhoneMessage, SendblueRefusalError, request_error
from sandbox.serving import Dropped, held
from sandbox.traffic import ApiCall, Exchange, Json

CALLS_KEPT = 10_000
LONGEST_HOLD = 120.0

_OUTAGE_PAGE = "<html><head><title>503</title></head><body>Service Temporarily Unavailable</body></html>"


class Endpoint:
    """Answers `/api/…` and remembers every call. `keys` are (key id, secret)."""

    def __init__(self, board: Board, faults: SendblueFaults, account: Account, keys: tuple[str, str]) -> None:
        self._board = board
        self._faults = faults
        self._account = account
        self._keys = keys
        self.calls: deque[ApiCall] = deque(maxlen=CALLS_KEPT)

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/api/send-message", self._send, methods=["POST"]),
            Route("/api/upload-file", self._upload, methods=["POST"]),
            Route("/api/status", self._status),
            Route("/api/v2/messages", self._listed),
            Route("/api/v2/messages/{handle}", self._one),
            Route("/api/v2/contacts/opt-out", self._opt_out, methods=["POST"]),
            Route("/api/lines", self._lines),
            Route("/api/v2/lines/state", self._line_states),
            Route("/api/account/webhooks", self._webhooks, methods=["GET", "POST", "PUT", "DELETE"]),
        ]

    async def _send(self, request: Request) -> Response:
        fields = await _fields(request)
        call, exchange = self._noted(request, fields)
        accepted: PhoneMessage | None = None

        def send() -> Answer:
            nonlocal accepted
            answer, accepted = self._account.send(fields)
            return answer

        answer = self._judged(request, send)
        if accepted is not None and (silence := await self._silence(request, "accept")):
            self._board.finish(exchange, None, "", f"accepted, but {silence}")
            return Dropped()
        return self._answered(call, exchange, answer)

    async def _upload(self, request: Request) -> Response:
        call, exchange = self._noted(request, {"content_length": request.headers.get("content-length", "")})
        answer = self._judged(request, lambda: (200, None))
        if answer[0] == 200:
            try:
                answer = await self._account.upload(request)
            except ClientDisconnect:
                self._board.finish(exchange, None, "", "broken off")
                return Dropped()
        if answer[0] < 300 and (silence := await self._silence(request, "upload")):
            self._board.finish(exchange, None, "", f"taken, but {silence}")
            return Dropped()
        return self._answered(call, exchange, answer)

    async def _silence(self, request: Request, after: str) -> str:
        """Return why what was done goes unanswered, "" if it does not; after: `accept` or `upload`."""
        hang = f"hang_after_{after}"
        if getattr(self._faults, f"drop_after_{after}"):
            return "the connection broke before the answer"
        if not getattr(self._faults, hang):
            return ""
        there = await held(request, self._faults, lambda: not getattr(self._faults, hang), LONGEST_HOLD)
        return "" if there else "the answer never came"

    async def _status(self, request: Request) -> Response:
        await held(request, self._faults, lambda: not self._faults.hang_status, LONGEST_HOLD)
        return await self._plain(request, lambda: self._account.status(dict(request.query_params)))

    async def _listed(self, request: Request) -> Response:
        await held(request, self._faults, lambda: not self._faults.hang_list, LONGEST_HOLD)
        return await self._plain(request, lambda: self._account.listed(dict(request.query_params)))

    async def _one(self, request: Request) -> Response:
        return await self._plain(request, lambda: self._account.one(request.path_params["handle"]))

    async def _lines(self, request: Request) -> Response:
        return await self._plain(request, self._account.numbers)

    async def _line_states(self, request: Request) -> Response:
        return await self._plain(request, self._account.states)

    async def _webhooks(self, request: Request) -> Response:
        fields = await _fields(request)
        return await self._plain(request, lambda: self._account.webhooks(request.method, fields))

    async def _opt_out(self, request: Request) -> Response:
        fields = await _fields(request)
        return await self._plain(request, lambda: self._account.opt_out(fields))

    async def _plain(self, request: Request, ask: Callable[[], Answer]) -> Response:
        params = dict(request.query_params) if request.method == "GET" else await _fields(request)
        call, exchange = self._noted(request, params)
        return self._answered(call, exchange, self._judged(request, ask))

    def _noted(self, request: Request, params: Json) -> tuple[ApiCall, Exchange]:
        path = request.url.path
        call = ApiCall(f"{request.method} {path[path.index('/api/') :]}", params)
        self.calls.append(call)
        return call, self._board.begin(("bot", "sendblue"), request.method, path, params)

    def _judged(self, request: Request, ask: Callable[[], Answer]) -> Answer:
        """Let a request through to the account, or say why not."""
        if self._faults.down:
            return 503, _OUTAGE_PAGE
        try:
            self._admit(request)
            return ask()
        except SendblueRefusalError as refusal:
            return refusal.status, refusal.body

    def _admit(self, request: Request) -> None:
        if "origin" in request.headers:
            raise request_error("Requests from browsers are not allowed", 403)
        given = [_header(request, "api-key-id"), _header(request, "api-secret-key")]
        fits = [compare_digest(mine.encode(), yours.encode()) for mine, yours in zip(self._keys, given, strict=True)]
        if self._faults.unauthorized or not all(fits):
            raise request_error("Invalid Credentials", 401)

    def _answered(self, call: ApiCall, exchange: Exchange, answer: Answer) -> Response:
        status, body = answer
        call.status, call.answer = status, body if isinstance(body, dict | str) else None
        self._board.finish(exchange, status, body)
        if not isinstance(body, str):
            return JSONResponse(body, status)
        return HTMLResponse(body, status) if body.startswith("<") else PlainTextResponse(body, status)


def _header(request: Request, name: str) -> str:
    return request.headers.get(f"sb-{name}") or request.headers.get(f"x-sb-{name}") or ""


async def _fields(request: Request) -> Json:
    """Return a body's fields, JSON or form; nothing if it cannot be read."""
    text = (await request.body()).decode("utf-8", "replace")
    if "form" in request.headers.get("content-type", ""):
        return dict(parse_qsl(text, keep_blank_values=True))
    try:
        decoded = json.loads(text or "{}")
    except ValueError:
        return {}
    return decoded if isinstance(decoded, dict) else {}
