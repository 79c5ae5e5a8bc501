"""Words and numbers are kept as long as configured; counts and states stay."""

import asyncio
from collections.abc import Callable
from typing import Any

from bot.storage.history import Filter, find_messages
from tests.conftest import Stage, until

Opened = Callable[..., Any]


async def kept(stage: Stage) -> list[tuple[str, str, str]]:
    assert stage.house is not None
    found = await stage.house.store.read(lambda connection: find_messages(connection, Filter()))
    return [(message.text, message.recipient, message.delivery.name) for message in found]


async def test_what_is_over_and_old_is_blanked_and_still_counted(open_stage: Opened) -> None:
    stage: Stage = await open_stage(keep_text_for=0.2)
    await stage.text()
    await until(lambda: "Delivered" in stage.shown())
    assert stage.house is not None
    await until(lambda: True)
    while not await stage.house.sweeping.forget():
        await stage.get("/healthz")
    assert await kept(stage) == [("", "", "DELIVERED")]
    assert "text deleted" in (await stage.slack.type("/imessage status")).text


async def test_what_three_in_the_night_has_missed_is_forgotten_at_the_next_start(open_stage: Opened) -> None:
    stage: Stage = await open_stage(keep_text_for=0.2)
    await stage.text()
    await until(lambda: "Delivered" in stage.shown())
    await asyncio.sleep(0.3)
    await stage.restart()
    for _ in range(100):
        if await kept(stage) == [("", "", "DELIVERED")]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(await kept(stage))


async def test_what_is_not_over_or_not_old_is_kept(open_stage: Opened) -> None:
    stage: Stage = await open_stage(keep_text_for=3600)
    await stage.text()
    await until(lambda: "Delivered" in stage.shown())
    assert stage.house is not None
    assert await stage.house.sweeping.forget() == 0
    assert (await kept(stage))[0][0] == "Table at eight?"


async def test_what_is_under_way_is_kept_however_old(open_stage: Opened) -> None:
    stage: Stage = await open_stage(keep_text_for=0.01)
    stage.sendblue.faults.stay = "SENT"
    await stage.text()
    await until(lambda: "Sent" in stage.shown())
    assert stage.house is not None
    assert await stage.house.sweeping.forget() == 0


async def test_late_news_of_a_forgotten_text_is_still_told(open_stage: Opened) -> None:
    stage: Stage = await open_stage(keep_text_for=0.2)
    await stage.text()
    await until(lambda: "Delivered" in stage.shown())
    assert stage.house is not None
    while not await stage.house.sweeping.forget():
        await stage.get("/healthz")
    await stage.sendblue.report(stage.bubbles()[0].handle, "READ")
    await until(lambda: any("Read" in text for text in stage.replies()))
    assert "Table at eight?" in stage.shown()  # what stands in Slack is not ours to take away


async def test_a_late_explanation_of_a_forgotten_text_is_not_kept(open_stage: Opened) -> None:
    stage: Stage = await open_stage(keep_text_for=0.2)
    stage.sendblue.faults.stay = "SENT"
    await stage.text()
    await until(lambda: "Sent" in stage.shown())
    handle = stage.bubbles()[0].handle
    await stage.sendblue.report(handle, "ERROR", error_code="4002", error_message="first")
    assert stage.house is not None
    while not await stage.house.sweeping.forget():
        await stage.get("/healthz")
    await stage.sendblue.report(handle, "ERROR", error_code="4003", error_message="zulu repeats Table at eight?")
    [message] = await stage.house.store.read(lambda connection: find_messages(connection, Filter()))
    assert (message.error_code, message.error_text) == ("4003", "")
