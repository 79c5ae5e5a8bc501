"""A bare Starlette route that parses the JSON of a callback, or of what a customer wrote, and stores nothing."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route


async def _status(request: Request) -> Response:
    await request.json()
    return PlainTextResponse("ok\n")


async def _readyz(request: Request) -> Response:
    del request
    return PlainTextResponse("ok\n")


app = Starlette(
    routes=[
        Route("/sendblue/status/{send_id}/{token}", _status, methods=["POST"]),
        Route("/sendblue/webhook", _status, methods=["POST"]),
        Route("/readyz", _readyz),
    ]
)
