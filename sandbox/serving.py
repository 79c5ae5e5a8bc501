"""Serve an ASGI app on the loopback interface, and the two ways a server can fall silent."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from sandbox.faults import Switches

_CONNECTION = "sandbox.connection"


class _DroppableProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with the connection within the app's reach."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {_CONNECTION: {"transport": self.transport}}


def _dated(app: Callable[..., Any]) -> Callable[..., Any]:
    """Return the app with the time in each answer that has none, as servers say it."""

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and b"date" not in dict(message.get("headers", ())):
                now = (b"date", formatdate(usegmt=True).encode())
                message = {**message, "headers": [*message.get("headers", ()), now]}
            await send(message)

        await app(scope, receive, sending if scope["type"] == "http" else send)

    return answering


class Dropped(Response):
    """No answer at all: the connection is cut."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Cut the connection this request came on."""
        connection_of(scope).abort()
        await gone(receive)


def connection_of(scope: Scope) -> asyncio.Transport:
    """Return the connection that a request came on, to do with it what no response can.

    Raises:
        ConnectionResetError: the app is not served by `serving`.
    """
    extension = scope.get("extensions", {}).get(_CONNECTION)
    if extension is None:
        raise ConnectionResetError("the connection was dropped")
    transport: asyncio.Transport = extension["transport"]
    return transport


async def held(request: Request, switches: Switches, released: Callable[[], bool], patience: float) -> bool:
    """Keep a request waiting until `released()`; return whether its sender is still there.

    Ends early when the sender hangs up, and after `patience` seconds.
    """
    left = asyncio.ensure_future(gone(request.receive))
    free = asyncio.ensure_future(switches.until(released))
    try:
        await asyncio.wait({left, free}, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        return not left.done()
    finally:
        left.cancel()
        free.cancel()


async def gone(receive: Receive) -> None:
    """Wait until a request's sender hangs up."""
    while (await receive())["type"] != "http.disconnect":
        pass


@asynccontextmanager
async def serving(app: Callable[..., Any], port: int = 0, grace: float = 1.0) -> AsyncIterator[str]:
    """Serve `app` on 127.0.0.1 and yield its base URL, without a trailing slash.

    Not `uvicorn.Server`: that one takes over the process's signals and needs a fifth of a second to
    stop, which tests would pay hundreds of times. Port 0 means any free one. On the way out, requests
    get `grace` seconds to finish, then their connections are cut.

    Raises:
        OSError: the port is taken.
        RuntimeError: the app's own start failed (its traceback is logged by uvicorn).
    """
    config = Config(_dated(app), http=_DroppableProtocol, ws="none", log_config=None, access_log=False)
    config.load()
    lifespan = config.lifespan_class(config)
    state = ServerState()

    def protocol() -> asyncio.Protocol:
        return _DroppableProtocol(config=config, server_state=state, app_state=lifespan.state)

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", port, start_serving=False)
    try:
        await lifespan.startup()
        if lifespan.should_exit:
            raise RuntimeError("The app did not start; its log says why.")
        await server.start_serving()
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await _wind_down(state, grace)
        await lifespan.shutdown()


async def _wind_down(state: ServerState, grace: float) -> None:
    """Close idle connections, let busy ones finish for `grace` seconds, cut the rest."""
    for connection in list(state.connections):
        connection.shutdown()
    await _settled(state, grace)
    for connection in list(state.connections):
        connection.transport.abort()
    await _settled(state, grace)
    for task in list(state.tasks):
        task.cancel()
    await _settled(state, grace)


async def _settled(state: ServerState, patience: float) -> None:
    if state.tasks:
        await asyncio.wait(list(state.tasks), timeout=patience)
    await asyncio.sleep(0)
