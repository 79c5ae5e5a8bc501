"""Files on the page: what a person drops there, and how a browser is given what there is."""

import sys
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from sandbox import attachments
from sandbox.attachments import MOST
from sandbox.contents import Store
from sandbox.ports import free_port
from sandbox.server import create_app
from sandbox.serving import serving
from sandbox.world import World, connect, world
from tests.samples import HOSTILE_NAMES, HTML, JPEG, LYING, PDF, SVG

ANA = "+14155552671"
PLACE = {"channel": "C0GENERAL", "user": "U0ANA"}


@pytest.fixture
async def made() -> AsyncIterator[World]:
    async with world(free_port(0), [sys.executable, "-c", ""]) as made:
        yield made


@pytest.fixture
async def page(made) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create_app(made), grace=0.2) as url, httpx.AsyncClient(base_url=url, verify=False) as page:
        connect(made, url)
        yield page


def dropped(name: str = "menu.jpg", data: bytes = JPEG, **more: Any) -> dict[str, Any]:
    return {"name": name, "data": b64encode(data).decode(), **more}


async def state(page: httpx.AsyncClient) -> dict[str, Any]:
    return dict((await page.get("/control/state")).json())


class TestSlack:
    async def test_a_person_drops_files_into_a_thread_with_words_or_without(self, made, page):
        root = made.slack.say("C0GENERAL", "The menu")
        for text, files in (({"text": "Look"}, [dropped()]), ({}, [dropped("b.pdf", PDF), dropped("c")])):
            said = PLACE | {"thread_ts": root.ts, "files": files} | text
            assert (await page.post("/control/write", json=said)).status_code == 200
        _, first, second = (await state(page))["messages"]
        assert (first["text"], second["text"]) == ("Look", "")
        [shown] = first["files"]
        assert shown == {
            "id": made.slack.replies("C0GENERAL", root.ts)[0].files[0].id,
            "name": "menu.jpg",
            "title": "menu.jpg",
            "mimetype": "image/jpeg",
            "size": len(JPEG),
            "url": f"/control/slack/files/{shown['id']}",
            "deleted": False,
        }
        assert (await page.get(shown["url"])).content == JPEG
        assert [file["mimetype"] for file in second["files"]] == ["application/pdf", "application/octet-stream"]

    async def test_a_person_deletes_a_file_of_their_own(self, made, page):
        said = (await page.post("/control/type", json=PLACE | {"text": "Look", "files": [dropped()]})).json()
        [shown] = (await state(page))["messages"][0]["files"]
        one = {"channel": "C0GENERAL", "ts": said["ts"], "file": shown["id"]}
        assert (await page.post("/control/delete", json=one | {"user": "U0BEN"})).status_code == 404
        assert (await page.post("/control/delete", json=one | {"user": "U0ANA"})).status_code == 200
        [message] = (await state(page))["messages"]
        assert (message["text"], message["deleted"]) == ("Look", False)
        assert (message["files"][0]["deleted"], message["files"][0]["url"]) == (True, None)
        assert (await page.get(shown["url"])).status_code == 404

    async def test_a_command_takes_no_files(self, made, page):
        typed = PLACE | {"text": f"/imessage {ANA} Hi", "files": [dropped()]}
        assert (await page.post("/control/type", json=typed)).status_code == 400
        assert made.slack.messages("C0GENERAL") == []


class TestPhone:
    async def test_a_customer_sends_files_from_the_phone(self, made, page):
        said = {"number": ANA, "files": [dropped(), dropped("card.vcf", b"BEGIN:VCARD")]}
        assert (await page.post("/control/reply", json=said)).status_code == 200
        shown = [message["media"] for message in (await state(page))["phones"]]
        assert [[(one["name"], one["mimetype"]) for one in media] for media in shown] == [
            [("menu.jpg", "image/jpeg")],
            [("card.vcf", "text/vcard")],
        ]
        assert (await page.get(shown[0][0]["url"])).content == JPEG

    async def test_a_picture_from_elsewhere_has_a_name_and_nothing_to_load(self, made, page):
        send = {"number": ANA, "from_number": made.sendblue.lines[0], "media_url": "https://example.com/a%20b.png?c=d"}
        keys = {"sb-api-key-id": made.bot.settings["SENDBLUE_API_KEY_ID"]}
        keys["sb-api-secret-key"] = made.bot.settings["SENDBLUE_API_SECRET_KEY"]
        await page.post("/sendblue/api/send-message", json=send, headers=keys)
        [message] = (await state(page))["phones"]
        assert message["media"] == [{"name": "a b.png", "mimetype": "image/png", "size": None, "url": None}]


class TestShowing:
    async def put(self, page, where: str, name: str, data: bytes, **more: Any) -> str:
        """Bring a file in, and return where a browser reads it."""
        files = [dropped(name, data, **more)]
        if where == "slack":
            assert (await page.post("/control/write", json=PLACE | {"files": files})).status_code == 200
            return str((await state(page))["messages"][-1]["files"][0]["url"])
        assert (await page.post("/control/reply", json={"number": ANA, "files": files})).status_code == 200
        return str((await state(page))["phones"][-1]["media"][0]["url"])

    @pytest.mark.parametrize("where", ["slack", "phone"])
    @pytest.mark.parametrize(
        ("name", "data", "disposition"),
        [
            ("menu.jpg", JPEG, "inline"),
            ("page.jpg", HTML, "inline"),
            ("page.html", HTML, "attachment"),
            ("drawing.svg", SVG, "attachment"),
            ("menu.pdf", PDF, "attachment"),
            ("drawing.png", LYING["drawing.png"], "inline"),
        ],
    )
    async def test_only_pictures_are_shown_and_nothing_can_run(self, page, where, name, data, disposition):
        answer = await page.get(await self.put(page, where, name, data))
        assert (answer.content, answer.headers["x-content-type-options"]) == (data, "nosniff")
        assert answer.headers["content-disposition"].startswith(f"{disposition};")
        assert "sandbox" in answer.headers["content-security-policy"].split("; ")

    @pytest.mark.parametrize("name", [name for name in HOSTILE_NAMES if 0 < len(name) < 256])
    async def test_no_name_breaks_out_of_a_header(self, page, name):
        answer = await page.get(await self.put(page, "slack", name, JPEG))
        assert answer.content == JPEG
        assert "set-cookie" not in answer.headers
        assert answer.headers["content-disposition"].isprintable()

    @pytest.mark.parametrize("mimetype", ["text/html\r\nSet-Cookie: a=b", "image/png, text/html", "nonsense", "image/"])
    async def test_a_type_that_is_none_is_not_passed_on(self, page, mimetype):
        answer = await page.get(await self.put(page, "slack", "menu.jpg", JPEG, mimetype=mimetype))
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment;")

    async def test_what_is_not_kept_any_more_is_not_there(self, made, page):
        made.slack.files.store = Store(capacity=len(JPEG))
        first = await self.put(page, "slack", "a.jpg", JPEG)
        second = await self.put(page, "slack", "b.jpg", JPEG)
        assert [(await page.get(url)).status_code for url in (first, second)] == [404, 200]
        for path in ("slack/files/F0NONE", "sendblue/media/none"):
            assert (await page.get(f"/control/{path}")).status_code == 404


async def test_files_may_be_just_so_large_together(made, page, monkeypatch):
    monkeypatch.setattr(attachments, "LARGEST", 2 * len(JPEG))
    for count, status in ((2, 200), (3, 400)):
        answer = await page.post("/control/write", json=PLACE | {"files": [dropped()] * count})
        assert answer.status_code == status
    assert len(made.slack.messages("C0GENERAL")) == 1


@pytest.mark.parametrize(
    "files",
    [
        "menu.jpg",
        ["menu.jpg"],
        [{"name": "menu.jpg"}],
        [dropped() | {"data": "no base64!"}],
        [dropped(mimetype=3)],
        [dropped("")],
        [dropped("m" * 256)],
        [dropped()] * (MOST + 1),
    ],
)
async def test_files_that_cannot_be_read_are_refused_with_a_sentence(made, page, files):
    for path, body in (("write", PLACE), ("reply", {"number": ANA})):
        answer = await page.post(f"/control/{path}", json=body | {"files": files})
        assert answer.status_code == 400
        assert answer.json()["error"].endswith(".")
    assert (await state(page))["messages"] == (await state(page))["phones"] == []
