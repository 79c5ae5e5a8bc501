"""Slack away, slow, busy or forgetful: nothing lost, nothing twice."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Stage, until

Opened = Callable[..., Any]


async def test_while_slack_is_down_nothing_leaves_and_afterwards_everything_does(stage: Stage) -> None:
    stage.slack.faults.down = True
    await stage.text()
    await until(lambda: len(stage.slack.calls) >= 2)
    assert stage.bubbles() == []
    stage.slack.faults.down = False
    await until(lambda: any("Delivered" in text for text in stage.replies()), within=15)
    assert len(stage.bubbles()) == len(stage.roots()) == 1


@pytest.mark.parametrize("fault", ["rate_limited", "html_502", "down"])
async def test_news_of_a_bad_hour_is_told_once_it_is_over(stage: Stage, fault: str) -> None:
    stage.sendblue.faults.stay = "QUEUED"
    await stage.text()
    await until(stage.bubbles)
    setattr(stage.slack.faults, fault, True)
    handle = stage.bubbles()[0].handle
    for word in ("SENT", "DELIVERED", "READ"):
        await stage.sendblue.report(handle, word)
    await until(lambda: sum(call.status != 200 for call in stage.slack.calls) >= 1)
    setattr(stage.slack.faults, fault, False)
    await until(lambda: any("Read" in text for text in stage.replies()), within=20)
    assert len(stage.replies()) <= 2
    assert len(stage.roots()) == 1


async def test_a_root_whose_answer_is_lost_is_found_not_repeated(stage: Stage) -> None:
    stage.slack.faults.lose_answer = 1
    await stage.text()
    await until(lambda: any("Delivered" in text for text in stage.replies()), within=15)
    assert len(stage.roots()) == len(stage.bubbles()) == 1
    await until(lambda: "Delivered" in stage.shown())


async def test_a_reply_whose_answer_is_lost_is_found_not_repeated(stage: Stage) -> None:
    stage.sendblue.faults.stay = "QUEUED"
    await stage.text()
    await until(stage.bubbles)
    stage.slack.faults.lose_answer = 1
    await stage.sendblue.report(stage.bubbles()[0].handle, "DELIVERED")
    await until(lambda: "Delivered" in stage.shown(), within=15)
    assert len(stage.replies()) == 1


async def test_where_history_may_not_be_read_a_missing_reply_beats_a_doubled_one(stage: Stage) -> None:
    stage.sendblue.faults.stay = "QUEUED"
    await stage.text()
    await until(stage.bubbles)
    stage.slack.faults.errors["conversations.replies"] = "missing_scope"
    stage.slack.faults.lose_answer = 1
    await stage.sendblue.report(stage.bubbles()[0].handle, "DELIVERED")
    await until(lambda: "Delivered" in stage.shown(), within=15)
    assert len(stage.replies()) == 1


async def test_where_history_may_not_be_read_an_unconfirmed_root_means_not_sent(stage: Stage) -> None:
    stage.slack.faults.errors["conversations.history"] = "missing_scope"
    stage.slack.faults.lose_answer = 1
    await stage.text()
    await until(lambda: any("did not confirm" in e.text for e in stage.slack.ephemerals))
    assert stage.bubbles() == []
    assert len(stage.roots()) == 1


async def test_a_busy_channel_does_not_slow_another(open_stage: Opened) -> None:
    stage = await open_stage(slack_post_interval=0.5)
    for _ in range(20):
        await stage.text()
    await stage.text(to="+14155550132", channel="G0TEAM")
    await until(lambda: any("Delivered" in text for text in stage.replies("G0TEAM")), within=3)
    assert len(stage.roots()) < 20


async def test_posts_keep_the_channels_pace(open_stage: Opened) -> None:
    stage = await open_stage(slack_post_interval=0.25)
    stage.slack.post_interval = 0.25
    for _ in range(4):
        await stage.text()
    await until(lambda: sum("Delivered" in text for text in stage.replies()) == 4, within=20)
    assert not [call for call in stage.slack.calls if call.status == 429]
