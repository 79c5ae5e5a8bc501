"""What the app shows people in the pretend Slack besides messages: reactions, questions to one person, dialogs."""

import json
from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse

from sandbox.slack import View, views
from tests.sandbox.conftest import PLACE, refusal, replies
from tests.shapes import raw


class TestReacting:
    async def test_a_reaction_is_kept_in_order_and_read_back(self, slack, client, root):
        said = await slack.reply(PLACE, root, "Eight works")
        for name in ("double_vertical_bar", "white_check_mark"):
            await client.reactions_add(name=name, channel=PLACE, timestamp=said.ts)
        assert said.reactions == ["double_vertical_bar", "white_check_mark"]
        [read] = await replies(client, root)
        assert read["reactions"][1] == {"name": "white_check_mark", "users": ["U0BLUE"], "count": 1}
        again = client.reactions_add(name="white_check_mark", channel=PLACE, timestamp=said.ts)
        assert await refusal(again) == "already_reacted"

    @pytest.mark.parametrize(
        ("name", "channel", "error"),
        [
            ("no-such-emoji", PLACE, "invalid_name"),
            ("x", "C0NOWHERE", "channel_not_found"),
            ("x", "G0SECRET", "channel_not_found"),
            ("x", "C0RANDOM", "not_in_channel"),
            ("x", "C0OLD", "is_archived"),
            ("x", PLACE, "message_not_found"),
        ],
    )
    async def test_a_reaction_that_slack_would_refuse_is_refused(self, slack, client, name, channel, error):
        assert await refusal(client.reactions_add(name=name, channel=channel, timestamp="1.2")) == error

    async def test_reactions_need_their_scope_and_can_be_refused(self, slack, client, root):
        slack.faults.refuse_reactions = "missing_scope"
        assert await refusal(client.reactions_add(name="x", channel=PLACE, timestamp=root)) == "missing_scope"
        slack.faults.reset()
        slack.faults.rate_limited = True
        assert await refusal(client.reactions_add(name="x", channel=PLACE, timestamp=root)) == "ratelimited"
        slack.faults.reset()
        slack.scopes = [scope for scope in slack.scopes if scope != "reactions:write"]
        assert await refusal(client.reactions_add(name="x", channel=PLACE, timestamp=root)) == "missing_scope"


def question(*actions: str) -> list[dict[str, Any]]:
    buttons = [{"type": "button", "action_id": name, "text": {"type": "plain_text", "text": name}} for name in actions]
    return [{"type": "actions", "block_id": "ask", "elements": buttons}]


class TestAskingOnePerson:
    @pytest.fixture
    def asked(self, client, root):
        async def ask() -> str:
            blocks = question("send", "keep")
            call = client.chat_postEphemeral(channel=PLACE, user="U0ANA", text="Send?", blocks=blocks, thread_ts=root)
            return str((await call)["message_ts"])

        return ask

    async def test_a_question_in_a_thread_can_be_answered_by_its_button(self, slack, bot, root, asked):
        await slack.reply(PLACE, root, "Eight works")
        ts = await asked()
        [seen] = slack.ephemerals
        assert (seen.id, seen.user, seen.thread_ts, seen.blocks) == (ts, "U0ANA", root, question("send", "keep"))
        await slack.click(PLACE, ts, "send")
        documented = json.loads(raw("slack/clicks", "on_an_ephemeral"))
        assert bot.payload().keys() == documented.keys() - {"token"}
        assert bot.payload()["container"] == documented["container"] | {
            "message_ts": ts,
            "channel_id": PLACE,
            "thread_ts": root,
        }

    async def test_the_answer_can_take_the_place_of_the_question_and_take_it_away(self, slack, bot, root, asked):
        await slack.reply(PLACE, root, "Eight works")
        ts = await asked()
        await slack.click(PLACE, ts, "send")
        address = bot.payload()["response_url"]
        async with httpx.AsyncClient(verify=False) as http:
            await http.post(address, json={"replace_original": True, "text": "Sent."})
            [seen] = slack.ephemerals
            assert (seen.id, seen.text, seen.blocks, seen.thread_ts) == (ts, "Sent.", [], root)
            await http.post(address, json={"delete_original": True})
        assert slack.ephemerals == []

    async def test_a_question_in_a_thread_without_a_reply_is_seen_by_nobody(self, slack, asked):
        await asked()
        assert slack.ephemerals == []

    async def test_a_question_that_slack_would_refuse_is_refused(self, slack, client):
        ask = client.chat_postEphemeral
        assert await refusal(ask(channel="C0RANDOM", user="U0ANA", text="Hi")) == "not_in_channel"
        assert await refusal(ask(channel="C0OLD", user="U0ANA", text="Hi")) == "is_archived"
        assert await refusal(ask(channel="D0BOTU0ANA", user="U0BEN", text="Hi")) == "user_not_in_channel"
        wrong = ask(channel=PLACE, user="U0ANA", text="Hi", blocks=[{"type": "sparkles"}])
        assert await refusal(wrong) == "invalid_blocks"
        slack.faults.refuse_ephemerals = "user_not_in_channel"
        assert await refusal(ask(channel=PLACE, user="U0ANA", text="Hi")) == "user_not_in_channel"


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def text_box(**more: object) -> dict[str, Any]:
    element = {"type": "plain_text_input", "action_id": "text", **more}
    return {"type": "input", "block_id": "words", "label": plain("Text"), "element": element}


def modal(**more: object) -> dict[str, Any]:
    blocks = [text_box(initial_value="Eight works")]
    return {"type": "modal", "title": plain("Send"), "submit": plain("Send"), "blocks": blocks, **more}


class TestDialogs:
    @pytest.fixture
    async def trigger(self, slack, bot, client) -> str:
        ts = (await client.chat_postMessage(channel=PLACE, text="x", blocks=question("correct")))["ts"]
        await slack.click(PLACE, ts, "correct", user="U0BEN")
        return str(bot.payload()["trigger_id"])

    @pytest.fixture
    async def view(self, slack, client, trigger) -> View:
        await client.views_open(trigger_id=trigger, view=modal(callback_id="correction", private_metadata="42"))
        return slack.views[0]

    async def test_what_was_written_is_handed_in(self, slack, bot, view):
        assert view.user == "U0BEN"
        answer = await slack.submit(view, {"words": "Nine works"})
        assert (answer.failure, slack.views) == (None, [])
        sent, documented = bot.payload(), json.loads(raw("slack/clicks", "view_submission"))
        assert sent.keys() == documented.keys() - {"token"}
        assert sent["view"].keys() >= documented["view"].keys()
        assert (sent["user"]["id"], sent["view"]["id"], sent["view"]["hash"]) == ("U0BEN", view.id, view.hash)
        assert (sent["view"]["callback_id"], sent["view"]["private_metadata"]) == ("correction", "42")
        written = {"type": "plain_text_input", "value": "Nine works"}
        assert sent["view"]["state"]["values"] == {"words": {"text": written}}

    async def test_what_was_filled_in_before_is_handed_in_as_it_stands(self, slack, bot, view):
        await slack.submit(view, {})
        assert bot.payload()["view"]["state"]["values"]["words"]["text"]["value"] == "Eight works"

    async def test_a_complaint_keeps_the_dialog_open(self, slack, bot, view):
        bot.response = JSONResponse({"response_action": "errors", "errors": {"words": "Too late.", "gone": "?"}})
        await slack.submit(view, {"words": "Nine works"})
        assert (slack.views, view.errors) == ([view], {"words": "Too late."})

    async def test_a_broken_app_keeps_the_dialog_open(self, slack, bot, view):
        bot.statuses = [500]
        assert (await slack.submit(view, {})).failure == "dispatch_failed"
        assert slack.views == [view]

    async def test_an_answer_can_show_something_else(self, slack, bot, view):
        before = view.hash
        bot.response = JSONResponse({"response_action": "update", "view": modal(title=plain("Once more"))})
        await slack.submit(view, {})
        assert slack.views[0].content["title"]["text"] == "Once more"
        assert view.hash != before

    async def test_an_empty_or_too_long_text_never_reaches_the_app(self, slack, bot, view):
        asked = len(bot.requests)
        for text in ("", "x" * 3001):
            with pytest.raises(ValueError, match=r"required|too long"):
                await slack.submit(view, {"words": text})
        assert len(bot.requests) == asked

    async def test_closing_tells_the_app_only_if_it_asked(self, slack, bot, client, trigger):
        await client.views_open(trigger_id=trigger, view=modal(notify_on_close=True))
        await slack.dismiss(slack.views[0])
        assert (bot.payload()["type"], slack.views) == ("view_closed", [])

    async def test_a_trigger_opens_one_dialog_and_within_three_seconds(self, slack, client, trigger, monkeypatch):
        assert views.TRIGGER_LIFETIME == 3
        assert await refusal(client.views_open(trigger_id="1.2.three", view=modal())) == "invalid_trigger_id"
        monkeypatch.setattr(views, "TRIGGER_LIFETIME", -1)
        assert await refusal(client.views_open(trigger_id=trigger, view=modal())) == "expired_trigger_id"
        monkeypatch.undo()
        await client.views_open(trigger_id=trigger, view=modal())
        assert await refusal(client.views_open(trigger_id=trigger, view=modal())) == "exchanged_trigger_id"

    @pytest.mark.parametrize(
        "wrong",
        [
            {"type": "home"},
            {"title": plain("x" * 25)},
            {"title": None},
            {"submit": None},
            {"close": plain("x" * 25)},
            {"blocks": "none"},
            {"blocks": [{"type": "sparkles"}]},
            {"blocks": [text_box(initial_value="x" * 3001)]},
            {"blocks": [{"type": "input", "label": plain("Text")}]},
            {"private_metadata": "x" * 3001},
        ],
    )
    async def test_a_dialog_that_slack_would_refuse_is_refused(self, slack, client, trigger, wrong):
        assert await refusal(client.views_open(trigger_id=trigger, view=modal(**wrong))) == "invalid_arguments"
        assert slack.views == []


async def test_user_groups_have_names_and_members(client):
    [group] = (await client.usergroups_list())["usergroups"]
    assert (group["id"], group["handle"]) == ("S0FRONT", "front-desk")
    assert (await client.usergroups_users_list(usergroup="S0FRONT"))["users"] == ["U0ANA", "U0CLEO"]
