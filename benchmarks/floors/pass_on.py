"""Files passed on from URL to URL as they come, never on a disk: the floor of copying them.

`POST /copy` gets `way`, "in" or "out", and `urls`, and answers when the last file was put where it belongs. As many as
the bot copies at once are under way.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

_AT_ONCE = 4
_SLACK, _SENDBLUE = os.environ["SLACK_API_URL"], os.environ["SENDBLUE_API_URL"]
_TOKEN = {"Authorization": f"Bearer {os.environ['SLACK_BOT_TOKEN']}"}
_KEYS = {
    "sb-api-key-id": os.environ["SENDBLUE_API_KEY_ID"],
    "sb-api-secret-key": os.environ["SENDBLUE_API_SECRET_KEY"],
}


async def _copy(request: Request) -> Response:
    asked, places = await request.json(), asyncio.Semaphore(_AT_ONCE)
    copy = _to_slack if asked["way"] == "in" else _to_sendblue

    async def one(url: str) -> None:
        async with places:
            await copy(request.app.state.http, url)

    await asyncio.gather(*map(one, asked["urls"]))
    return PlainTextResponse("ok\n")


async def _to_slack(http: aiohttp.ClientSession, url: str) -> None:
    async with http.get(url) as source:
        size = str(source.content_length)
        announced = {"filename": "clip.mp4", "length": size}
        async with http.post(f"{_SLACK}files.getUploadURLExternal", data=announced, headers=_TOKEN) as answer:
            target = (await answer.json())["upload_url"]
        async with http.post(target, data=source.content, headers={"Content-Length": size}):
            pass


async def _to_sendblue(http: aiohttp.ClientSession, url: str) -> None:
    async with http.get(url, headers=_TOKEN) as source:
        form = aiohttp.FormData()
        form.add_field("file", source.content, filename="clip.mp4", content_type="video/mp4")
        async with http.post(f"{_SENDBLUE}/api/upload-file", data=form, headers=_KEYS):
            pass


async def _readyz(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


@asynccontextmanager
async def _lifespan(served: Starlette) -> AsyncIterator[None]:
    async with aiohttp.ClientSession(raise_for_status=True) as http:
        served.state.http = http
        yield


app = Starlette(routes=[Route("/copy", _copy, methods=["POST"]), Route("/readyz", _readyz)], lifespan=_lifespan)
