"""The pretend services can behave in each way that the documents leave open. What the bot does then: tests/unproven."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from sandbox.board import Board
from sandbox.sendblue import PretendSendblue
from sandbox.serving import serving
from sandbox.slack import PretendSlack

ANA, LINE = "+14155552671", "+15550100900"


@pytest.fixture
async def sendblue() -> AsyncIterator[PretendSendblue]:
    sendblue = PretendSendblue(Board(), key_id="pretend-key", secret="pretend-secret", step=0.01)
    yield sendblue
    await sendblue.aclose()


@pytest.fixture
async def api(sendblue) -> AsyncIterator[httpx.AsyncClient]:
    keys = {"sb-api-key-id": "pretend-key", "sb-api-secret-key": "pretend-secret"}
    async with serving(sendblue.app) as url, httpx.AsyncClient(base_url=url, headers=keys, verify=False) as api:
        yield api


@pytest.fixture
def send(api):
    async def send(**fields: Any) -> httpx.Response:
        return await api.post("/api/send-message", json={"number": ANA, "from_number": LINE, "content": "Hi"} | fields)

    return send


@pytest.fixture
def slack() -> PretendSlack:
    return PretendSlack(Board(), "xoxb-pretend-token", "pretend-signing-secret", post_interval=0)


@pytest.fixture
async def call(slack):
    async with AsyncExitStack() as stack:
        stack.push_async_callback(slack.aclose)
        url = await stack.enter_async_context(serving(slack.app))
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=url, verify=False))

        async def call(method: str, **params: Any) -> dict[str, Any]:
            headers = {"authorization": "Bearer xoxb-pretend-token"}
            answer = await http.post(f"/api/{method}", json={"channel": "C0GENERAL"} | params, headers=headers)
            return answer.json() | {"http": answer.status_code, "wait": answer.headers.get("retry-after")}

        yield call


class TestSendblue:
    @pytest.mark.parametrize(("body", "text"), [("empty", ""), ("text", "Too Many Requests")])
    async def test_a_429_may_say_nothing_of_use(self, sendblue, send, body, text):
        sendblue.faults.patch({"rate_limited": True, "busy_body": body})
        answer = await send()
        assert (answer.status_code, answer.text) == (429, text)

    async def test_only_so_many_sends_a_second_are_taken_from_one_line(self, sendblue, send):
        sendblue.faults.per_second = 2
        assert [(await send()).status_code for _ in range(3)] == [202, 202, 429]

    async def test_an_unknown_handle_may_be_answered_with_a_page(self, sendblue, api):
        sendblue.faults.unknown_body = "html"
        for path in ("/api/status?handle=nobody", "/api/v2/messages/nobody"):
            answer = await api.get(path)
            assert (answer.status_code, answer.text[:6]) == (404, "<html>")

    async def test_an_equal_text_may_be_taken_for_the_earlier_one(self, sendblue, send):
        sendblue.faults.dedupe = True
        first, again, other = await send(), await send(), await send(content="Hello")
        assert again.json()["message_handle"] == first.json()["message_handle"] != other.json()["message_handle"]
        assert len(sendblue.messages) == 2

    async def test_a_failure_may_be_followed_by_an_sms(self, sendblue, send):
        sendblue.faults.falls_back = True
        await send()
        await sendblue.settle()
        [message] = sendblue.messages
        assert (message.status, message.service, message.was_downgraded) == ("SENT", "SMS", True)
        assert message.error_code is None

    @pytest.mark.parametrize(("spelling", "codes"), [("camel", [200, 400]), ("snake", [400, 200])])
    async def test_the_list_understands_one_spelling_of_its_order(self, sendblue, api, spelling, codes):
        sendblue.faults.list_spelling = spelling
        asked = [await api.get(f"/api/v2/messages?order_by={order}") for order in ("createdAt", "created_at")]
        assert [answer.status_code for answer in asked] == codes

    async def test_a_page_of_the_list_may_be_shorter_than_asked_for_and_always_the_first(self, sendblue, send, api):
        for number in range(3):
            await send(content=f"Text {number}")
        sendblue.faults.list_cap = 2
        answer = (await api.get("/api/v2/messages?limit=100&offset=2")).json()
        assert (len(answer["data"]), answer["pagination"]["hasMore"]) == (1, False)
        sendblue.faults.patch({"list_offset_ignored": True, "list_bare": True})
        answer = (await api.get("/api/v2/messages?limit=100&offset=2")).json()
        assert (len(answer["data"]), "pagination" in answer) == (2, False)
        sendblue.faults.list_cap_refused = True
        assert (await api.get("/api/v2/messages?limit=100")).status_code == 400

    async def test_what_was_not_handed_over_may_be_missing_where_the_list_goes_by_that(self, sendblue, send, api):
        sendblue.faults.patch({"stay": "QUEUED", "list_by_send_time": True})
        await send()
        asked = "/api/v2/messages?created_at_gte=2026-01-01T00:00:00Z"
        assert (await api.get(asked)).json()["data"] == []
        await sendblue.report(sendblue.messages[0].handle, "SENT")
        assert len((await api.get(asked)).json()["data"]) == 1


class TestSlack:
    async def test_a_reply_to_a_deleted_parent_is_refused_or_stands_in_the_channel(self, slack, call):
        root = (await call("chat.postMessage", text="Hi"))["ts"]
        slack.delete("C0GENERAL", root)
        assert (await call("chat.postMessage", text="News", thread_ts=root))["error"] == "thread_not_found"
        slack.faults.orphan_replies = True
        orphan = await call("chat.postMessage", text="News", thread_ts=root)
        assert (orphan["ok"], orphan["message"].get("thread_ts")) == (True, None)
        assert [message.ts for message in slack.messages("C0GENERAL")] == [root, orphan["ts"]]
        assert (await call("chat.postMessage", text="News", thread_ts="1.000001"))["error"] == "thread_not_found"

    async def test_a_deleted_parent_with_replies_is_gone_or_stands_as_a_tombstone(self, slack, call):
        bare, root = [(await call("chat.postMessage", text="Hi"))["ts"] for _ in range(2)]
        reply = (await call("chat.postMessage", text="News", thread_ts=root))["ts"]
        for ts in (bare, root):
            slack.delete("C0GENERAL", ts)
        assert (await call("conversations.history"))["messages"] == []
        assert (await call("conversations.replies", ts=root))["error"] == "thread_not_found"
        slack.faults.tombstones = True
        [stone] = (await call("conversations.history"))["messages"]
        assert (stone["subtype"], stone["ts"], stone["reply_count"]) == ("tombstone", root, 1)
        assert "bot_id" not in stone
        assert [one["ts"] for one in (await call("conversations.replies", ts=root))["messages"]] == [root, reply]
        assert (await call("conversations.replies", ts=bare))["error"] == "thread_not_found"

    async def test_history_may_be_read_rarely_and_in_small_pages(self, slack, call):
        for number in range(20):
            slack.say("C0GENERAL", f"Chatter {number}")
        slack.faults.history_interval = 60.0
        assert len((await call("conversations.history", limit=100))["messages"]) == 15
        again = await call("conversations.history")
        assert (again["http"], again["error"], again["wait"]) == (429, "ratelimited", "60")

    async def test_threads_in_channels_may_be_closed_to_bots(self, slack, call):
        root = (await call("chat.postMessage", text="Hi"))["ts"]
        slack.faults.replies_refused = "missing_scope"
        assert (await call("conversations.replies", ts=root))["error"] == "missing_scope"

    async def test_a_conversation_of_two_people_may_be_open_to_posts_but_not_to_readers(self, slack, call):
        slack.faults.dm_posts = True
        posted = await call("chat.postMessage", channel="D0ANABEN", text="Hi")
        assert (await call("chat.update", channel="D0ANABEN", ts=posted["ts"], text="Hello"))["ok"]
        assert (await call("conversations.history", channel="D0ANABEN"))["error"] == "channel_not_found"
        assert (await call("chat.postMessage", channel="G0SECRET", text="Hi"))["error"] == "channel_not_found"
