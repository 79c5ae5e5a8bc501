"""The socket the bot answers on, and uvicorn behind it.

uvicorn itself would wait forever for a request to end, keep a head of any size and take any number of requests ahead.
"""

import asyncio
import errno
import resource
import socket
from contextlib import suppress

import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bot.errors import BadSettings

log = structlog.get_logger(__name__)

KEEP_ALIVE = 130  # seconds; a router must be the first to close an idle connection (Heroku after 90, Caddy after 120)
LARGEST_HEAD = 64 * 1024  # bytes; Slack's and Sendblue's requests have less than two thousand before the body
_MOST_AHEAD = 8  # requests on one connection before the earlier ones are answered; Slack, Sendblue and Heroku send none


def listen(host: str, port: int) -> socket.socket:
    """Take the address. Raises BadSettings: another process has it, or this machine does not."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        taken = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "no such name"
        raise BadSettings(f"HOST: {host} is not an address of this machine ({why})") from None
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
    except OSError as error:
        taken.close()
        name = "HOST" if error.errno == errno.EADDRNOTAVAIL else "PORT"
        raise BadSettings(f"{name}: cannot listen on {host}, port {port} ({error.strerror}); choose another") from None
    return taken


def answer(app: ASGIApp, taken: socket.socket) -> bool:
    """Answer requests until stopped; return whether it ever began."""
    # Each idle connection is an open file; shells often allow 1,024 where the system allows more.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):  # "unlimited" is not always meant
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    server = _Server(configured(app))
    with suppress(KeyboardInterrupt):  # uvicorn has stopped by then
        server.run(sockets=[taken])
    return server.started


def configured(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=PatientProtocol,
        lifespan="on",
        log_config=None,
        access_log=False,  # its lines would hold callback tokens
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=3,
    )


class PatientProtocol(HttpToolsProtocol):
    """One connection, closed when it says nothing or too much."""

    within = 30.0  # seconds in which a whole request must have come, counted from when one could begin
    _deadline: asyncio.TimerHandle | None = None
    _head: int | None = 0  # bytes of it so far; None while a body comes

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._wait()  # for another request on the same connection
        if self._head is not None:
            self._head += len(data)
        super().data_received(data)
        if (self._head or 0) > LARGEST_HEAD:
            self.send_400_response("The head of the request is too large.")

    def on_message_begin(self) -> None:
        self._wait()  # its first bytes came with the end of the one before
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head = None  # the body is limited by its route
        if len(self.pipeline) >= _MOST_AHEAD:
            self.transport.abort()
        else:
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._head = 0
        self._wait_no_more()  # answering may take its time
        super().on_message_complete()

    def _wait(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.within, self.transport.abort)

    def _wait_no_more(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:  # uvicorn itself says nothing of a socket it was given
            [host, port, *_] = (sockets or [])[0].getsockname()
            log.info("listening", host=host, port=port)
