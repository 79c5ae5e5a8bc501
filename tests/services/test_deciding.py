"""When evidence stays away, a person decides: once, visibly, and the truth is told whatever they chose."""

from collections.abc import Callable
from typing import Any

import pytest

from sandbox.slack.records import SlackMessage
from tests.conftest import Stage, until

Opened = Callable[..., Any]


def reply_with(stage: Stage, words: str) -> SlackMessage | None:
    [root] = stage.roots()
    return next((reply for reply in stage.slack.replies("C0GENERAL", root.ts) if words in reply.text), None)


@pytest.fixture
async def doubted(open_stage: Opened) -> Stage:
    """A text that never went out, of which Sendblue gave no clear answer, long enough ago."""
    stage: Stage = await open_stage(doubt_window=0.6)
    stage.sendblue.faults.answers.append((500, "oops"))
    await stage.text()
    await until(lambda: stage.roots() and reply_with(stage, "Please decide"))
    return stage


async def click(stage: Stage, action: str, *, words: str = "Please decide", user: str = "U0ANA") -> None:
    reply = reply_with(stage, words)
    assert reply is not None
    answer = await stage.slack.click("C0GENERAL", reply.ts, action, value_of(reply, action), user=user)
    assert answer.status == 200


def value_of(post: SlackMessage, action: str = "resend") -> str:
    elements = [element for block in post.blocks for element in block.get("elements", [])]
    return str(next(element["value"] for element in elements if element.get("action_id") == action))


async def test_send_again_sends_once_more_and_says_who_decided(doubted: Stage) -> None:
    await click(doubted, "resend", user="U0BEN")
    await until(lambda: any("Second try: ✅ Delivered" in text for text in doubted.replies()))
    assert len(doubted.bubbles()) == 1
    assert any("<@U0BEN> sent it again" in text for text in doubted.replies())
    await until(lambda: "<@U0BEN> sent it again" in doubted.shown())


async def test_leave_it_sends_nothing_and_says_who_decided(doubted: Stage) -> None:
    await click(doubted, "leave")
    await until(lambda: any("<@U0ANA> left it as it is" in text for text in doubted.replies()))
    assert doubted.bubbles() == []


async def test_clicking_twice_and_together_sends_once(doubted: Stage) -> None:
    for user in ("U0ANA", "U0BEN", "U0ANA"):
        await click(doubted, "resend", user=user)
    await until(lambda: any("Second try: ✅ Delivered" in text for text in doubted.replies()))
    assert len(doubted.bubbles()) == 1
    await until(lambda: sum("has already sent it again" in e.text for e in doubted.slack.ephemerals) == 2)


async def test_a_click_in_vain_is_answered_in_a_dm_where_private_answers_cannot_be_reached(doubted: Stage) -> None:
    await click(doubted, "leave")
    await until(lambda: any("left it as it is" in text for text in doubted.replies()))
    doubted.slack.base_url = "http://127.0.0.1:1"  # hooks.slack.com, behind a firewall
    await click(doubted, "resend", user="U0BEN")
    told = await until(lambda: next(iter(doubted.roots("D0BOTU0BEN")), None))
    assert told.text == "About your click. <@U0ANA> has already left it as it is, so nothing more was done."
    assert doubted.bubbles() == []


async def test_what_a_click_came_to_is_told_after_a_restart(doubted: Stage) -> None:
    await click(doubted, "leave")
    await until(lambda: any("left it as it is" in text for text in doubted.replies()))
    doubted.slack.base_url = "http://127.0.0.1:1"
    await click(doubted, "resend", user="U0BEN")
    await doubted.stop()
    assert doubted.roots("D0BOTU0BEN") == []
    await doubted.start()
    told = await until(lambda: next(iter(doubted.roots("D0BOTU0BEN")), None))
    assert "so nothing more was done" in told.text


async def test_leaving_it_after_sending_again_changes_nothing(doubted: Stage) -> None:
    await click(doubted, "resend")
    await click(doubted, "leave", user="U0BEN")
    await until(lambda: any("already sent it again" in e.text for e in doubted.slack.ephemerals))
    await until(lambda: any("Second try: ✅ Delivered" in text for text in doubted.replies()))


async def test_late_evidence_after_sending_again_is_told_honestly(open_stage: Opened) -> None:
    stage: Stage = await open_stage(doubt_window=0.6)
    stage.sendblue.faults.lose_callbacks = stage.sendblue.faults.drop_after_accept = True
    stage.sendblue.faults.list_lag = 60
    await stage.text()
    await until(lambda: stage.roots() and reply_with(stage, "Please decide"))
    stage.sendblue.faults.lose_callbacks = stage.sendblue.faults.drop_after_accept = False
    await click(stage, "resend")
    await until(lambda: any("Second try: ✅ Delivered" in text for text in stage.replies()))
    await stage.sendblue.report(stage.bubbles()[0].handle, "DELIVERED")
    await until(lambda: any("The first try went out too" in text for text in stage.replies()))
    assert len(stage.bubbles()) == 2


async def test_evidence_before_the_click_makes_the_click_vain(doubted: Stage) -> None:
    assert doubted.app is not None
    call = next(call for call in doubted.sendblue.calls if call.method == "POST /api/send-message")
    path = call.params["status_callback"].removeprefix(doubted.settings.public_url)
    await doubted.callback({"message_handle": "h-9", "status": "DELIVERED"}, path=path)
    await until(lambda: any("Delivered after all" in text for text in doubted.replies()))
    await click(doubted, "resend")
    await until(lambda: any("nothing to decide any more" in e.text for e in doubted.slack.ephemerals))
    assert doubted.bubbles() == []


async def test_what_was_not_sent_for_now_can_be_tried_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.services.sending.MOST_TRIES", 1)
    stage.sendblue.faults.rate_limited = True
    await stage.text()
    await until(lambda: stage.roots() and reply_with(stage, "rate limit"))
    stage.sendblue.faults.rate_limited = False
    await click(stage, "resend", words="rate limit")
    await until(lambda: any("Second try: ✅ Delivered" in text for text in stage.replies()))
    assert len(stage.bubbles()) == 1


async def test_what_was_refused_for_good_offers_no_button(stage: Stage) -> None:
    stage.sendblue.faults.opted_out = True
    await stage.text()
    reply = await until(lambda: stage.roots() and reply_with(stage, "opted out"))
    assert [block["type"] for block in reply.blocks] == ["section"]


@pytest.mark.parametrize("value", ["nonsense", "", "0" * 32])
async def test_a_made_up_click_does_nothing(doubted: Stage, value: str) -> None:
    reply = reply_with(doubted, "Please decide")
    assert reply is not None
    answer = await doubted.slack.click("C0GENERAL", reply.ts, "resend", value)
    assert answer.status == 200
    await until(lambda: any("don't know this message" in e.text for e in doubted.slack.ephemerals))
    assert doubted.bubbles() == []
