"""The sandbox as a person meets it: one address, with a bot behind it that can be killed."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from sandbox.board import LISTENER_BACKLOG, TRAFFIC_ROWS, Board
from sandbox.bot_process import BotFailedError
from sandbox.ports import free_port
from sandbox.server import create_app
from sandbox.serving import serving
from sandbox.world import PROJECT, World, connect, world

STAND_IN = """
import http.server, os, sys

class Bot(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.reply(200, b"ready")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if b"die" in body:
            print("I cannot go on", flush=True)
            os._exit(3)
        self.reply(200, b"Got it.")

    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

if "DATABASE_URL" not in os.environ or "SECRET_OF_THE_USER" in os.environ:
    sys.exit("wrong environment")
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Bot).serve_forever()
"""


@pytest.fixture
async def made(monkeypatch) -> AsyncIterator[World]:
    monkeypatch.setenv("SECRET_OF_THE_USER", "must not reach the bot")
    async with world(free_port(0), [sys.executable, "-c", STAND_IN]) as made:
        yield made


@pytest.fixture
async def page(made) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create_app(made), grace=0.2) as url, httpx.AsyncClient(base_url=url, verify=False) as page:
        connect(made, url)
        yield page


@asynccontextmanager
async def feed(page: httpx.AsyncClient) -> AsyncIterator[AsyncIterator[tuple[str, dict[str, Any]]]]:
    async def events(lines: AsyncIterator[str]) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        kind = ""
        async for line in lines:
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield kind, json.loads(line.removeprefix("data: "))

    async with page.stream("GET", "/control/events") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        yield events(response.aiter_lines())


class TestPage:
    async def test_the_page_and_its_parts_are_served(self, page):
        assert "<html" in (await page.get("/")).text
        assert (await page.get("/page/page.js")).status_code == 200
        assert (await page.get("/page/../server.py")).status_code == 404

    async def test_the_snapshot_holds_everything_the_page_needs(self, page):
        state = (await page.get("/control/state")).json()
        assert {channel["kind"] for channel in state["channels"]} == {"public", "private", "dm", "archived"}
        assert {"id": "U0ANA", "name": "Ana"} in state["users"]
        assert state["me"] == "U0ANA"
        assert state["bot"] == {"state": "down", "note": "Not started yet."}
        assert state["faults"]["slack"]["down"] is False
        assert state["lines"] == ["+15550100900", "+15550100901"]
        assert {"messages", "ephemerals", "phones", "traffic"} <= set(state)

    async def test_the_page_may_act_as_whom_the_web_api_knows(self, made, page):
        """With the same rights: a guest on the page is a guest to the bot, and an outsider is of another workspace."""
        actors = (await page.get("/control/state")).json()["actors"]
        kinds = {"Ana": "member", "Ben": "member", "Gil": "guest", "Sam": "outsider"}
        assert {actor["name"]: actor["kind"] for actor in actors} == kinds
        bot = {"Authorization": f"Bearer {made.bot.settings['SLACK_BOT_TOKEN']}"}
        for actor in actors:
            asked = await page.post("/slack/api/users.info", data={"user": actor["id"]}, headers=bot)
            user = asked.json()["user"]
            assert (user["real_name"], user["is_restricted"]) == (actor["name"], actor["kind"] == "guest")
            assert (user["team_id"] != "T0SANDBOX") == (actor["kind"] == "outsider")

    async def test_the_feed_begins_with_a_snapshot_and_goes_on_with_news(self, page):
        async with feed(page) as events:
            assert (await anext(events))[0] == "state"
            body = {"channel": "C0GENERAL", "user": "U0ANA", "text": "Morning!"}
            assert (await page.post("/control/type", json=body)).json()["failure"] is None
            kind, message = await anext(events)
            assert (kind, message["text"], message["bot"], message["name"]) == ("message", "Morning!", False, "Ana")
            await page.post("/control/slack/faults", json={"down": True})
            kind = ""
            while kind != "faults":  # the app is told of the message meanwhile
                kind, faults = await anext(events)
            assert faults["slack"]["down"] is True

    async def test_open_feeds_do_not_keep_the_server_from_stopping(self, made):
        async with httpx.AsyncClient(verify=False) as client:
            async with serving(create_app(made), grace=5) as url:
                client.base_url = httpx.URL(url)
                async with asyncio.timeout(2):
                    reading = asyncio.ensure_future(client.get("/control/events"))
                    await asyncio.sleep(0.1)
                    made.board.close()
            assert (await reading).status_code == 200


class TestControls:
    async def test_the_phone_answers_and_reads(self, made, page):
        keys = {"sb-api-key-id": made.bot.settings["SENDBLUE_API_KEY_ID"]}
        keys["sb-api-secret-key"] = made.bot.settings["SENDBLUE_API_SECRET_KEY"]
        text = {"number": "+14155552671", "from_number": "+15550100900", "content": "Hi"}
        sent = (await page.post("/sendblue/api/send-message", json=text, headers=keys)).json()
        assert (await page.post("/control/read", json={"handle": sent["message_handle"]})).status_code == 200
        await page.post("/control/reply", json={"number": "+14155552671", "text": "Hello"})
        phones = (await page.get("/control/state")).json()["phones"]
        assert [(bubble["outbound"], bubble["status"]) for bubble in phones] == [(True, "READ"), (False, "RECEIVED")]

    async def test_what_people_type_is_escaped_as_slack_does(self, made, page):
        """The test double's own `type` and `say` send what they are given."""
        await made.bot.start()
        typed = {"channel": "C0GENERAL", "user": "U0ANA", "text": '"Fish & <b>chips</b>" &lt; 5'}
        await page.post("/control/type", json=typed)
        await page.post("/control/type", json=typed | {"text": f"/imessage {typed['text']}"})
        escaped = '"Fish &amp; &lt;b&gt;chips&lt;/b&gt;" &amp;lt; 5'
        assert [message.text for message in made.slack.messages("C0GENERAL")] == [escaped]
        [event, command] = [json.loads(row["request"]) for row in made.board.traffic() if row["from"] == "slack"]
        assert event["event"]["text"] == command["text"] == escaped
        assert made.slack.ephemerals[-1].command == f"/imessage {typed['text']}"
        await made.slack.type("/imessage <b> &lt;")
        assert json.loads(made.board.traffic()[-1]["request"])["text"] == "<b> &lt;"

    async def test_people_write_in_threads_edit_and_delete(self, made, page):
        root = made.slack.say("C0GENERAL", "The menu")
        words = {"channel": "C0GENERAL", "user": "U0BEN", "text": "@ana and @Bluethread: see #random, @front-desk!"}
        said = (await page.post("/control/write", json=words | {"thread_ts": root.ts})).json()
        [reply] = made.slack.replies("C0GENERAL", root.ts)
        assert (reply.ts, reply.user) == (said["ts"], "U0BEN")
        assert reply.text == "<@U0ANA> and <@U0BLUE>: see <#C0RANDOM>, <!subteam^S0FRONT>!"
        edited = {"channel": "C0GENERAL", "ts": reply.ts, "user": "U0BEN", "text": "mail@ana.example @benjamin"}
        assert (await page.post("/control/edit", json=edited)).status_code == 200
        assert (reply.text, reply.edited) == ("mail@ana.example @benjamin", True)
        for path in ("edit", "delete"):
            assert (await page.post(f"/control/{path}", json=edited | {"user": "U0ANA"})).status_code == 404
        assert (await page.post("/control/delete", json=edited)).status_code == 200
        assert reply.deleted

    async def test_a_reply_can_be_shown_in_the_channel_too(self, made, page):
        root = made.slack.say("C0GENERAL", "The menu")
        words = {"channel": "C0GENERAL", "user": "U0ANA", "text": "Soup", "thread_ts": root.ts, "broadcast": True}
        await page.post("/control/write", json=words)
        assert [reply.broadcast for reply in made.slack.replies("C0GENERAL", root.ts)] == [True]

    async def test_faults_can_be_set_and_all_reset(self, made, page):
        answer = await page.post("/control/sendblue/faults", json={"sms": True, "delay_callbacks": 2, "fail": "5504"})
        assert answer.json()["delay_callbacks"] == 2.0
        await page.post("/control/reset", json={})
        assert made.faults() == {
            "slack": type(made.slack.faults)().state(),
            "sendblue": type(made.sendblue.faults)().state(),
        }

    @pytest.mark.parametrize(
        ("path", "body", "status"),
        [
            ("type", {"channel": "C0GENERAL", "user": "U0ANA"}, 400),
            ("type", {"channel": "C0NOWHERE", "user": "U0ANA", "text": "Hi"}, 404),
            ("type", {"channel": "C0GENERAL", "user": "U0NOBODY", "text": "/imessage help"}, 404),
            ("type", {"channel": "C0GENERAL", "user": "U0ANA", "text": "x" * 20_001}, 400),
            ("type", {"channel": "C0GENERAL", "user": "U0ANA", "text": "/dance"}, 400),
            ("write", {"channel": "C0GENERAL", "user": "U0ANA", "text": "Hi", "thread_ts": "1.0"}, 404),
            ("write", {"channel": "C0GENERAL", "user": "U0ANA", "text": "/imessage help", "thread_ts": "1.0"}, 400),
            ("submit", {"id": "V0GONE", "values": {}}, 404),
            ("dismiss", {"id": "V0GONE"}, 404),
            ("click", {"channel": "C0GENERAL", "ts": "1.0", "action_id": "a", "user": "U0ANA"}, 404),
            ("slack/faults", {"dwon": True}, 400),
            ("sendblue/faults", {"sms": "yes"}, 400),
            ("sendblue/faults", {"delay_callbacks": -1}, 400),
            ("sendblue/faults", {"answers": ["x"]}, 400),
            ("read", {"handle": "nothing"}, 404),
            ("reply", {"number": "555-2671", "text": "Hi"}, 400),
            ("bot", {"action": "dance"}, 400),
        ],
    )
    async def test_what_cannot_be_done_is_answered_with_a_sentence(self, page, path, body, status):
        answer = await page.post(f"/control/{path}", json=body)
        assert answer.status_code == status
        assert answer.json()["error"].endswith(".")

    async def test_the_bot_can_be_invited_into_a_private_channel(self, made, page):
        async with feed(page) as events:
            await anext(events)
            invite = {"channel": "G0SECRET", "user": "U0ANA", "text": "/invite @bluethread"}
            assert (await page.post("/control/type", json=invite)).status_code == 200
            kind, state = await anext(events)
        [secret] = [channel for channel in state["channels"] if channel["id"] == "G0SECRET"]
        assert (kind, secret["note"]) == ("state", "The bot is a member.")
        refused = await page.post("/control/type", json=invite | {"channel": "D0ANABEN"})
        assert refused.status_code == 404

    async def test_forms_of_other_web_pages_are_kept_out(self, page):
        assert (await page.post("/control/reset", data={"a": "b"})).status_code == 415
        headers = {"content-type": "application/json"}
        assert (await page.post("/control/reset", content="[", headers=headers)).status_code == 400
        assert (await page.post("/control/reset", content="[]", headers=headers)).status_code == 400


class TestBot:
    async def test_it_runs_is_killed_and_runs_again(self, made, page):
        await made.bot.start()
        typed = {"channel": "C0GENERAL", "user": "U0ANA", "text": "/imessage help"}
        assert (await page.post("/control/type", json=typed)).json()["text"] == "Got it."
        assert (await page.post("/control/bot", json={"action": "kill"})).json()["state"] == "down"
        assert (await page.post("/control/type", json=typed)).json()["failure"] == "dispatch_failed"
        assert (await page.post("/control/bot", json={"action": "start"})).json()["state"] == "up"
        assert (await page.post("/control/type", json=typed)).json()["failure"] is None

    async def test_a_bot_that_stops_by_itself_is_noticed(self, made, page):
        await made.bot.start()
        with made.board.listen() as listener:
            await made.slack.type("/imessage die")
            async for event in listener.events(1):
                if event is not None and event[0] == "bot":
                    assert event[1]["state"] == "down"
                    assert "I cannot go on" in event[1]["note"]
                    break

    async def test_a_bot_that_does_not_start_shows_its_last_lines(self, made, page):
        made.bot.settings = {}
        with pytest.raises(BotFailedError, match="wrong environment"):
            await made.bot.start()
        assert made.bot.state == "down"
        answer = await page.post("/control/bot", json={"action": "start"})
        assert (answer.status_code, "wrong environment" in answer.json()["error"]) == (502, True)

    async def test_it_is_told_where_everything_is(self, made, page):
        settings = made.bot.settings
        assert settings["SLACK_API_URL"] == f"{str(page.base_url).rstrip('/')}/slack/api/"
        assert settings["DATABASE_URL"].startswith("sqlite:////")
        assert settings["PUBLIC_URL"] == f"http://127.0.0.1:{settings['PORT']}"
        assert Path(settings["DATABASE_URL"].removeprefix("sqlite:///")).parent.is_dir()


class TestCommand:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
    async def test_a_signal_stops_everything_in_order(self, tmp_path, number):
        """Whether or not the bot is up by then: nothing is left running and nothing left on disk."""
        process = await self.started(tmp_path)
        async with asyncio.timeout(20):
            assert process.stdout is not None
            first = (await process.stdout.readline()).decode()
            assert "simulated Slack" in first
            assert re.search(r" http://127\.0\.0\.1:\d+$", first)
            await self.ended(process, number)
        assert list(tmp_path.iterdir()) == []

    async def test_calls_that_a_fault_holds_do_not_hold_up_the_end(self, tmp_path):
        process = await self.started(tmp_path)
        async with asyncio.timeout(20), httpx.AsyncClient(verify=False) as page:
            assert process.stdout is not None
            page.base_url = httpx.URL((await process.stdout.readline()).decode().split()[-1])
            while b"Ready" not in await process.stdout.readline():
                pass
            await page.post("/control/slack/faults", json={"hang": True})
            typed = {"channel": "C0GENERAL", "user": "U0ANA", "text": "/imessage +1 415 555 2671 Hi"}
            assert (await page.post("/control/type", json=typed)).json()["failure"] is None
            await asyncio.sleep(0.3)
            await self.ended(process, signal.SIGINT)

    async def test_a_scene_being_played_does_not_hold_up_the_end(self, tmp_path):
        """Nor is the bot, which the scene may just be starting again, left running."""
        process = await self.started(tmp_path)
        async with asyncio.timeout(20), httpx.AsyncClient(verify=False) as page:
            assert process.stdout is not None
            page.base_url = httpx.URL((await process.stdout.readline()).decode().split()[-1])
            while b"Ready" not in await process.stdout.readline():
                pass
            async with feed(page) as events:
                await page.post("/control/scene", json={"title": "Killed while sending"})
                async for kind, bot in events:
                    if (kind, bot.get("state")) == ("bot", "down"):
                        break
            await self.ended(process, signal.SIGINT)
        assert list(tmp_path.iterdir()) == []

    async def started(self, folder: Path) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "sandbox", "--port", "0", "--bot-port", "0", "--no-open"),
            cwd=PROJECT,
            env=os.environ | {"TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def ended(self, process: asyncio.subprocess.Process, number: signal.Signals) -> None:
        process.send_signal(number)
        async with asyncio.timeout(3):
            output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()
        assert "Traceback" not in output.decode()


class TestBoard:
    def test_the_log_keeps_its_newest_rows(self):
        board = Board()
        for number in range(TRAFFIC_ROWS + 5):
            board.begin(("bot", "slack"), "POST", f"/{number}", {})
        rows = board.traffic()
        assert len(rows) == TRAFFIC_ROWS
        assert rows[-1]["path"] == f"/{TRAFFIC_ROWS + 4}"

    async def test_a_listener_that_falls_behind_is_cut_off(self):
        board = Board()
        with board.listen() as listener:
            for number in range(LISTENER_BACKLOG + 2):
                board.say("phone", {"handle": number})
            assert [event async for event in listener.events(1)] == []

    async def test_a_reader_that_is_stopped_while_news_comes_stops(self):
        board = Board()

        async def read() -> None:
            async for _ in listener.events(60):
                pass

        with board.listen() as listener:
            reading = asyncio.create_task(read())
            await asyncio.sleep(0.01)
            board.say("phone", {})
            await asyncio.sleep(0)
            reading.cancel()
            done, _ = await asyncio.wait([reading], timeout=2)
        assert done == {reading}
        assert reading.cancelled()

    async def test_silence_is_filled_with_heartbeats(self):
        with Board().listen() as listener:
            assert await anext(aiter(listener.events(0.01))) is None


class TestServing:
    async def test_a_taken_port_is_an_error_and_the_next_one_is_found(self):
        async with serving(Starlette()) as url:
            taken = int(url.rpartition(":")[2])
            with pytest.raises(OSError, match="in use"):
                async with serving(Starlette(), taken):
                    pass
            following = free_port(taken)
            assert following > taken
            assert free_port(taken, but=following) not in (taken, following)

    async def test_an_app_that_cannot_start_is_an_error(self, caplog):
        @asynccontextmanager
        async def broken(_app):
            raise ValueError("no")
            yield

        with pytest.raises(RuntimeError, match="did not start"):
            async with serving(Starlette(lifespan=broken)):
                pass
