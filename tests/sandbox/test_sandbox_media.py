"""Media in the pretend Sendblue: what the app uploads, what customers send, and how either is read."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.board import Board
from sandbox.sendblue import PretendSendblue
from sandbox.serving import serving
from tests.samples import JPEG, PDF, PNG

ANA, LINE = "+14155552671", "+15550100900"
KEYS = {"sb-api-key-id": "pretend-key", "sb-api-secret-key": "pretend-secret"}


@pytest.fixture
async def heard() -> list[dict[str, Any]]:
    """What the webhook was told, in the order in which it came."""
    return []


@pytest.fixture
async def sendblue(heard) -> AsyncIterator[PretendSendblue]:
    async def answer(request: Request) -> Response:
        heard.append(await request.json())
        return Response()

    sendblue = PretendSendblue(Board(), key_id="pretend-key", secret="pretend-secret", step=0)
    async with (
        serving(Starlette(routes=[Route("/hook", answer, methods=["POST"])])) as url,
        serving(sendblue.app, grace=0.1) as sendblue.base_url,
    ):
        sendblue.webhook_url = f"{url}/hook"
        yield sendblue
        await sendblue.aclose()


@pytest.fixture
async def api(sendblue) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=sendblue.base_url, headers=KEYS, verify=False, timeout=2) as api:
        yield api


@pytest.fixture
async def anybody() -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without any key."""
    async with httpx.AsyncClient(verify=False, timeout=2) as anybody:
        yield anybody


class TestUploading:
    async def test_an_uploaded_file_gets_an_address_that_anybody_can_read(self, api, anybody):
        answer = await api.post("/api/upload-file", files={"file": ("menu.jpg", JPEG, "image/jpeg")})
        assert answer.status_code == 200
        assert answer.json()["media_url"].endswith("/menu.jpg")
        read = await anybody.get(answer.json()["media_url"])
        assert (read.status_code, read.content, read.headers["content-type"]) == (200, JPEG, "image/jpeg")

    async def test_a_send_with_such_an_address_keeps_its_picture(self, sendblue, api):
        url = (await api.post("/api/upload-file", files={"file": ("menu.jpg", JPEG)})).json()["media_url"]
        send = {"number": ANA, "from_number": LINE, "media_url": url}
        assert (await api.post("/api/send-message", json=send)).json()["media_url"] == url
        [shown] = sendblue.snapshot()["phones"][0]["media"]
        assert (shown["name"], shown["mimetype"], shown["size"]) == ("menu.jpg", "image/jpeg", len(JPEG))


class TestCustomers:
    async def test_each_file_is_a_message_with_its_own_handle(self, sendblue, heard, anybody):
        await sendblue.customer_says(ANA, "Look", media=[("a.png", PNG), ("b.pdf", PDF)])
        assert [said["content"] for said in heard] == ["Look", ""]
        assert len({said["message_handle"] for said in heard}) == 2
        assert [(await anybody.get(said["media_url"])).content for said in heard] == [PNG, PDF]
