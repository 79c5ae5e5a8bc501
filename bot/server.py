"""The socket the bot answers on, and uvicorn behind it."""

import errno
import resource
import socket
from contextlib import suppress

import structlog
import uvicorn
from starlette.applications import Starlette

from bot.errors import BadSettings
from handlers.patience import PatientProtocol

log = structlog.get_logger(__name__)

KEEP_ALIVE = 130
"""Seconds an idle connection is kept. Whoever forwards requests to us must be the first to close one, or it sends a
request into a closing connection: Heroku's router keeps them for 90 s, Caddy for 120 s."""


def listen(host: str, port: int) -> socket.socket:
    """Take the address before anything else is done.

    Raises:
        BadSettings: another process has it, or this machine does not.
    """
    try:
        [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
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


def answer(app: Starlette, taken: socket.socket) -> bool:
    """Answer requests until stopped; return whether it ever began."""
    _open_more_files()
    server = _Server(configured(app))
    with suppress(KeyboardInterrupt):  # uvicorn has stopped in order by then
        server.run(sockets=[taken])
    return server.started


def configured(app: Starlette) -> uvicorn.Config:
    """Return how uvicorn serves the app."""
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


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:  # uvicorn itself says nothing of a socket it was given
            [host, port, *_] = (sockets or [])[0].getsockname()
            log.info("listening", host=host, port=port)


def _open_more_files() -> None:
    """Each idle connection is an open file; shells often allow 1,024 where the system allows more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
