"""What people do in threads of the pretend Slack, as the app is told of it: Slack's own shapes, and its bad days."""

import json

import pytest
from slack_sdk.signature import SignatureVerifier

from sandbox.board import Board
from sandbox.slack import PretendSlack, SlackRefusalError, hands
from tests.sandbox.conftest import PLACE, SECRET, TOKEN, replies
from tests.shapes import raw


class TestReplying:
    async def test_a_reply_is_delivered_signed_and_in_an_envelope(self, slack, bot, root):
        said = await slack.reply(PLACE, root, "Eight works")
        [(headers, body)] = bot.requests
        assert SignatureVerifier(SECRET).is_valid_request(body, headers)
        assert bot.envelopes[0].keys() == json.loads(raw("slack/envelopes", "event")).keys()
        assert bot.envelopes[0]["authorizations"][0]["user_id"] == "U0BLUE"
        [event] = bot.events
        assert (event["user"], event["ts"], event["thread_ts"]) == ("U0ANA", said.ts, root)
        assert (event["parent_user_id"], event["client_msg_id"]) == ("U0BLUE", said.client_msg_id)

    async def test_a_reply_can_be_read_back(self, slack, client, root):
        said = await slack.reply(PLACE, root, "Eight works", user="U0BEN", client_msg_id="one-of-bens")
        [read] = await replies(client, root)
        assert (read["user"], read["ts"], read["thread_ts"]) == ("U0BEN", said.ts, root)
        assert (read["client_msg_id"], read["parent_user_id"]) == ("one-of-bens", "U0BLUE")
        assert read["blocks"] == said.blocks

    @pytest.mark.parametrize(
        ("shape", "arguments"),
        [
            ("reply", {}),
            ("me_message", {"subtype": "me_message"}),
            ("thread_broadcast", {"broadcast": True}),
            ("file_hosted", {"files": [{"id": "F0MENU"}]}),
            ("connect_stranger", {"user": "U0STRANGER"}),
        ],
    )
    async def test_a_reply_has_the_fields_that_slack_gives_it(self, slack, bot, root, shape, arguments):
        await slack.reply(PLACE, root, "Eight works", **arguments)
        documented = json.loads(raw("slack/events", shape))
        if shape == "me_message":
            documented["parent_user_id"] = "of every reply"
        assert bot.events[0].keys() == documented.keys()
        assert bot.events[0].get("subtype") == documented.get("subtype")

    async def test_who_is_from_elsewhere_has_their_own_team_in_a_shared_channel(self, slack, bot, root):
        await slack.reply(PLACE, root, "Hi", user="U0STRANGER")
        assert bot.events[0]["team"] == bot.events[0]["user_team"] == "T0OTHER"
        assert bot.envelopes[0]["is_ext_shared_channel"] is True
        assert (bot.envelopes[0]["team_id"], bot.envelopes[0]["context_team_id"]) == ("T0SANDBOX", "T0SANDBOX")

    @pytest.mark.parametrize(("channel", "kind"), [("C0GENERAL", "channel"), ("G0TEAM", "group"), ("D0BOTU0ANA", "im")])
    async def test_an_event_says_what_kind_of_place_it_is_from(self, slack, bot, channel, kind):
        await slack.reply(channel, None, "Hi")
        assert (bot.events[0]["channel_type"], "thread_ts" in bot.events[0]) == (kind, False)

    @pytest.mark.parametrize("channel", ["C0RANDOM", "G0SECRET", "D0ANABEN"])
    async def test_nothing_is_told_from_places_where_the_bot_is_no_member(self, slack, bot, channel):
        await slack.reply(channel, None, "Hi")
        assert bot.requests == []

    async def test_a_file_may_come_without_a_word(self, slack, bot, root):
        await slack.reply(PLACE, root, "", files=[{"id": "F0MENU"}])
        assert (bot.events[0]["text"], "blocks" in bot.events[0]) == ("", False)

    async def test_the_app_is_told_of_its_own_messages_if_so_asked(self, slack, bot, client):
        slack.faults.own_events = True
        ts = (await client.chat_postMessage(channel=PLACE, text="Texting"))["ts"]
        await slack.events.settle()
        await client.chat_update(channel=PLACE, ts=ts, text="Delivered")
        await slack.events.settle()
        post, edit = bot.events
        assert (post["bot_id"], post["ts"], post["text"]) == ("B0BLUE", ts, "Texting")
        assert (edit["subtype"], edit["message"]["text"]) == ("message_changed", "Delivered")
        assert (edit["message"]["bot_id"], edit["previous_message"]["text"]) == ("B0BLUE", "Texting")

    async def test_nobody_replies_to_nothing(self, slack, root):
        for channel, ts, error in ((PLACE, "1.2", "thread_not_found"), ("C0OLD", root, "is_archived")):
            with pytest.raises(SlackRefusalError, match=error):
                await slack.reply(channel, ts, "Hi")


class TestComposing:
    @pytest.mark.parametrize(
        ("typed", "text", "elements"),
        [
            ("1 < 2 & :)", "1 &lt; 2 &amp; :)", [{"type": "text", "text": "1 < 2 & :)"}]),
            ("a\n\nb", "a\n\nb", [{"type": "text", "text": "a\n\nb"}]),
            (
                "<@U0BEN> look",
                "<@U0BEN> look",
                [{"type": "user", "user_id": "U0BEN"}, {"type": "text", "text": " look"}],
            ),
            ("<!subteam^S0FRONT>", "<!subteam^S0FRONT>", [{"type": "usergroup", "usergroup_id": "S0FRONT"}]),
            ("<!here>", "<!here>", [{"type": "broadcast", "range": "here"}]),
            ("<#C0RANDOM>", "<#C0RANDOM>", [{"type": "channel", "channel_id": "C0RANDOM"}]),
            (
                ":wave::skin-tone-3:",
                ":wave::skin-tone-3:",
                [{"type": "emoji", "name": "wave", "unicode": "1f44b-1f3fc", "skin_tone": 3}],
            ),
            ("❤️", ":heart:", [{"type": "emoji", "name": "heart", "unicode": "2764-fe0f"}]),
            (
                "at 10:30:20 :shrug-cat:",
                "at 10:30:20 :shrug-cat:",
                [{"type": "text", "text": "at 10:30:20 :shrug-cat:"}],
            ),
            (
                "https://a.example/?a=1&b=2.",
                "<https://a.example/?a=1&amp;b=2>.",
                [{"type": "link", "url": "https://a.example/?a=1&b=2"}, {"type": "text", "text": "."}],
            ),
            (
                "<https://a.example|our menu>",
                "<https://a.example|our menu>",
                [{"type": "link", "url": "https://a.example", "text": "our menu"}],
            ),
        ],
    )
    async def test_what_is_typed_becomes_a_text_and_a_rich_text(self, slack, bot, root, typed, text, elements):
        await slack.reply(PLACE, root, typed)
        assert bot.events[0]["text"] == text
        [block] = bot.events[0]["blocks"]
        assert (block["type"], block["elements"]) == (
            "rich_text",
            [{"type": "rich_text_section", "elements": elements}],
        )

    async def test_a_text_that_comes_with_blocks_is_left_as_it_is(self, slack, bot, root):
        quote = {"type": "rich_text_quote", "elements": [{"type": "text", "text": "Hi"}]}
        block = {"type": "rich_text", "block_id": "x", "elements": [quote]}
        await slack.reply(PLACE, root, "&gt; Hi", blocks=[block])
        assert (bot.events[0]["text"], bot.events[0]["blocks"]) == ("&gt; Hi", [block])


class TestChanging:
    async def test_an_edit_is_told_and_read_back(self, slack, bot, client, root):
        said = await slack.reply(PLACE, root, "Seven works")
        await slack.edit(PLACE, said.ts, "Eight works", user="U0ANA")
        event = bot.events[-1]
        assert event.keys() == json.loads(raw("slack/events", "edit")).keys()
        assert (event["subtype"], event["hidden"]) == ("message_changed", True)
        assert (event["message"]["text"], event["previous_message"]["text"]) == ("Eight works", "Seven works")
        assert event["message"]["edited"]["user"] == "U0ANA"
        assert event["message"]["edited"]["ts"] > said.ts
        assert (event["message"]["ts"], event["message"]["client_msg_id"]) == (said.ts, said.client_msg_id)
        assert [read["text"] for read in await replies(client, root)] == ["Eight works"]

    async def test_an_unfurl_adds_attachments_and_nothing_else(self, slack, bot, root):
        said = await slack.reply(PLACE, root, "https://a.example")
        await slack.unfurl(PLACE, said.ts)
        event = bot.events[-1]
        attachments = event["message"].pop("attachments")
        assert attachments[0]["from_url"] == "https://a.example"
        assert event["message"] == event["previous_message"]

    async def test_a_deletion_is_told_and_the_message_is_gone(self, slack, bot, client, root):
        said = await slack.reply(PLACE, root, "Seven works")
        await slack.reply(PLACE, root, "Eight works")
        await slack.remove(PLACE, said.ts, user="U0ANA")
        event = bot.events[-1]
        assert event.keys() == json.loads(raw("slack/events", "delete")).keys()
        assert (event["deleted_ts"], event["previous_message"]["text"]) == (said.ts, "Seven works")
        assert [read["text"] for read in await replies(client, root)] == ["Eight works"]

    async def test_a_deleted_root_with_replies_becomes_a_tombstone_whose_thread_goes_on(self, slack, bot, root):
        await slack.reply(PLACE, root, "Eight works")
        await slack.remove(PLACE, root)
        event = bot.events[-1]
        assert (event["subtype"], event["message"]["subtype"]) == ("message_changed", "tombstone")
        assert event["message"]["ts"] == event["previous_message"]["ts"] == root
        await slack.reply(PLACE, root, "Still here")
        assert bot.events[-1]["text"] == "Still here"

    async def test_nobody_changes_what_somebody_else_wrote(self, slack, root):
        said = await slack.reply(PLACE, root, "Eight works")
        with pytest.raises(SlackRefusalError, match="cant_update_message"):
            await slack.edit(PLACE, said.ts, "Nine works", user="U0BEN")
        with pytest.raises(SlackRefusalError, match="cant_delete_message"):
            await slack.remove(PLACE, said.ts, user="U0BEN")
        assert [(reply.text, reply.deleted) for reply in slack.replies(PLACE, root)] == [("Eight works", False)]


class TestDelivery:
    async def test_an_event_that_was_not_taken_comes_three_times_more(self, slack, bot, root):
        bot.statuses = [500, 404, 500, 500]
        await slack.reply(PLACE, root, "Eight works")
        await slack.events.settle()
        assert [headers.get("x-slack-retry-num") for headers, _ in bot.requests] == [None, "1", "2", "3"]
        assert bot.requests[1][0]["x-slack-retry-reason"] == "http_error"
        assert len({envelope["event_id"] for envelope in bot.envelopes}) == 1

    async def test_an_event_that_was_taken_comes_no_more(self, slack, bot, root):
        bot.statuses = [500, 200]
        await slack.reply(PLACE, root, "Eight works")
        await slack.events.settle()
        assert len(bot.requests) == 2

    async def test_a_slow_or_absent_app_is_told_why_the_event_comes_again(self, slack, bot, root, monkeypatch):
        monkeypatch.setattr(hands, "PATIENCE", 0.1)
        slack.events.pauses = (0.2,)
        bot.delay, url = 0.3, slack.app_url
        await slack.reply(PLACE, root, "Eight works")
        bot.delay = 0.0
        await slack.events.settle()
        slack.app_url = "http://127.0.0.1:9/slack/events"
        await slack.reply(PLACE, root, "Nine works")
        slack.app_url = url
        await slack.events.settle()
        reasons = [headers.get("x-slack-retry-reason") for headers, _ in bot.requests]
        assert [reason for reason in reasons if reason] == ["http_timeout", "connection_failed"]

    def test_slack_waits_one_minute_and_then_five(self):
        assert PretendSlack(Board(), TOKEN, SECRET).events.pauses == (0, 60, 300)

    async def test_lost_events_leave_the_message_in_its_thread(self, slack, bot, client, root):
        slack.faults.lose_events = True
        await slack.reply(PLACE, root, "Eight works")
        assert bot.requests == []
        assert [read["text"] for read in await replies(client, root)] == ["Eight works"]

    async def test_repeated_events_have_one_id_and_twins_have_two(self, slack, bot, root):
        slack.faults.repeat_events = True
        await slack.reply(PLACE, root, "Eight works")
        first, second = bot.envelopes
        assert first == second
        slack.faults.patch({"repeat_events": False, "twin_events": True})
        await slack.reply(PLACE, root, "Nine works")
        third, fourth = bot.envelopes[2:]
        assert third["event_id"] != fourth["event_id"]
        assert third["event"] == fourth["event"]

    async def test_late_events_come_after_all(self, slack, bot, root):
        slack.faults.delay_events = 0.1
        await slack.reply(PLACE, root, "Eight works")
        assert bot.requests == []
        await slack.events.settle()
        assert len(bot.requests) == 1
