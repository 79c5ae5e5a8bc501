"""Where the bytes of files come in and go out: the upload URL of one file, and its download for who has the token."""

import time
from collections import deque
from hmac import compare_digest

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from sandbox.board import Board
from sandbox.contents import TooLargeError
from sandbox.downloads import Download
from sandbox.serving import Dropped, held
from sandbox.slack.faults import SlackFaults
from sandbox.slack.file_records import SlackFile
from sandbox.slack.files import Files
from sandbox.slack.sharing import Announced, Sharing
from sandbox.slack.workspace import Workspace
from sandbox.traffic import ApiCall
from sandbox.uploads import uploaded

CALLS_KEPT = 10_000
LONGEST_HOLD = 3600.0
BEYOND = 1000
"""Bytes by which a download may have more than its file's `size` says."""

_SIGN_IN = "<!DOCTYPE html><html><head><title>Slack</title></head><body>Sign in to see this file.</body></html>"


class FileDoors:
    """Answers `/upload/v1/{ticket}` and `/files-pri/…`, and remembers every call as "upload" or "download"."""

    def __init__(
        self, board: Board, workspace: Workspace, files: Files, sharing: Sharing, faults: SlackFaults, token: str
    ) -> None:
        self._board = board
        self._workspace = workspace
        self._files = files
        self._sharing = sharing
        self._faults = faults
        self._token = token
        self.calls: deque[ApiCall] = deque(maxlen=CALLS_KEPT)

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/upload/v1/{ticket}", self._upload, methods=["POST"]),
            Route("/files-pri/{name}/download/{slug}", self._download),
        ]

    async def _upload(self, request: Request) -> Response:
        announced = self._sharing.announced.get(request.path_params["ticket"])
        length = request.headers.get("content-length", "an unknown number of")
        call = ApiCall("upload", {"file": announced.file.id if announced else "", "content_length": length})
        self.calls.append(call)
        exchange = self._board.begin(("bot", "slack"), "POST", request.url.path, f"{length} bytes")
        try:
            status, said = await self._take(request, announced)
        except ClientDisconnect:
            self._board.finish(exchange, None, "", "broken off")
            return Dropped()
        if self._faults.hang_upload and not await self._held(request, "hang_upload"):
            self._board.finish(exchange, None, "", "never answered")
            return Dropped()
        if status == 200 and self._faults.lose_upload_answer > 0:
            self._faults.lose_upload_answer -= 1
            self._board.finish(exchange, None, "", "taken, but the answer was lost")
            return Dropped()
        call.status, call.answer = status, said
        self._board.finish(exchange, status, said)
        return PlainTextResponse(said, status)

    async def _take(self, request: Request, announced: Announced | None) -> tuple[int, str]:
        """Take in an announced file's bytes; return HTTP status and words."""
        if self._faults.refuse_upload:
            return self._faults.refuse_upload, "The file could not be uploaded"
        if announced is None or time.monotonic() > announced.expires:
            return 404, "The upload URL has expired"
        if announced.used and self._faults.upload_once:
            return 400, "The upload URL was used before"
        try:
            upload = await uploaded(request)
            if upload is None:
                return 400, "no file"
            content = await self._files.store.take(upload.pieces, announced.length)
        except TooLargeError:
            return 400, "length mismatch"
        except ValueError as error:
            return 400, str(error)
        if content.size != announced.length:
            return 400, "length mismatch"
        announced.used = True
        self._files.uploaded(announced.file, content)
        return 200, f"OK - {content.size}"

    async def _download(self, request: Request) -> Response:
        file = self._files.find(request.path_params["name"].rpartition("-")[2])
        call = ApiCall("download", {"file": file.id if file else ""})
        self.calls.append(call)
        exchange = self._board.begin(("bot", "slack"), "GET", request.url.path, "")
        if self._faults.hang_download and not await self._held(request, "hang_download"):
            self._board.finish(exchange, None, "", "never answered")
            return Dropped()
        response = self._answer(file, request)
        call.status = response.status_code
        note = "a page instead of the file" if isinstance(response, HTMLResponse) else ""
        self._board.finish(exchange, response.status_code, f"{response.headers.get('content-length')} bytes", note)
        return response

    def _answer(self, file: SlackFile | None, request: Request) -> Response:
        if self._faults.refuse_download:
            elsewhere = {"Location": "https://sandbox.slack.com/"} if 300 <= self._faults.refuse_download < 400 else {}
            return PlainTextResponse("", self._faults.refuse_download, elsewhere)
        if file is None or file.deleted or file.content is None or not file.content.readable:
            return PlainTextResponse("not found", 404)
        if self._faults.download_html or not self._admits(request) or not file.scanned or file.mode == "external":
            return HTMLResponse(_SIGN_IN)
        sizes = {"fewer": file.size // 2, "more": file.size + BEYOND}
        length = sizes.get(self._faults.size_lies, file.size)
        sent = length // 2 if self._faults.cut_download else length
        headers = {"Content-Type": file.mimetype, "X-Content-Type-Options": "nosniff"}
        headers["Content-Disposition"] = "attachment"
        return Download(file.content, headers, sent=sent, length=length, seconds=self._faults.slow_download)

    def _admits(self, request: Request) -> bool:
        """Whether a request has the token, and the token the scope."""
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        return compare_digest(given.encode(), self._token.encode()) and "files:read" in self._workspace.scopes

    async def _held(self, request: Request, switch: str) -> bool:
        return await held(request, self._faults, lambda: not getattr(self._faults, switch), LONGEST_HOLD)
