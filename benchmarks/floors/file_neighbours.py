"""The sandbox's Slack and Sendblue as neighbours with large files, of which they keep no bytes.

`POST /meet` tells them where the bot is, and a customer writes to it. `POST /send` has files sent, and answers when the
last one was put where it belongs. `POST /make` makes files that nobody hears of, and answers with their URLs.
Of both, `way` is "in" (from the phone) or "out" (from Slack), `count` says how many.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route

from benchmarks.settings import BOT_TOKEN, KEY_ID, KEY_SECRET, LINE, PLACE, SIGNING_SECRET, WEBHOOK_SECRET
from sandbox.board import Board
from sandbox.contents import MIB, MadeUp
from sandbox.sendblue import PretendSendblue
from sandbox.slack import PretendSlack

_CUSTOMER = "+14155550100"
_LARGEST_KEPT = 5 * MIB
_SIZE = int(os.environ["FILE_SIZE"])
_MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"
_LOOKS = 0.01  # seconds between two looks whether all is there
_URL = f"http://127.0.0.1:{os.environ['PORT']}"

_board = Board()
_slack = PretendSlack(_board, BOT_TOKEN, SIGNING_SECRET)
_sendblue = PretendSendblue(_board, KEY_ID, KEY_SECRET, [LINE])
_slack.base_url, _sendblue.base_url = f"{_URL}/slack", f"{_URL}/sendblue"
_slack.files.store.largest_kept = _sendblue.media.store.largest_kept = _LARGEST_KEPT


async def _meet(request: Request) -> Response:
    url = (await request.json())["url"]
    _slack.app_url = f"{url}/slack/events"
    _sendblue.webhook_url, _sendblue.webhook_secret = f"{url}/sendblue/webhook", WEBHOOK_SECRET
    await _sendblue.customer_says(_CUSTOMER, "Have you seen the new menu?")
    await _until(lambda: bool(_slack.messages(PLACE)))
    return PlainTextResponse("ok\n")


async def _send(request: Request) -> Response:
    asked = await request.json()
    way, end = asked["way"], _put(asked["way"]) + asked["count"]
    root = _slack.messages(PLACE)[0]
    for _ in range(asked["count"]):
        if way == "in":
            await _sendblue.customer_says(_CUSTOMER, "", media=[("clip.mp4", MadeUp(_SIZE, _MP4))])
        else:
            await _slack.reply(PLACE, root.ts, "", files=[("clip.mp4", MadeUp(_SIZE, _MP4), "video/mp4")])
    await _until(lambda: _put(way) >= end)
    return PlainTextResponse("ok\n")


async def _until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 - what it waits for has no event
        await asyncio.sleep(_LOOKS)


def _put(way: str) -> int:
    """Return how many files were put where those from the phone, or from Slack, belong."""
    calls, method = (_slack.transfers, "upload") if way == "in" else (_sendblue.calls, "POST /api/upload-file")
    return sum(call.method == method and call.status == 200 for call in calls)


async def _make(request: Request) -> Response:
    asked = await request.json()
    return JSONResponse([_made(asked["way"]) for _ in range(asked["count"])])


def _made(way: str) -> str:
    if way == "in":
        return _sendblue.media.sent("clip.mp4", MadeUp(_SIZE, _MP4)).url
    return _slack.files.make("clip.mp4", MadeUp(_SIZE, _MP4)).url


async def _calls(_request: Request) -> Response:
    return JSONResponse([])


@asynccontextmanager
async def _lifespan(_app: Starlette) -> AsyncIterator[None]:
    yield
    await _slack.aclose()
    await _sendblue.aclose()


app = Starlette(
    routes=[
        Mount("/slack", _slack.app),
        Mount("/sendblue", _sendblue.app),
        *(Route(f"/{act.__name__[1:]}", act, methods=["POST"]) for act in (_meet, _send, _make)),
        Route("/calls", _calls),
    ],
    lifespan=_lifespan,
)
