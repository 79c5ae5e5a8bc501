"""The pretend Slack must be at least as strict as the real one, or the bot's tests prove nothing."""

import asyncio

import aiohttp
import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncConnectionErrorRetryHandler
from slack_sdk.signature import SignatureVerifier
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sandbox.slack import SlackRefusalError, hands
from tests.sandbox.conftest import SECRET, TOKEN, refusal


class TestPosting:
    async def test_a_post_is_shown_with_a_growing_ts_and_its_text_untouched(self, slack, client):
        answers = [await client.chat_postMessage(channel="C0GENERAL", text=f"<&> {n}") for n in range(3)]
        assert [message.text for message in slack.messages("C0GENERAL")] == ["<&> 0", "<&> 1", "<&> 2"]
        stamps = [answer["ts"] for answer in answers]
        assert stamps == sorted(set(stamps))
        assert all(len(ts.partition(".")[2]) == 6 for ts in stamps)

    @pytest.mark.parametrize(
        ("channel", "error"),
        [
            ("C0RANDOM", "not_in_channel"),
            ("G0SECRET", "channel_not_found"),
            ("D0ANABEN", "channel_not_found"),
            ("C0NOWHERE", "channel_not_found"),
            ("U0NOBODY", "channel_not_found"),
            ("C0OLD", "is_archived"),
            ("C0NEWS", "restricted_action"),
        ],
    )
    async def test_places_where_the_bot_may_not_post_say_why(self, slack, client, channel, error):
        assert await refusal(client.chat_postMessage(channel=channel, text="Hi")) == error

    async def test_a_public_channel_can_be_joined_and_then_posted_in(self, slack, client):
        await client.conversations_join(channel="C0RANDOM")
        await client.chat_postMessage(channel="C0RANDOM", text="Hi")
        assert await refusal(client.conversations_join(channel="C0OLD")) == "is_archived"
        assert await refusal(client.conversations_join(channel="G0SECRET")) == "channel_not_found"
        wrong_type = "method_not_supported_for_channel_type"
        assert await refusal(client.conversations_join(channel="G0TEAM")) == wrong_type

    async def test_chat_write_public_posts_without_joining(self, slack, client):
        slack.scopes = [*slack.scopes, "chat:write.public"]
        await client.chat_postMessage(channel="C0RANDOM", text="Hi")

    async def test_a_missing_scope_is_named(self, slack, client):
        slack.scopes = ["commands"]
        assert await refusal(client.chat_postMessage(channel="C0GENERAL", text="Hi")) == "missing_scope"

    async def test_a_person_is_answered_in_the_bots_own_conversation(self, slack, client):
        answer = await client.chat_postMessage(channel="U0ANA", text="Hi")
        assert answer["channel"] == "D0BOTU0ANA"
        updated = client.chat_update(channel="U0ANA", ts=answer["ts"], text="Ho")
        assert await refusal(updated) == "channel_not_found"
        await client.chat_update(channel="D0BOTU0ANA", ts=answer["ts"], text="Ho")

    async def test_replies_hang_on_roots_only(self, slack, client):
        root = (await client.chat_postMessage(channel="C0GENERAL", text="root"))["ts"]
        reply = (await client.chat_postMessage(channel="C0GENERAL", text="reply", thread_ts=root))["ts"]
        assert [message.ts for message in slack.replies("C0GENERAL", root)] == [reply]
        assert [message.ts for message in slack.messages("C0GENERAL")] == [root]
        on_reply = client.chat_postMessage(channel="C0GENERAL", text="x", thread_ts=reply)
        assert await refusal(on_reply) == "thread_not_found"
        slack.delete("C0GENERAL", root)
        on_deleted = client.chat_postMessage(channel="C0GENERAL", text="x", thread_ts=root)
        assert await refusal(on_deleted) == "thread_not_found"

    async def test_nothing_to_say_is_refused(self, slack, client):
        posted = client.api_call("chat.postMessage", json={"channel": "C0GENERAL", "text": ""})
        assert await refusal(posted) == "no_text"

    async def test_the_third_post_in_an_interval_must_wait(self, slack, client):
        slack.post_interval = 0.5
        for channel in ("C0GENERAL", "C0GENERAL", "G0TEAM"):
            await client.chat_postMessage(channel=channel, text="Hi")
        with pytest.raises(SlackApiError) as caught:
            await client.chat_postMessage(channel="C0GENERAL", text="Hi")
        assert caught.value.response.status_code == 429
        assert caught.value.response["error"] == "ratelimited"
        assert caught.value.response.headers["Retry-After"] == "1"
        await asyncio.sleep(0.55)
        await client.chat_postMessage(channel="C0GENERAL", text="Hi")

    async def test_a_form_is_read_like_json(self, slack):
        async with httpx.AsyncClient(verify=False) as http:
            form = {"channel": "C0GENERAL", "text": "Hi", "blocks": '[{"type": "divider"}]', "token": TOKEN}
            answer = await http.post(f"{slack.base_url}/api/chat.postMessage", data=form)
        assert answer.json()["ok"]
        assert slack.messages("C0GENERAL")[0].blocks == [{"type": "divider"}]
        assert "token" not in slack.calls[0].params


class TestKeys:
    async def test_a_wrong_or_missing_token_is_refused(self, slack, client):
        assert await refusal(client.auth_test(token="xoxb-wrong")) == "invalid_auth"
        async with httpx.AsyncClient(verify=False) as http:
            answer = await http.post(f"{slack.base_url}/api/auth.test")
        assert answer.json() == {"ok": False, "error": "invalid_auth"}

    async def test_auth_test_says_who_we_are_and_what_we_may(self, slack, client):
        answer = await client.auth_test()
        assert {"team_id", "user_id", "bot_id", "url", "team", "user"} <= set(answer.data)
        assert answer.headers["x-oauth-scopes"].split(",") == slack.scopes

    async def test_unknown_methods_and_people(self, slack, client):
        assert await refusal(client.api_call("chat.shout")) == "unknown_method"
        assert await refusal(client.users_info(user="U0NOBODY")) == "user_not_found"
        assert (await client.users_info(user="U0ANA"))["user"]["real_name"] == "Ana"
        assert (await client.team_info())["team"]["id"] == "T0SANDBOX"
        assert (await client.conversations_open(users="U0BEN"))["channel"]["id"] == "D0BOTU0BEN"
        assert (await client.conversations_info(channel="C0RANDOM"))["channel"]["is_member"] is False


def section(length: int = 1) -> dict[str, object]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": "x" * length}}


def buttons(*texts: str) -> dict[str, object]:
    elements = [
        {"type": "button", "action_id": f"a{n}", "text": {"type": "plain_text", "text": text}}
        for n, text in enumerate(texts)
    ]
    return {"type": "actions", "elements": elements}


class TestBlocks:
    @pytest.mark.parametrize(
        "blocks",
        [
            [section(3000)],
            [section()] * 50,
            [{"type": "header", "text": {"type": "plain_text", "text": "x" * 150}}],
            [{"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 10}],
            [buttons("x" * 75, "Send")],
            [{"type": "section", "fields": [{"type": "plain_text", "text": "x" * 2000}]}],
            [{"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a"}],
            [{"type": "rich_text", "elements": []}],
        ],
    )
    async def test_blocks_within_the_limits_are_taken(self, slack, client, blocks):
        await client.chat_postMessage(channel="C0GENERAL", text="x", blocks=blocks)

    @pytest.mark.parametrize(
        "blocks",
        [
            [section(3001)],
            [section(0)],
            [section()] * 51,
            [{"type": "section"}],
            [{"type": "sparkles"}],
            [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}],
            [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
            [{"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11}],
            [{"type": "context", "elements": ["x"]}],
            [buttons("x" * 76)],
            [buttons(*"x" * 26)],
            [{"type": "actions", "elements": []}],
            [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]}],
            [section() | {"block_id": "same"}] * 2,
            [{"type": "image", "image_url": "https://example.com/a.png"}],
        ],
    )
    async def test_blocks_beyond_a_limit_are_refused(self, slack, client, blocks):
        posted = client.chat_postMessage(channel="C0GENERAL", text="x", blocks=blocks)
        assert await refusal(posted) == "invalid_blocks"
        assert slack.messages("C0GENERAL") == []

    async def test_all_blocks_together_have_a_limit(self, slack, client):
        posted = client.chat_postMessage(channel="C0GENERAL", text="x", blocks=[section(3000)] * 5)
        assert await refusal(posted) == "msg_blocks_too_long"


class TestChanging:
    async def test_an_update_changes_text_and_takes_blocks_it_does_not_repeat(self, slack, client):
        ts = (await client.chat_postMessage(channel="C0GENERAL", text="x", blocks=[section()]))["ts"]
        await client.chat_update(channel="C0GENERAL", ts=ts, text="y")
        [message] = slack.messages("C0GENERAL")
        assert (message.text, message.blocks, message.edited) == ("y", [], True)

    async def test_an_update_that_slack_would_refuse_is_refused(self, slack, client):
        ts = (await client.chat_postMessage(channel="C0GENERAL", text="x"))["ts"]
        hers = slack.say("C0GENERAL", "mine").ts
        update = client.chat_update
        assert await refusal(update(channel="C0GENERAL", ts=ts, text="x" * 4001)) == "msg_too_long"
        assert await refusal(update(channel="C0GENERAL", ts=hers, text="x")) == "cant_update_message"
        assert await refusal(update(channel="C0GENERAL", ts="1.000000", text="x")) == "message_not_found"
        slack.archive("C0GENERAL")
        assert await refusal(update(channel="C0GENERAL", ts=ts, text="x")) == "is_inactive"

    async def test_only_own_messages_can_be_deleted(self, slack, client):
        ts = (await client.chat_postMessage(channel="C0GENERAL", text="x"))["ts"]
        hers = slack.say("C0GENERAL", "mine").ts
        await client.chat_delete(channel="C0GENERAL", ts=ts)
        assert slack.messages("C0GENERAL")[0].deleted
        assert await refusal(client.chat_delete(channel="C0GENERAL", ts=ts)) == "message_not_found"
        assert await refusal(client.chat_delete(channel="C0GENERAL", ts=hers)) == "cant_delete_message"

    async def test_an_ephemeral_is_for_somebody_who_is_there(self, slack, client):
        await client.chat_postEphemeral(channel="C0GENERAL", user="U0BEN", text="psst")
        assert [(seen.user, seen.text) for seen in slack.ephemerals] == [("U0BEN", "psst")]
        stranger = client.chat_postEphemeral(channel="C0GENERAL", user="U0NOBODY", text="psst")
        assert await refusal(stranger) == "user_not_in_channel"


def metadata(name: str) -> dict[str, object]:
    return {"event_type": "imessage_status", "event_payload": {"id": name}}


class TestReading:
    async def test_metadata_comes_back_whole_only_when_asked_for(self, slack, client):
        await client.chat_postMessage(channel="C0GENERAL", text="x", metadata=metadata("a"))
        plain = await client.conversations_history(channel="C0GENERAL")
        whole = await client.conversations_history(channel="C0GENERAL", include_all_metadata=True)
        assert plain["messages"][0]["metadata"] == {"event_type": "imessage_status"}
        assert whole["messages"][0]["metadata"] == metadata("a")

    async def test_metadata_is_kept_unless_an_update_replaces_it(self, slack, client):
        ts = (await client.chat_postMessage(channel="C0GENERAL", text="x", metadata=metadata("a")))["ts"]
        await client.chat_update(channel="C0GENERAL", ts=ts, text="y")
        assert slack.messages("C0GENERAL")[0].metadata == metadata("a")
        await client.chat_update(channel="C0GENERAL", ts=ts, text="y", metadata={})
        assert slack.messages("C0GENERAL")[0].metadata is None

    async def test_history_pages_through_roots_newest_first(self, slack, client):
        stamps = [(await client.chat_postMessage(channel="C0GENERAL", text="x"))["ts"] for _ in range(5)]
        seen, cursor = [], ""
        while True:
            page = await client.conversations_history(channel="C0GENERAL", limit=2, cursor=cursor)
            seen += [message["ts"] for message in page["messages"]]
            cursor = page["response_metadata"]["next_cursor"]
            if not page["has_more"]:
                break
        assert seen == stamps[::-1]

    async def test_oldest_and_latest_exclude_their_edge_unless_inclusive(self, slack, client):
        stamps = [(await client.chat_postMessage(channel="C0GENERAL", text="x"))["ts"] for _ in range(4)]
        edges = {"channel": "C0GENERAL", "oldest": stamps[0], "latest": stamps[2]}
        within = await client.conversations_history(**edges)
        assert [message["ts"] for message in within["messages"]] == [stamps[1]]
        with_edges = await client.conversations_history(**edges, inclusive=True)
        assert len(with_edges["messages"]) == 3

    async def test_replies_begin_with_the_root_whatever_its_time(self, slack, client):
        root = (await client.chat_postMessage(channel="C0GENERAL", text="root"))["ts"]
        first, second = [
            (await client.chat_postMessage(channel="C0GENERAL", text="r", thread_ts=root))["ts"] for _ in range(2)
        ]
        page = await client.conversations_replies(channel="C0GENERAL", ts=root, oldest=first)
        assert [message["ts"] for message in page["messages"]] == [root, second]
        assert page["messages"][0]["reply_count"] == 2
        missing = client.conversations_replies(channel="C0GENERAL", ts="1.000000")
        assert await refusal(missing) == "thread_not_found"

    async def test_nothing_is_read_where_the_bot_is_no_member(self, slack, client):
        assert await refusal(client.conversations_history(channel="C0RANDOM")) == "not_in_channel"
        assert await refusal(client.conversations_history(channel="G0SECRET")) == "channel_not_found"


class TestFaults:
    async def test_an_outage_answers_503_or_a_page_of_html(self, slack, client):
        slack.faults.down = True
        with pytest.raises(SlackApiError) as caught:
            await client.chat_postMessage(channel="C0GENERAL", text="x")
        assert caught.value.response.status_code == 503
        slack.faults.down, slack.faults.html_502 = False, True
        with pytest.raises(SlackApiError) as caught:
            await client.chat_postMessage(channel="C0GENERAL", text="x")
        assert caught.value.response.status_code == 502
        assert slack.messages("C0GENERAL") == []
        assert [call.status for call in slack.calls] == [503, 502]

    async def test_rate_limiting_hits_chat_only(self, slack, client):
        slack.faults.rate_limited = True
        with pytest.raises(SlackApiError) as caught:
            await client.chat_postMessage(channel="C0GENERAL", text="x")
        assert caught.value.response.headers["Retry-After"] == "1"
        await client.auth_test()

    async def test_a_named_error_is_answered_for_its_method(self, slack, client):
        slack.faults.errors["chat.postMessage"] = "fatal_error"
        assert await refusal(client.chat_postMessage(channel="C0GENERAL", text="x")) == "fatal_error"
        await client.auth_test()

    async def test_a_lost_answer_leaves_the_message_there(self, slack, client):
        slack.faults.lose_answer = 1
        with pytest.raises(aiohttp.ClientError):
            await client.chat_postMessage(channel="C0GENERAL", text="x")
        await client.chat_postMessage(channel="C0GENERAL", text="y")
        assert [message.text for message in slack.messages("C0GENERAL")] == ["x", "y"]
        assert [call.status for call in slack.calls] == [0, 200]

    async def test_the_sdks_own_retry_posts_twice_after_a_lost_answer(self, slack, client):
        """Why the bot must switch that retry off, and why this double must really cut connections."""
        client.retry_handlers = [AsyncConnectionErrorRetryHandler()]
        slack.faults.lose_answer = 1
        await client.chat_postMessage(channel="C0GENERAL", text="x")
        assert len(slack.messages("C0GENERAL")) == 2

    async def test_a_held_call_is_done_once_slack_recovers(self, slack, client):
        slack.faults.hang = True
        posting = asyncio.ensure_future(client.chat_postMessage(channel="C0GENERAL", text="x"))
        await asyncio.sleep(0.1)
        assert slack.messages("C0GENERAL") == []
        slack.faults.hang = False
        assert (await posting)["ok"]

    async def test_a_held_call_whose_sender_gave_up_is_never_done(self, slack, client):
        slack.faults.hang = True
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.chat_postMessage(channel="C0GENERAL", text="x"), 0.1)
        slack.faults.hang = False
        await asyncio.sleep(0.05)
        assert slack.messages("C0GENERAL") == []

    def test_a_patch_is_all_or_nothing(self, slack):
        with pytest.raises(ValueError, match="no switch named 'dwon'"):
            slack.faults.patch({"hang": True, "dwon": True})
        with pytest.raises(ValueError, match="down must be a true or false"):
            slack.faults.patch({"hang": True, "down": "yes"})
        assert not slack.faults.hang
        slack.faults.patch({"down": True, "lose_answer": 2, "errors": {"chat.update": "fatal_error"}})
        slack.faults.reset()
        assert slack.faults == type(slack.faults)()


class TestHands:
    async def test_a_command_is_signed_and_complete(self, slack, bot):
        bot.response = PlainTextResponse("Sending…")
        answer = await slack.type("/imessage +1 415 555 2671  Hi there", trigger_id="1.2.three")
        assert (answer.status, answer.text, answer.failure) == (200, "Sending…", None)
        headers, body = bot.requests[0]
        assert SignatureVerifier(SECRET).is_valid_request(body, headers)
        form = bot.form()
        assert form["command"] == "/imessage"
        assert form["text"] == "+1 415 555 2671  Hi there"
        assert form["trigger_id"] == "1.2.three"
        assert form["response_url"].startswith(slack.base_url)
        [seen] = slack.ephemerals
        assert (seen.text, seen.command) == ("Sending…", "/imessage +1 415 555 2671  Hi there")

    async def test_a_commands_name_ends_at_any_space_and_its_text_keeps_its_lines(self, slack, bot):
        await slack.type("/imessage\n+1 415 555 2671 Hi\n\nthere ")
        assert (bot.form()["command"], bot.form()["text"]) == ("/imessage", "+1 415 555 2671 Hi\n\nthere")

    async def test_an_answer_in_json_is_shown_to_its_person_or_to_all(self, slack, bot):
        bot.response = JSONResponse({"text": "a", "blocks": [{"type": "divider"}]})
        assert (await slack.type("/imessage", user="U0BEN")).text == "a"
        assert slack.ephemerals[0].blocks == [{"type": "divider"}]
        bot.response = JSONResponse({"text": "b", "response_type": "in_channel"})
        await slack.type("/imessage", channel="G0SECRET")
        assert slack.messages("G0SECRET")[0].text == "b"

    async def test_an_empty_answer_shows_nothing(self, slack, bot):
        assert (await slack.type("/imessage")).failure is None
        assert slack.ephemerals == []

    async def test_a_slow_bot_times_out(self, slack, bot, monkeypatch):
        assert hands.PATIENCE == 3
        monkeypatch.setattr(hands, "PATIENCE", 0.2)
        bot.delay = 0.4
        answer = await slack.type("/imessage help")
        assert answer.failure == "operation_timeout"
        assert 0.2 <= answer.seconds < 0.4

    async def test_anything_but_2xx_and_an_absent_bot_fail(self, slack, bot):
        bot.response = Response(status_code=500)
        answer = await slack.type("/imessage help")
        assert (answer.status, answer.failure) == (500, "dispatch_failed")
        slack.app_url = "http://127.0.0.1:9/slack/events"
        answer = await slack.type("/imessage help")
        assert (answer.status, answer.failure) == (0, "dispatch_failed")

    async def test_headers_can_be_forged(self, slack, bot):
        await slack.type("/imessage help", headers={"X-Slack-Signature": "v0=forged"})
        assert not SignatureVerifier(SECRET).is_valid_request(bot.requests[0][1], bot.requests[0][0])

    async def test_a_click_carries_the_button_and_its_message(self, slack, bot, client):
        ts = (await client.chat_postMessage(channel="C0GENERAL", text="x", blocks=[buttons("Yes")]))["ts"]
        await slack.click("C0GENERAL", ts, "a0", "forty-two", user="U0BEN")
        payload = bot.payload()
        assert payload["type"] == "block_actions"
        assert payload["user"]["id"] == "U0BEN"
        assert payload["container"]["message_ts"] == payload["message"]["ts"] == ts
        assert payload["actions"][0]["action_id"] == "a0"
        assert payload["actions"][0]["value"] == "forty-two"

    async def test_an_event_keeps_its_id_over_retries(self, slack, bot):
        event = {"type": "message", "channel": "C0GENERAL", "ts": "1.2", "user": "U0ANA", "text": "x"}
        await slack.send_event(event)
        await slack.send_event(event, retry_num=1)
        first, second = bot.envelopes
        assert first["event_id"] == second["event_id"]
        assert bot.requests[1][0]["x-slack-retry-num"] == "1"

    async def test_nobody_types_where_there_is_nothing(self, slack):
        with pytest.raises(SlackRefusalError):
            await slack.type("/imessage", channel="C0NOWHERE")
        with pytest.raises(ValueError, match="slash"):
            await slack.type("imessage")


class TestResponseUrl:
    @pytest.fixture
    async def address(self, slack, bot) -> str:
        await slack.type("/imessage help", channel="G0SECRET")
        return bot.form()["response_url"]

    async def test_it_reaches_the_person_where_the_bot_is_no_member(self, slack, address):
        async with httpx.AsyncClient(verify=False) as http:
            answer = await http.post(address, json={"text": "psst"})
        assert (answer.status_code, answer.text) == (200, "ok")
        assert [(seen.channel, seen.text) for seen in slack.ephemerals] == [("G0SECRET", "psst")]

    async def test_it_is_used_up_after_five_answers(self, slack, address):
        async with httpx.AsyncClient(verify=False) as http:
            answers = [await http.post(address, json={"text": "psst"}) for _ in range(6)]
            unknown = await http.post(f"{slack.base_url}/response/nothing", json={"text": "psst"})
        assert [answer.status_code for answer in answers] == [200] * 5 + [404]
        assert answers[-1].json()["error"] == "used_url"
        assert unknown.json()["error"] == "expired_url"

    async def test_a_click_can_have_its_message_replaced(self, slack, bot, client):
        ts = (await client.chat_postMessage(channel="C0GENERAL", text="x", blocks=[buttons("Yes")]))["ts"]
        await slack.click("C0GENERAL", ts, "a0")
        address = bot.payload()["response_url"]
        async with httpx.AsyncClient(verify=False) as http:
            await http.post(address, json={"text": "done", "replace_original": True})
            await http.post(address, json={"text": "all", "response_type": "in_channel", "thread_ts": ts})
        [root] = slack.messages("C0GENERAL")
        assert (root.text, root.blocks) == ("done", [])
        assert [reply.text for reply in slack.replies("C0GENERAL", ts)] == ["all"]


class TestBoard:
    async def test_every_request_is_logged_without_a_secret(self, board, slack, bot, client):
        await client.chat_postMessage(channel="C0GENERAL", text=f"{TOKEN} /sendblue/status/abc/t0ken-x!")
        bot.response = PlainTextResponse("Sending…")
        await slack.type("/imessage help")
        to_slack, to_bot = board.traffic()
        assert (to_slack["from"], to_slack["to"], to_slack["status"]) == ("bot", "slack", 200)
        assert (to_bot["from"], to_bot["to"], to_bot["response"]) == ("slack", "bot", "Sending…")
        log = str(board.traffic())
        assert TOKEN not in log
        assert "t0ken" not in log
        assert bot.form()["response_url"] not in log

    async def test_messages_are_told_to_listeners_as_they_change(self, board, slack, client):
        with board.listen() as listener:
            ts = (await client.chat_postMessage(channel="C0GENERAL", text="x"))["ts"]
            await client.chat_update(channel="C0GENERAL", ts=ts, text="y")
            slack.delete("C0GENERAL", ts)
            board.close()
            heard = [event async for event in listener.events(1)]
        told = [data for kind, data in heard if kind == "message"]
        assert [data["text"] for data in told] == ["x", "y", ""]
        assert told[-1]["deleted"]
