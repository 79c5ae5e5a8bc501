"""One call for each thing received, and nothing stored: posts wait in memory for their channel's slot.

What is typed in a thread becomes a text to its customer, all else a post. With POST_INTERVAL=0 it is the floor of what
travels (the least between a callback and a reply); with an interval it is the peer that merges nothing.
"""

import asyncio
import os
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from benchmarks.callback_requests import ROOTS, channel_of, root_ts
from benchmarks.inbound_requests import customer

_INTERVAL = float(os.environ["POST_INTERVAL"])
_CHANNELS = int(os.environ["CHANNELS"])
_slack = AsyncWebClient(token="xoxb-0", base_url=os.environ["SLACK_API_URL"] + "/", retry_handlers=[])  # noqa: S106
_waiting: dict[str, asyncio.Queue[tuple[str, str]]] = defaultdict(asyncio.Queue)
_posters: dict[str, asyncio.Task[None]] = {}


async def _status(request: Request) -> Response:
    told = await request.json()
    channel = channel_of(told["message_handle"], _CHANNELS)
    if channel not in _posters:
        _posters[channel] = asyncio.create_task(_post(channel))
    number = int(told["message_handle"].rpartition("-")[2])
    _waiting[channel].put_nowait((root_ts(number), told["status"]))
    return PlainTextResponse("ok\n")


async def _post(channel: str) -> None:
    while True:
        thread, word = await _waiting[channel].get()
        slot = asyncio.create_task(asyncio.sleep(_INTERVAL))
        await _slack.chat_postMessage(channel=channel, text=word, thread_ts=thread)
        await slot


async def _typed(request: Request) -> Response:
    event = (await request.json())["event"]
    text = {"number": customer(int(float(event["thread_ts"])) - ROOTS), "content": event["text"]}
    return PlainTextResponse("ok\n", background=BackgroundTask(_text, text))


async def _text(text: dict[str, str]) -> None:
    url = os.environ["SENDBLUE_API_URL"] + "/api/send-message"
    assert _slack.session is not None  # noqa: S101 - see `_lifespan`
    async with _slack.session.post(url, json=text) as answer:
        await answer.read()


async def _readyz(request: Request) -> Response:
    del request
    return PlainTextResponse("ok\n")


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    del app
    async with aiohttp.ClientSession() as _slack.session:
        yield


app = Starlette(
    routes=[
        Route("/sendblue/status/{send_id}/{token}", _status, methods=["POST"]),
        Route("/sendblue/webhook", _status, methods=["POST"]),
        Route("/slack/events", _typed, methods=["POST"]),
        Route("/readyz", _readyz),
    ],
    lifespan=_lifespan,
)
