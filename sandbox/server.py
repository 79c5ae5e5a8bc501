"""The sandbox's one server: both pretend services, the page, its controls and its live feed."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from sandbox.board import Board
from sandbox.control import Control
from sandbox.playing import Playing
from sandbox.traffic import Json
from sandbox.world import World

PAGE = Path(__file__).parent / "page"
HEARTBEAT = 15.0
"""Seconds of silence after which the live feed says that it is still there."""

_NO_STORE = {"Cache-Control": "no-store"}


def create_app(world: World) -> Starlette:
    """Return the app that serves a world."""
    playing = Playing(world)

    def snapshot() -> Json:
        return world.snapshot() | playing.snapshot()

    async def state(_request: Request) -> Response:
        return JSONResponse(snapshot())

    async def events(_request: Request) -> Response:
        feed = _feed(world.board, snapshot)
        return StreamingResponse(feed, media_type="text/event-stream", headers=_NO_STORE)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await playing.aclose()

    controls = [Route("/state", state), Route("/events", events), *Control(world, playing).routes()]
    return Starlette(
        routes=[
            Route("/", _page),
            Mount("/page", StaticFiles(directory=PAGE, check_dir=False)),
            Mount("/slack", world.slack.app),
            Mount("/sendblue", world.sendblue.app),
            Mount("/control", routes=controls),
        ],
        lifespan=lifespan,
    )


async def _page(_request: Request) -> Response:
    index = PAGE / "index.html"
    if not index.is_file():
        return PlainTextResponse("The page is missing from this copy of the sandbox.", 404)
    return FileResponse(index, headers=_NO_STORE)


async def _feed(board: Board, snapshot: Callable[[], Json]) -> AsyncIterator[str]:
    """Yield a snapshot, then everything that happens. No await lies between, so nothing is missed."""
    with board.listen() as listener:
        yield _event("state", snapshot())
        async for event in listener.events(HEARTBEAT):
            yield ": still here\n\n" if event is None else _event(*event)


def _event(kind: str, data: Mapping[str, object]) -> str:
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n"
