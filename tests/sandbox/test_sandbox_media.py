"""Media in the pretend Sendblue: what the app uploads, what customers send, and how either is read."""

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.board import Board
from sandbox.contents import MIB, MadeUp
from sandbox.sendblue import PretendSendblue, media
from sandbox.serving import serving
from tests.conftest import until
from tests.samples import HOSTILE_NAMES, JPEG, PDF, PNG, SVG
from tests.shapes import raw

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


@pytest.fixture
def upload(api):
    async def upload(name: str = "menu.jpg", data: bytes = JPEG, field: str = "file") -> httpx.Response:
        return await api.post("/api/upload-file", files={field: (name, data, "image/jpeg")})

    return upload


class TestUploading:
    async def test_an_uploaded_file_gets_an_address_that_anybody_can_read(self, upload, anybody):
        answer = await upload()
        assert answer.status_code == 200
        assert answer.json().keys() == json.loads(raw("sendblue/uncalled", "upload_file")).keys()
        assert answer.json()["media_url"].endswith("/menu.jpg")
        read = await anybody.get(answer.json()["media_url"])
        assert (read.status_code, read.content, read.headers["content-type"]) == (200, JPEG, "image/jpeg")

    async def test_a_send_with_such_an_address_keeps_its_picture(self, sendblue, api, upload):
        url = (await upload()).json()["media_url"]
        send = {"number": ANA, "from_number": LINE, "media_url": url}
        assert (await api.post("/api/send-message", json=send)).json()["media_url"] == url
        [shown] = sendblue.snapshot()["phones"][0]["media"]
        assert (shown["name"], shown["mimetype"], shown["size"]) == ("menu.jpg", "image/jpeg", len(JPEG))

    async def test_a_picture_that_is_lost_is_not_on_the_phone(self, sendblue, api, upload):
        sendblue.faults.drop_media = True
        send = {"number": ANA, "from_number": LINE, "media_url": (await upload()).json()["media_url"]}
        assert (await api.post("/api/send-message", json=send)).json()["media_url"] is None
        assert sendblue.snapshot()["phones"][0]["media"] == []

    @pytest.mark.parametrize("name", ["menu", "menu.", ".jpg", ""])
    @pytest.mark.parametrize("error", ["error", "message", "error_message"])
    async def test_a_file_needs_a_name_with_an_extension(self, sendblue, upload, error, name):
        sendblue.faults.upload_error = error
        answer = await upload(name)
        assert (answer.status_code, list(answer.json())) == (400, [error])

    async def test_types_of_files_may_be_refused(self, sendblue, upload):
        sendblue.faults.refused_types = "caf,heic"
        assert [(await upload(name)).status_code for name in ("a.HEIC", "a.caf", "a.jpg")] == [400, 400, 200]

    async def test_what_is_no_form_with_a_file_is_refused(self, api, upload):
        shape = json.loads(raw("sendblue/uncalled", "upload_file_refused_error"))
        plain = await api.post("/api/upload-file", content=JPEG, headers={"Content-Type": "image/jpeg"})
        for answer in (plain, await upload(field="picture")):
            assert (answer.status_code, answer.json()) == (400, shape)

    async def test_a_file_may_be_just_so_large(self, upload, monkeypatch):
        monkeypatch.setattr(media, "LARGEST", len(JPEG))
        assert (await upload()).status_code == 200
        assert (await upload(data=JPEG + b"x")).status_code == 400

    async def test_the_keys_are_needed(self, sendblue, anybody):
        answer = await anybody.post(f"{sendblue.base_url}/api/upload-file", files={"file": ("menu.jpg", JPEG)})
        assert answer.status_code == 401

    async def test_an_upload_can_fail_or_be_answered_otherwise(self, sendblue, upload):
        sendblue.faults.refuse_upload = 500
        assert (await upload()).status_code == 500
        sendblue.faults.patch({"refuse_upload": 0, "upload_code": 201})
        assert (await upload()).status_code == 201
        sendblue.faults.bare_upload = True
        assert (await upload()).json() == {}
        sendblue.faults.down = True
        assert (await upload()).status_code == 503

    async def test_the_answer_to_an_upload_can_be_lost(self, sendblue, upload):
        sendblue.faults.drop_after_upload = True
        with pytest.raises(httpx.RemoteProtocolError):
            await upload()
        assert len(sendblue.media) == 1

    async def test_the_answer_to_an_upload_can_hang(self, sendblue, upload):
        sendblue.faults.hang_after_upload = True
        uploading = asyncio.ensure_future(upload())
        await until(lambda: len(sendblue.media))
        assert not uploading.done()
        sendblue.faults.hang_after_upload = False
        assert (await uploading).status_code == 200

    async def test_an_upload_that_breaks_off_is_not_taken(self, sendblue, api):
        async def pieces() -> AsyncIterator[bytes]:
            yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n' + JPEG
            raise ConnectionError

        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        with pytest.raises(ConnectionError):
            await api.post("/api/upload-file", content=pieces(), headers=headers)
        await until(lambda: sendblue.calls)
        whole = b"".join([piece async for piece in _until_it_breaks(pieces())]) + b"\r\n--x--\r\n"
        assert (await api.post("/api/upload-file", content=whole, headers=headers)).status_code == 200
        assert [call.status for call in sendblue.calls] == [0, 200]
        assert len(sendblue.media) == 1


async def _until_it_breaks(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    with suppress(ConnectionError):
        async for piece in pieces:
            yield piece


class TestCustomers:
    @pytest.mark.parametrize(
        ("how", "came"),
        [
            ("", [("Look", "a.png"), ("", "b.pdf")]),
            ("words_first", [("Look", None), ("", "a.png"), ("", "b.pdf")]),
            ("words_last", [("", "a.png"), ("", "b.pdf"), ("Look", None)]),
        ],
    )
    async def test_each_file_is_a_message_with_its_own_handle(self, sendblue, heard, anybody, how, came):
        sendblue.faults.media_items = how
        assert await sendblue.customer_says(ANA, "Look", media=[("a.png", PNG), ("b.pdf", PDF)]) == 200
        urls = [said["media_url"] for said in heard]
        names = [url.rpartition("/")[2] if url else None for url in urls]
        assert list(zip([said["content"] for said in heard], names, strict=True)) == came
        assert len({said["message_handle"] for said in heard}) == len(came)
        assert [(await anybody.get(url)).content for url in urls if url] == [PNG, PDF]

    async def test_several_addresses_may_come_in_one_message(self, sendblue, api, heard, anybody):
        sendblue.faults.media_items = "list"
        await sendblue.customer_says(ANA, "Look", media=[("a.png", PNG), ("b.pdf", PDF)])
        [said] = heard
        assert [(await anybody.get(url)).content for url in said["media_url"]] == [PNG, PDF]
        assert [one["name"] for one in sendblue.messages[0].event()["media"]] == ["a.png", "b.pdf"]
        [listed] = (await api.get("/api/v2/messages")).json()["data"]
        assert listed["media_url"] == said["media_url"]

    async def test_a_file_may_come_without_a_word_and_in_a_group(self, sendblue, heard):
        await sendblue.customer_says(ANA, "", media=[("a.png", PNG)])
        await sendblue.group_says("+14155553101", "", media=[("a.png", PNG)])
        assert [(said["content"], bool(said["group_id"])) for said in heard] == [("", False), ("", True)]
        assert all(said["media_url"] for said in heard)
        assert heard[0].keys() >= json.loads(raw("sendblue/inbound", "receive_image")).keys()

    @pytest.mark.parametrize("name", HOSTILE_NAMES)
    async def test_any_name_leads_to_its_bytes(self, sendblue, heard, anybody, name):
        await sendblue.customer_says(ANA, "", media=[(name, JPEG)])
        assert not any(map(str.isspace, heard[0]["media_url"]))
        assert (await anybody.get(heard[0]["media_url"])).content == JPEG


class TestReading:
    @pytest.fixture
    async def url(self, sendblue, heard) -> str:
        """Where a file is that Ana sent."""
        await sendblue.customer_says(ANA, "", media=[("a.jpg", JPEG)])
        return str(heard[0]["media_url"])

    async def test_media_can_be_gone_or_elsewhere_or_a_page(self, sendblue, url, anybody):
        for status in (403, 404, 500):
            sendblue.faults.refuse_media = status
            assert (await anybody.get(url)).status_code == status
        sendblue.faults.patch({"refuse_media": 0, "media_html": True})
        answer = await anybody.get(url)
        assert (answer.status_code, answer.text[:15]) == (200, "<!DOCTYPE html>")
        sendblue.faults.media_elsewhere = "http://169.254.169.254/"
        answer = await anybody.get(url)
        assert (answer.status_code, answer.headers["location"]) == (302, "http://169.254.169.254/")
        assert [(call.params["name"], call.status) for call in sendblue.transfers[-2:]] == [
            ("a.jpg", 200),
            ("a.jpg", 302),
        ]

    async def test_media_expire(self, sendblue, url, anybody):
        assert sendblue.faults.media_lives == 30 * 24 * 3600
        sendblue.faults.media_lives = 0
        assert (await anybody.get(url)).status_code == 404
        assert (await anybody.get(f"{sendblue.base_url}/media/inbound-file-store/none/a.jpg")).status_code == 404

    async def test_the_length_of_media_may_be_kept_back_or_a_lie(self, sendblue, url, anybody):
        answer = await anybody.get(url)
        assert (answer.headers["content-length"], answer.content) == (str(len(JPEG)), JPEG)
        sendblue.faults.media_length = "none"
        answer = await anybody.get(url)
        assert ("content-length" in answer.headers, answer.content) == (False, JPEG)
        sendblue.faults.media_length = "more"
        with pytest.raises(httpx.RemoteProtocolError):
            await anybody.get(url)

    async def test_more_may_come_than_the_length_says(self, sendblue, url):
        sendblue.faults.media_length = "less"
        place = httpx.URL(url)
        reader, writer = await asyncio.open_connection(place.host, place.port)
        writer.write(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % place.raw_path)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        assert f"content-length: {len(JPEG) // 2}" in head.decode().lower()
        assert body == JPEG

    async def test_media_can_be_cut_off(self, sendblue, url, anybody):
        sendblue.faults.cut_media = True
        with pytest.raises(httpx.RemoteProtocolError):
            await anybody.get(url)

    async def test_media_can_be_slow(self, sendblue, url, anybody):
        sendblue.faults.slow_media, begun = 0.2, time.monotonic()
        assert (await anybody.get(url)).content == JPEG
        assert time.monotonic() - begun > 0.15

    async def test_media_can_hang(self, sendblue, url, anybody):
        sendblue.faults.hang_media = True
        reading = asyncio.ensure_future(anybody.get(url))
        await until(lambda: sendblue.transfers)
        assert not reading.done()
        sendblue.faults.hang_media = False
        assert (await reading).content == JPEG

    async def test_nothing_that_is_read_there_can_act_in_a_browser(self, sendblue, heard, anybody):
        await sendblue.customer_says(ANA, "", media=[("a.svg", SVG)])
        answer = await anybody.get(heard[0]["media_url"])
        assert (answer.headers["content-type"], answer.headers["x-content-type-options"]) == (
            "image/svg+xml",
            "nosniff",
        )
        assert "sandbox" in answer.headers["content-security-policy"].split("; ")

    async def test_a_file_of_any_size_takes_no_memory(self, sendblue, heard, anybody):
        made = MadeUp(20 * MIB, JPEG)
        await sendblue.customer_says(ANA, "", media=[("large.jpg", made)])
        digest = hashlib.sha256()
        async with anybody.stream("GET", heard[0]["media_url"]) as answer:
            async for piece in answer.aiter_bytes():
                digest.update(piece)
        assert (digest.hexdigest(), made.data) == (made.sha256, None)
