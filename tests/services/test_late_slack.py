"""A Slack that does what it was asked long after it could say so, or elsewhere."""

import asyncio

import pytest

from tests.conftest import Stage, until


async def test_an_edit_made_after_the_next_one_does_not_stay(stage: Stage) -> None:
    stage.sendblue.faults.stay = "QUEUED"
    await stage.text()
    await until(stage.bubbles)
    stage.slack.faults.late_edit = 1.6  # the next is made after about a second
    handle = stage.bubbles()[0].handle
    await stage.sendblue.report(handle, "SENT")
    await until(lambda: not stage.slack.faults.late_edit)
    await stage.sendblue.report(handle, "DELIVERED")
    await until(lambda: "*Delivered*" in stage.shown())
    await until(lambda: "*Sent*" in stage.shown())  # the late one
    await until(lambda: "*Delivered*" in stage.shown())
    assert len(stage.replies()) <= 2


async def test_news_does_not_wait_for_the_second_edit(stage: Stage) -> None:
    stage.sendblue.faults.stay = "QUEUED"
    await stage.text()
    await until(stage.bubbles)
    stage.slack.faults.late_edit = 0.1
    handle = stage.bubbles()[0].handle
    await stage.sendblue.report(handle, "SENT")
    await until(lambda: "*Sent*" in stage.shown())
    await until(lambda: sum(call.method == "chat.update" for call in stage.slack.calls) == 2)
    await stage.sendblue.report(handle, "DELIVERED")
    await until(lambda: any("Delivered" in text for text in stage.replies()), within=1)


async def test_a_post_made_after_it_was_looked_for_twice_is_found(stage: Stage) -> None:
    stage.slack.faults.late_post = 1.7  # looked for after one second, and soon after that
    await stage.text()
    await until(lambda: "Delivered" in stage.shown(), within=15)
    await asyncio.sleep(0.5)
    assert len(stage.roots()) == len(stage.bubbles()) == 1


@pytest.mark.parametrize("channel", ["C0GENERAL", "G0TEAM"])
async def test_taken_out_of_the_channel_between_a_post_and_the_look_for_it_no_root_stands_twice(
    stage: Stage, channel: str
) -> None:
    stage.slack.faults.lose_answer = 1
    await stage.text(channel=channel)
    await until(lambda: stage.roots(channel))
    stage.slack.kick(channel)
    if channel == "C0GENERAL":  # which lets us in again
        await until(lambda: "Delivered" in stage.shown(channel))
    else:
        await until(lambda: any("Not sent" in e.text for e in stage.slack.ephemerals))
        assert stage.bubbles() == []
    assert len(stage.roots(channel)) == 1


async def test_taken_out_between_a_reply_and_the_look_for_it_the_sender_is_told_directly(stage: Stage) -> None:
    stage.sendblue.faults.stay = "QUEUED"
    await stage.text(channel="G0TEAM")
    await until(stage.bubbles)
    stage.slack.faults.lose_answer = 1
    await stage.sendblue.report(stage.bubbles()[0].handle, "DELIVERED")
    await until(lambda: stage.replies("G0TEAM"))
    stage.slack.kick("G0TEAM")
    await until(lambda: "Delivered" in stage.shown("D0BOTU0ANA"))
    assert len(stage.replies("G0TEAM")) == 1
