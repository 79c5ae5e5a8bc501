"""A pretend Slack, an app for it to talk to, and a client of its Web API."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.board import Board
from sandbox.serving import serving
from sandbox.slack import PretendSlack
from tests.samples import JPEG

TOKEN = "xoxb-pretend-token"
SECRET = "pretend-signing-secret"
PLACE = "C0GENERAL"
TOKENED = {"Authorization": f"Bearer {TOKEN}"}


@dataclass
class StandInBot:
    """Keeps what Slack sends and answers what it is told to, at first with each of `statuses`."""

    requests: list[tuple[dict[str, str], str]] = field(default_factory=list)
    response: Response = field(default_factory=Response)
    delay: float = 0.0
    statuses: list[int] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        self.requests.append((dict(request.headers), (await request.body()).decode()))
        await asyncio.sleep(self.delay)
        return Response(status_code=self.statuses.pop(0)) if self.statuses else self.response

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/slack/events", self.answer, methods=["POST"])])

    @property
    def envelopes(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.requests]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [envelope["event"] for envelope in self.envelopes]

    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.requests[-1][1]).items()}

    def payload(self) -> dict[str, Any]:
        return dict(json.loads(self.form()["payload"]))


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def bot() -> StandInBot:
    return StandInBot()


@pytest.fixture
async def slack(board: Board, bot: StandInBot) -> AsyncIterator[PretendSlack]:
    slack = PretendSlack(board, bot_token=TOKEN, signing_secret=SECRET, post_interval=0)
    slack.events.pauses = (0.0, 0.01, 0.01)
    async with AsyncExitStack() as stack:
        slack.base_url = await stack.enter_async_context(serving(slack.app))
        slack.app_url = await stack.enter_async_context(serving(bot.app)) + "/slack/events"
        stack.push_async_callback(slack.aclose)
        yield slack


@pytest.fixture
async def client(slack: PretendSlack) -> AsyncIterator[AsyncWebClient]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        yield AsyncWebClient(TOKEN, base_url=f"{slack.base_url}/api/", session=session, retry_handlers=[])


@pytest.fixture
async def root(client: AsyncWebClient) -> str:
    """The `ts` of a root that the bot posted in `PLACE`."""
    return str((await client.chat_postMessage(channel=PLACE, text="Texting +1 ••• 2671"))["ts"])


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        yield session


@pytest.fixture
def announce(client):
    async def announce(name: str = "menu.jpg", length: int = len(JPEG), **more: Any) -> tuple[str, str]:
        """Return the upload URL and the id of a file."""
        answer = await client.api_call(
            "files.getUploadURLExternal", params={"filename": name, "length": length, **more}
        )
        return answer["upload_url"], answer["file_id"]

    return announce


@pytest.fixture
def upload(announce, http):
    async def upload(name: str = "menu.jpg", data: bytes = JPEG) -> str:
        """Upload a file that is not shared yet, and return its id."""
        url, file = await announce(name, len(data))
        async with http.post(url, data=data) as answer:
            assert (answer.status, await answer.text()) == (200, f"OK - {len(data)}")
        return file

    return upload


@pytest.fixture
def complete(client, root):
    async def complete(*files: str, **more: Any) -> Any:
        """Share files in the thread."""
        given = {"files": [{"id": file, "title": "Menu"} for file in files], "channel_id": PLACE, "thread_ts": root}
        return await client.api_call("files.completeUploadExternal", json=given | more)

    return complete


@pytest.fixture
def info(client):
    async def info(file: str) -> dict[str, Any]:
        return dict((await client.api_call("files.info", params={"file": file}))["file"])

    return info


async def replies(client: AsyncWebClient, root: str) -> list[dict[str, Any]]:
    """What the Web API says of the replies to a root in `PLACE`."""
    return list((await client.conversations_replies(channel=PLACE, ts=root))["messages"][1:])


async def refusal(call: Awaitable[Any]) -> str:
    """The error that a call is refused with."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])
