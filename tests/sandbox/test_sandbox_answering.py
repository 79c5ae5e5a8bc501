"""What the pretend customers do: tapbacks, a group chat, and the ways in which news of them comes."""

import sys
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.board import Board
from sandbox.ports import free_port
from sandbox.sendblue import PretendSendblue
from sandbox.sendblue.groups import GROUP
from sandbox.server import create_app
from sandbox.serving import serving
from sandbox.world import connect, world

ANA, LINE = "+14155552671", "+15550100900"
KEYS = {"sb-api-key-id": "pretend-key", "sb-api-secret-key": "pretend-secret"}


@pytest.fixture
async def heard() -> list[str]:
    """What the webhook was told, in the order in which it came."""
    return []


@pytest.fixture
async def sendblue(heard) -> AsyncIterator[PretendSendblue]:
    async def answer(request: Request) -> Response:
        heard.append((await request.json())["content"])
        return Response()

    sendblue = PretendSendblue(Board(), key_id="pretend-key", secret="pretend-secret", step=0)
    async with serving(Starlette(routes=[Route("/hook", answer, methods=["POST"])])) as url:
        sendblue.webhook_url = f"{url}/hook"
        yield sendblue
        await sendblue.aclose()


@pytest.fixture
async def api(sendblue) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(sendblue.app) as url, httpx.AsyncClient(base_url=url, headers=KEYS, verify=False) as api:
        yield api


@pytest.fixture
async def handle(api) -> str:
    """One of our texts, on Ana's phone."""
    text = {"number": ANA, "from_number": LINE, "content": "Table at eight?"}
    return str((await api.post("/api/send-message", json=text)).json()["message_handle"])


class TestTapbacks:
    @pytest.mark.parametrize(
        ("sign", "put", "taken"),
        [
            ("❤️", "Loved “Table at eight?”", "Removed a heart from “Table at eight?”"),
            ("👍", "Liked “Table at eight?”", "Removed a like from “Table at eight?”"),
            ("👎", "Disliked “Table at eight?”", "Removed a dislike from “Table at eight?”"),
            ("😂", "Laughed at “Table at eight?”", "Removed a laugh from “Table at eight?”"),
            ("‼️", "Emphasized “Table at eight?”", "Removed an exclamation from “Table at eight?”"),
            ("❓", "Questioned “Table at eight?”", "Removed a question mark from “Table at eight?”"),
        ],
    )
    async def test_each_is_told_in_words_and_taken_back_by_the_same_again(
        self, sendblue, heard, handle, sign, put, taken
    ):
        await sendblue.customer_reacts(handle, sign)
        await sendblue.customer_reacts(handle, sign)
        assert heard == [put, taken]
        assert [message.sign for message in sendblue.messages[1:]] == [sign, ""]
        assert {message.reacts_to for message in sendblue.messages[1:]} == {handle}

    async def test_another_one_replaces_it(self, sendblue, heard, handle):
        for sign in ("❤️", "👍"):
            await sendblue.customer_reacts(handle, sign)
        assert heard == ["Loved “Table at eight?”", "Liked “Table at eight?”"]

    async def test_one_on_a_picture_quotes_nothing(self, sendblue, heard, api):
        picture = {"number": ANA, "from_number": LINE, "media_url": "https://example.com/menu.png"}
        sent = (await api.post("/api/send-message", json=picture)).json()
        await sendblue.customer_reacts(sent["message_handle"], "❤️")
        assert heard == ["Loved an image"]

    async def test_the_list_has_it_as_a_text_from_the_customer(self, sendblue, api, handle):
        await sendblue.customer_reacts(handle, "👍")
        listed = (await api.get("/api/v2/messages", params={"is_outbound": "false"})).json()["data"]
        assert [(item["content"], item["number"], item["sendblue_number"]) for item in listed] == [
            ("Liked “Table at eight?”", ANA, LINE)
        ]


class TestTheGroup:
    async def test_what_its_members_write_names_the_group_and_who_is_in_it(self, sendblue, api):
        for number in GROUP.people:
            await sendblue.group_says(number, f"Hello from {number[-4:]}")
        await sendblue.customer_says(ANA, "Just me")
        listed = (await api.get("/api/v2/messages", params={"group_id": GROUP.id})).json()["data"]
        assert {item["from_number"] for item in listed} == set(GROUP.people)
        assert {tuple(item["participants"]) for item in listed} == {(*GROUP.people, LINE)}
        alone = (await api.get("/api/v2/messages", params={"group_id": ""})).json()["data"]
        assert [item["content"] for item in alone] == ["Just me"]


class TestFaults:
    async def test_shuffled_news_comes_after_the_next_one(self, sendblue, heard):
        sendblue.faults.shuffle_inbound = True
        for words in ("One", "Two", "Three"):
            await sendblue.customer_says(ANA, words)
        assert heard == ["Two", "One"]
        sendblue.faults.shuffle_inbound = False
        await sendblue.customer_says(ANA, "Four")
        assert heard == ["Two", "One", "Four", "Three"]

    async def test_the_list_may_begin_with_the_newest_whatever_was_asked_for(self, sendblue, api):
        for words in ("One", "Two"):
            await sendblue.customer_says(ANA, words)
        asked = {"order_by": "createdAt", "order_direction": "asc"}
        orders = []
        for newest_first in (False, True):
            sendblue.faults.list_newest_first = newest_first
            page = (await api.get("/api/v2/messages", params=asked)).json()["data"]
            orders.append([item["content"] for item in page])
        assert orders == [["One", "Two"], ["Two", "One"]]


class TestThePagesHands:
    @pytest.fixture
    async def page(self) -> AsyncIterator[httpx.AsyncClient]:
        async with world(free_port(0), [sys.executable, "-c", ""]) as made:
            made.sendblue.webhook_url = ""
            async with serving(create_app(made), grace=0.2) as url, httpx.AsyncClient(verify=False) as page:
                connect(made, url)
                page.base_url = httpx.URL(f"{url}/control/")
                yield page

    async def test_the_snapshot_names_the_inbox_and_the_group(self, page):
        state = (await page.get("state")).json()
        assert (state["inbox"], state["group"]["people"]) == ("G0TEAM", list(GROUP.people))

    async def test_a_text_goes_to_the_line_or_into_the_group(self, page):
        await page.post("reply", json={"number": ANA, "text": "Just me"})
        await page.post("reply", json={"number": GROUP.people[1], "text": "All here?", "group": True})
        phones = (await page.get("state")).json()["phones"]
        assert [(bubble["number"], bubble["group_id"]) for bubble in phones] == [(ANA, ""), (GROUP.people[1], GROUP.id)]

    @pytest.mark.parametrize(
        ("body", "status"), [({"handle": "h", "sign": "🔥"}, 400), ({"handle": "h", "sign": "❤️"}, 404), ({}, 400)]
    )
    async def test_a_tapback_that_cannot_be_is_refused_in_a_sentence(self, page, body, status):
        answer = await page.post("react", json=body)
        assert answer.status_code == status
        assert answer.json()["error"].endswith(".")

    async def test_a_message_in_slack_can_be_deleted(self, page):
        said = (await page.post("type", json={"channel": "C0GENERAL", "user": "U0ANA", "text": "Oops"})).json()
        place = {"channel": "C0GENERAL", "ts": said["ts"]}
        assert (await page.post("delete", json=place)).status_code == 200
        [message] = (await page.get("state")).json()["messages"]
        assert (message["deleted"], message["text"]) == (True, "")
        assert (await page.post("delete", json=place | {"channel": "C0NOWHERE"})).status_code == 404
