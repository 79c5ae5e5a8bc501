"""The pretend Sendblue must fail in every way in which integrators saw the real one fail."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
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

KEYS = {"sb-api-key-id": "pretend-key", "sb-api-secret-key": "pretend-secret"}
LINE = "+15550100900"
ANA = "+14155552671"
STEP = 0.03


@dataclass
class StandInBot:
    """Keeps the callbacks that come in, and answers with the next of `statuses`, then 200."""

    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: Request) -> Response:
        self.bodies.append(await request.json())
        self.headers.append(dict(request.headers))
        return Response(status_code=self.statuses.pop(0) if self.statuses else 200)

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self.answer, methods=["POST"])])

    @property
    def heard(self) -> list[str]:
        return [body["status"] for body in self.bodies]


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
async def bot() -> AsyncIterator[StandInBot]:
    bot = StandInBot()
    async with serving(bot.app) as url:
        bot.url = f"{url}/sendblue/status/0197/t0ken"
        yield bot


@pytest.fixture
def sendblue(board) -> PretendSendblue:
    return PretendSendblue(board, key_id="pretend-key", secret="pretend-secret", step=STEP, retry_wait=0.01)


@pytest.fixture
async def api(sendblue) -> AsyncIterator[httpx.AsyncClient]:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serving(sendblue.app, grace=0.1))
        stack.push_async_callback(sendblue.aclose)
        yield await stack.enter_async_context(httpx.AsyncClient(base_url=url, headers=KEYS, timeout=3, verify=False))


@pytest.fixture
def send(api, bot):
    async def send(**fields: Any) -> httpx.Response:
        body = {"number": ANA, "from_number": LINE, "content": "Hi", "status_callback": bot.url} | fields
        kept = {name: value for name, value in body.items() if value is not None}
        return await api.post("/api/send-message", json=kept)

    return send


class TestTheDoor:
    @pytest.mark.parametrize("missing", KEYS)
    async def test_both_keys_are_needed(self, api, missing):
        answer = await api.get("/api/lines", headers={missing: "wrong"})
        assert (answer.status_code, answer.json()) == (
            401,
            {"status": "ERROR", "message": "Invalid Credentials"},
        )

    async def test_the_older_header_names_work_too(self, sendblue, api):
        async with httpx.AsyncClient(base_url=api.base_url) as plain:
            older = {f"x-{name}": value for name, value in KEYS.items()}
            assert (await plain.get("/api/lines", headers=older)).json() == {"numbers": [LINE]}
            assert (await plain.get("/api/lines")).status_code == 401

    async def test_browsers_are_refused(self, api):
        answer = await api.get("/api/lines", headers={"Origin": "https://example.com"})
        assert answer.status_code == 403

    @pytest.mark.parametrize(
        ("fields", "complaint"),
        [
            ({"number": None}, "number"),
            ({"number": "(415) 555-2671"}, "E.164"),
            ({"from_number": None}, 'missing required parameter: "from_number"'),
            ({"from_number": "+15550109999"}, "not registered"),
            ({"content": None}, "content"),
            ({"content": ""}, "content"),
        ],
    )
    async def test_an_incomplete_message_is_refused(self, sendblue, send, fields, complaint):
        answer = await send(**fields)
        assert answer.status_code == 400
        assert complaint in answer.json()["message"]
        assert sendblue.messages == []

    async def test_a_text_may_be_just_so_long(self, sendblue, send):
        assert (await send(content="x" * 18_995)).status_code == 202
        answer = await send(content="x" * 18_996)
        assert (answer.status_code, answer.json()["error_code"]) == (400, 4000)

    async def test_a_form_is_read_like_json(self, sendblue, api):
        form = {"number": ANA, "from_number": LINE, "content": "Hi"}
        assert (await api.post("/api/send-message", data=form)).status_code == 202
        assert sendblue.messages[0].content == "Hi"


class TestTheWay:
    async def test_an_imessage_is_queued_sent_and_delivered(self, sendblue, send, bot):
        answer = await send(media_url="https://example.com/a.png", send_style="gentle")
        body = answer.json()
        assert (answer.status_code, body["status"], body["service"]) == (202, "QUEUED", "iMessage")
        assert body["media_url"] == "https://example.com/a.png"
        await sendblue.settle()
        assert bot.heard == ["SENT", "DELIVERED"]
        assert {callback["message_handle"] for callback in bot.bodies} == {body["message_handle"]}
        assert "sb-signing-secret" not in bot.headers[0]
        [bubble] = sendblue.messages
        assert (bubble.handle, bubble.status, bubble.outbound) == (body["message_handle"], "DELIVERED", True)

    async def test_sms_ends_at_sent(self, sendblue, send, bot):
        sendblue.faults.sms = True
        assert (await send()).json()["was_downgraded"] is None
        await sendblue.settle()
        assert [(body["status"], body["service"], body["was_downgraded"]) for body in bot.bodies] == [
            ("SENT", "SMS", True)
        ]

    async def test_a_message_may_fail_after_it_was_accepted(self, sendblue, send, bot):
        sendblue.faults.fail = "5504"
        assert (await send()).status_code == 202
        await sendblue.settle()
        assert [(body["status"], body["error_code"]) for body in bot.bodies] == [("ERROR", 5504)]

    @pytest.mark.parametrize(
        ("last", "told", "heard"),
        [
            ("REGISTERED", "REGISTERED", []),
            ("QUEUED", "QUEUED", []),
            ("ACCEPTED", "QUEUED", ["ACCEPTED"]),
            ("SENT", "QUEUED", ["SENT"]),
            ("READ", "QUEUED", ["SENT", "DELIVERED", "READ"]),
        ],
    )
    async def test_a_message_may_stop_anywhere(self, sendblue, send, bot, last, told, heard):
        sendblue.faults.stay = last
        assert (await send()).json()["status"] == told
        await sendblue.settle()
        assert bot.heard == heard

    async def test_the_older_callback_name_is_honoured(self, sendblue, send, bot):
        await send(status_callback=None, statusCallback=bot.url)
        await sendblue.settle()
        assert bot.heard == ["SENT", "DELIVERED"]

    async def test_a_picture_may_get_lost_silently(self, sendblue, send):
        sendblue.faults.drop_media = True
        answer = await send(media_url="https://example.com/signed?x=1")
        assert answer.json()["media_url"] is None
        assert sendblue.messages[0].media_url is None

    async def test_the_customer_reads_and_answers(self, sendblue, send, bot):
        handle = (await send()).json()["message_handle"]
        await sendblue.settle()
        await sendblue.customer_reads(handle)
        assert bot.heard[-1] == "READ"
        assert await sendblue.customer_says(ANA, "Eight works") is None
        sendblue.webhook_url, sendblue.webhook_secret = bot.url, "hook-secret"
        assert await sendblue.customer_says(ANA, "Or nine") == 200
        assert (bot.bodies[-1]["status"], bot.bodies[-1]["is_outbound"]) == ("RECEIVED", False)
        assert bot.headers[-1]["sb-signing-secret"] == "hook-secret"
        assert [bubble.outbound for bubble in sendblue.messages] == [True, False, False]

    async def test_any_report_can_be_sent_by_hand(self, sendblue, send, bot):
        sendblue.faults.stay = "QUEUED"
        handle = (await send()).json()["message_handle"]
        assert await sendblue.report(handle, "ERROR", error_code="5509", odd="field") == 200
        assert (bot.bodies[0]["error_code"], bot.bodies[0]["odd"]) == ("5509", "field")
        assert sendblue.messages[0].status == "ERROR"


class TestCallbackFaults:
    async def test_lost(self, sendblue, send, bot):
        sendblue.faults.lose_callbacks = True
        await send()
        await sendblue.settle()
        assert bot.heard == []
        assert sendblue.messages[0].status == "DELIVERED"

    async def test_three_of_each(self, sendblue, send, bot):
        sendblue.faults.duplicate_callbacks = True
        await send()
        await sendblue.settle()
        assert sorted(bot.heard) == ["DELIVERED"] * 3 + ["SENT"] * 3

    async def test_out_of_order(self, sendblue, send, bot):
        sendblue.faults.shuffle_callbacks = True
        for _ in range(5):
            bot.bodies.clear()
            await send()
            await sendblue.settle()
            assert bot.heard == ["DELIVERED", "SENT"]

    async def test_late(self, sendblue, send, bot):
        sendblue.faults.delay_callbacks = 0.3
        await send()
        await asyncio.sleep(4 * STEP)
        assert bot.heard == []
        await sendblue.settle()
        assert bot.heard == ["SENT", "DELIVERED"]

    async def test_repeated_after_5xx_but_not_for_ever(self, sendblue, send, bot):
        sendblue.faults.stay = "SENT"
        bot.statuses = [500, 503, 200]
        await send()
        await sendblue.settle()
        assert len(bot.heard) == 3
        bot.statuses = [500] * 9
        await send()
        await sendblue.settle()
        assert len(bot.heard) == 3 + 4

    async def test_not_repeated_after_4xx(self, sendblue, send, bot):
        sendblue.faults.stay = "SENT"
        bot.statuses = [404]
        await send()
        await sendblue.settle()
        assert len(bot.heard) == 1

    async def test_lost_for_good_while_the_bot_is_away(self, sendblue, send):
        await send(status_callback="http://127.0.0.1:9/sendblue/status/0197/t0ken")
        await sendblue.settle()
        assert sendblue.messages[0].status == "DELIVERED"


class TestSendFaults:
    async def test_opted_out_is_a_400_with_code_402(self, sendblue, send):
        sendblue.faults.opted_out = True
        answer = await send()
        assert (answer.status_code, answer.json()["error_code"]) == (400, 402)
        assert (answer.json()["error_message"], answer.json()["error_reason"]) == ("OPTED_OUT", "SpamRule")
        assert sendblue.messages == []

    @pytest.mark.parametrize(
        ("code", "status", "spelled"),
        [
            ("4001", 400, 4001),
            ("5000", 202, 5000),
            ("10001", 202, 10001),
            ("SMS_LIMIT_REACHED", 202, "SMS_LIMIT_REACHED"),
        ],
    )
    async def test_refused_with_a_code(self, sendblue, send, code, status, spelled):
        sendblue.faults.refuse = code
        answer = await send()
        body = answer.json()
        assert (answer.status_code, body["status"], body["error_code"]) == (status, "ERROR", spelled)
        assert sendblue.messages == []

    async def test_rate_limited_without_a_hint_when_to_come_back(self, sendblue, send):
        sendblue.faults.rate_limited = True
        answer = await send()
        assert answer.status_code == 429
        assert "Retry-After" not in answer.headers

    async def test_an_outage_is_a_page_of_html(self, sendblue, send, api):
        sendblue.faults.down = True
        answer = await send()
        assert (answer.status_code, answer.text[:6]) == (503, "<html>")
        assert (await api.get("/api/v2/messages")).status_code == 503
        assert sendblue.messages == []

    async def test_keys_may_stop_working(self, sendblue, send):
        sendblue.faults.unauthorized = True
        assert (await send()).status_code == 401

    async def test_scripted_answers_come_once_each_as_they_stand(self, sendblue, send):
        sendblue.faults.answers = [(202, {"status": "QUEUED"}), (200, "surprise")]
        assert (await send()).json() == {"status": "QUEUED"}
        answer = await send()
        assert (answer.status_code, answer.text) == (200, "surprise")
        assert sendblue.messages == []
        assert (await send()).json()["message_handle"]

    async def test_an_answer_may_never_come_though_the_text_went_out(self, sendblue, send, bot):
        sendblue.faults.hang_after_accept = True
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(send(), 10 * STEP)
        await sendblue.settle()
        assert bot.heard == ["SENT", "DELIVERED"]
        assert [call.status for call in sendblue.calls] == [0]

    async def test_a_held_answer_comes_when_the_fault_is_over(self, sendblue, send):
        sendblue.faults.hang_after_accept = True
        sending = asyncio.ensure_future(send())
        await asyncio.sleep(2 * STEP)
        sendblue.faults.hang_after_accept = False
        assert (await sending).status_code == 202
        assert len(sendblue.messages) == 1

    async def test_a_connection_may_break_though_the_text_went_out(self, sendblue, send, bot):
        sendblue.faults.drop_after_accept = True
        with pytest.raises(httpx.TransportError):
            await send()
        await sendblue.settle()
        assert bot.heard == ["SENT", "DELIVERED"]


class TestAsking:
    async def test_status_has_two_forms(self, sendblue, send, api):
        handle = (await send()).json()["message_handle"]
        await sendblue.settle()
        nested = await api.get("/api/status", params={"handle": handle})
        assert nested.json() == {"status": {"status": "DELIVERED"}, "message_handle": handle}
        sendblue.faults.flat_status = True
        flat = (await api.get("/api/status", params={"handle": handle})).json()
        assert (flat["status"], flat["number"]) == ("DELIVERED", ANA)

    async def test_an_unknown_handle_is_a_404(self, sendblue, send, api):
        handle = (await send()).json()["message_handle"]
        assert (await api.get("/api/status", params={"handle": "nothing"})).status_code == 404
        assert (await api.get("/api/v2/messages/nothing")).status_code == 404
        sendblue.faults.status_404 = True
        assert (await api.get("/api/status", params={"handle": handle})).status_code == 404

    async def test_one_message_in_full(self, send, api):
        handle = (await send()).json()["message_handle"]
        answer = (await api.get(f"/api/v2/messages/{handle}")).json()
        assert answer["status"] == "OK"
        assert answer["data"]["content"] == "Hi"

    async def test_the_list_filters(self, sendblue, send, api):
        before = datetime.now(UTC).isoformat()
        ben = "+14155550123"
        await send(content="one")
        await send(content="two", number=ben)
        await sendblue.customer_says(ben, "three")
        await sendblue.settle()

        async def contents(**params: Any) -> list[str]:
            params |= {"order_by": "createdAt", "order_direction": "asc"}
            answer = await api.get("/api/v2/messages", params=params)
            return [message["content"] for message in answer.json()["data"]]

        assert await contents() == ["one", "two", "three"]
        assert await contents(number=ben) == ["two", "three"]
        assert await contents(number=ben, is_outbound="true") == ["two"]
        assert await contents(from_number=LINE) == ["one", "two"]
        assert await contents(to_number=LINE) == ["three"]
        assert await contents(status="DELIVERED") == ["one", "two"]
        assert await contents(created_at_gte=before, service="iMessage") == ["one", "two", "three"]
        assert await contents(created_at_lte=before) == []

    async def test_the_list_pages(self, send, api):
        for number in range(3):
            await send(content=str(number))
        params = {"limit": 2, "order_by": "createdAt", "order_direction": "asc"}
        first = (await api.get("/api/v2/messages", params=params)).json()
        last = (await api.get("/api/v2/messages", params=params | {"offset": 2})).json()
        assert first["pagination"] == {"total": 3, "limit": 2, "offset": 0, "hasMore": True}
        assert last["pagination"]["hasMore"] is False
        assert [item["content"] for item in first["data"] + last["data"]] == ["0", "1", "2"]

    @pytest.mark.parametrize(
        "params",
        [
            {"order_by": "updated_at"},
            {"order_direction": "up"},
            {"limit": "0"},
            {"limit": "x"},
            {"created_at_gte": "yesterday"},
        ],
    )
    async def test_the_list_refuses_what_it_cannot_read(self, send, api, params):
        await send()
        assert (await api.get("/api/v2/messages", params=params)).status_code == 400

    async def test_the_list_lags_behind(self, sendblue, send, api):
        sendblue.faults.list_lag = 0.3
        await send()
        begun = time.monotonic()
        while not (await api.get("/api/v2/messages")).json()["data"]:
            await asyncio.sleep(0.02)
        assert time.monotonic() - begun > 0.2

    async def test_webhooks_pile_up_and_are_wiped(self, api):
        hooks = {"webhooks": ["https://example.com/a"]}
        await api.post("/api/account/webhooks", json=hooks)
        doubled = (await api.post("/api/account/webhooks", json=hooks)).json()
        assert doubled["webhooks"]["receive"] == ["https://example.com/a"] * 2
        await api.put("/api/account/webhooks", json={"webhooks": {"outbound": ["https://example.com/b"]}})
        assert (await api.get("/api/account/webhooks")).json()["webhooks"] == {"outbound": ["https://example.com/b"]}
        gone = {"webhooks": ["https://example.com/b"], "type": "outbound"}
        answer = await api.request("DELETE", "/api/account/webhooks", json=gone)
        assert answer.json()["webhooks"] == {"outbound": []}


async def test_the_log_holds_neither_keys_nor_callback_tokens(board, sendblue, send):
    await send()
    await sendblue.settle()
    assert [row["to"] for row in board.traffic()] == ["sendblue", "bot", "bot"]
    log = str(board.traffic())
    assert "t0ken" not in log
    assert "pretend-secret" not in log
    assert "/sendblue/status/0197/•••" in log
