"""Callbacks that never come: Sendblue is asked, politely, until it is over."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.services import sweeping
from tests.conftest import CUSTOMER, Stage, until

Opened = Callable[..., Any]


def asked(stage: Stage) -> int:
    return sum(call.method == "GET /api/status" for call in stage.sendblue.calls)


async def test_with_every_callback_lost_the_thread_still_reaches_delivered(stage: Stage) -> None:
    stage.sendblue.faults.lose_callbacks = True
    await stage.text()
    await until(lambda: any("Delivered as iMessage" in text for text in stage.replies()))
    done = asked(stage)
    await stage.text(to="+14155550000")
    await until(lambda: sum("Delivered" in text for text in stage.replies()) == 2)
    assert done <= 3


async def test_the_flat_spelling_of_the_status_answer_is_understood_too(stage: Stage) -> None:
    stage.sendblue.faults.lose_callbacks = stage.sendblue.faults.flat_status = True
    await stage.text()
    await until(lambda: any("Delivered" in text for text in stage.replies()))


async def test_sms_is_recognised_by_asking(stage: Stage) -> None:
    stage.sendblue.faults.lose_callbacks = stage.sendblue.faults.sms = True
    await stage.text()
    await until(lambda: any("Sent as a text message (SMS)" in text for text in stage.replies()))
    assert not any("Waiting for the phone" in text for text in stage.replies()[-1:])


async def test_a_phone_that_stays_off_is_told_after_the_watch_and_asked_about_no_more(open_stage: Opened) -> None:
    stage = await open_stage(watch_for=1.2)
    stage.sendblue.faults.stay = "SENT"
    await stage.text()
    await until(lambda: any("No delivery confirmation after 1 second" in text for text in stage.replies()))
    await until(lambda: "not confirmed" in stage.shown())
    before = asked(stage)
    await stage.sendblue.report(stage.bubbles()[0].handle, "DELIVERED")  # late, and still welcome
    await until(lambda: any("Delivered after all" in text for text in stage.replies()))
    assert asked(stage) == before


async def test_unknown_handles_are_asked_about_less_and_less(open_stage: Opened) -> None:
    stage = await open_stage(repoll_interval=0.05, stale_after=0.1, watch_for=2)
    stage.sendblue.faults.status_404 = stage.sendblue.faults.lose_callbacks = True
    await stage.text()
    await until(lambda: any("No news after" in text for text in stage.replies()))
    assert 2 <= asked(stage) <= 8  # 40 rounds of 0.05 s passed


async def test_a_sendblue_that_does_not_answer_polls_is_asked_again_later(stage: Stage) -> None:
    stage.sendblue.faults.lose_callbacks = True
    await stage.text()
    await until(stage.bubbles)
    stage.sendblue.faults.down = True
    await until(lambda: asked(stage) >= 1)
    stage.sendblue.faults.down = False
    await until(lambda: any("Delivered" in text for text in stage.replies()))


async def test_many_silent_messages_are_asked_about_a_few_at_a_time(open_stage: Opened) -> None:
    stage = await open_stage(repoll_interval=0.1, stale_after=0.2)
    stage.sendblue.faults.lose_callbacks = True
    for number in range(10):
        await stage.text(to=f"{CUSTOMER[:-2]}{number:02}")
    began, before = time.monotonic(), asked(stage)
    await until(lambda: sum("Delivered" in text for text in stage.replies()) == 10, within=20)
    assert asked(stage) - before <= 4 * (time.monotonic() - began) + 4  # of fifty questions in ten seconds at most


async def test_polls_that_nobody_answers_do_not_delay_a_doubt(open_stage: Opened) -> None:
    stage = await open_stage(stale_after=0.2, sendblue_timeout=6)
    stage.sendblue.faults.patch({"lose_callbacks": True, "stay": "SENT", "hang_status": True})
    for number in range(45):  # more than are asked about at once
        await stage.text(to=f"+1415555{number:04}")
    await until(lambda: len(stage.bubbles()) == 45, within=30)
    await until(lambda: len(stage.sendblue.calls) > 45)
    stage.sendblue.faults.drop_after_accept = True
    await stage.text("In doubt", channel="G0TEAM")
    await until(lambda: any("has it" in text or "Sent" in text for text in stage.replies("G0TEAM")), within=5)


async def test_a_doubt_ends_by_the_clock_while_the_list_is_waited_for(
    open_stage: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "_LAST_ANSWERS", timedelta(seconds=0.5))
    stage = await open_stage(doubt_window=0.5, sendblue_timeout=30)
    stage.sendblue.faults.patch({"drop_after_accept": True, "lose_callbacks": True, "hang_list": True})
    await stage.text()
    await until(lambda: any("Send again" in str(reply.blocks) for root in stage.roots() for reply in said(stage, root)))


def said(stage: Stage, root: Any) -> list[Any]:
    return stage.slack.replies("C0GENERAL", root.ts)
