"""Words and numbers are kept as long as configured; counts and states stay."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.storage.history import Filter, find_sends
from tests.conftest import Stage, until
from tests.statements import asking

Opened = Callable[..., Any]


async def kept(stage: Stage) -> list[tuple[str, str, str]]:
    assert stage.app is not None
    found = await stage.app.store.read(lambda connection: find_sends(connection, Filter()))
    return [(send.words.text, send.words.recipient, send.known.delivery.name) for send in found]


async def test_what_is_over_and_old_is_blanked_and_still_counted(open_stage: Opened) -> None:
    stage: Stage = await open_stage(keep_text_for=0.2)
    await stage.text()
    await until(lambda: "Delivered" in stage.shown())
    assert stage.app is not None
    await until(lambda: True)
    while not await stage.app.sweeping.forget():
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
    assert stage.app is not None
    assert await stage.app.sweeping.forget() == 0
    assert (await kept(stage))[0][0] == "Table at eight?"


async def test_what_is_under_way_is_kept_however_old(open_stage: Opened) -> None:
    stage: Stage = await open_stage(keep_text_for=0.01)
    stage.sendblue.faults.stay = "SENT"
    await stage.text()
    await until(lambda: "Sent" in stage.shown())
    assert stage.app is not None
    assert await stage.app.sweeping.forget() == 0


async def test_late_news_of_a_forgotten_text_is_still_told(open_stage: Opened) -> None:
    stage: Stage = await open_stage(keep_text_for=0.2)
    await stage.text()
    await until(lambda: "Delivered" in stage.shown())
    assert stage.app is not None
    while not await stage.app.sweeping.forget():
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
    assert stage.app is not None
    while not await stage.app.sweeping.forget():
        await stage.get("/healthz")
    await stage.sendblue.report(handle, "ERROR", error_code="4003", error_message="zulu repeats Table at eight?")
    [send] = await stage.app.store.read(lambda connection: find_sends(connection, Filter()))
    assert (send.known.error_code, send.known.error_text) == ("4003", "")


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_words_that_are_forgotten_are_in_no_file_of_the_database(open_stage: Opened, tmp_path: Path) -> None:
    words, number = "Zanzibar at " + "half past eight " * 400, "+14155550123"
    stage: Stage = await open_stage(keep_text_for=0.2)
    await stage.text(words, to=number)
    await until(lambda: "Delivered" in stage.shown())

    def found() -> set[str]:
        whole = b"".join(path.read_bytes() for path in tmp_path.glob("bluethread.db*"))
        return {said for said in ("Zanzibar", "half past", number) if said.encode() in whole}

    assert found() == {"Zanzibar", "half past", number}
    assert stage.app is not None
    while not await stage.app.sweeping.forget():
        await asyncio.sleep(0.05)
    assert found() == set()


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_what_has_been_over_for_longer_than_its_history_is_kept_is_removed_whole(open_stage: Opened) -> None:
    stage: Stage = await open_stage(keep_text_for=0.2, keep_history_for=0.2)
    await stage.text("A text that is over")
    await until(lambda: "Delivered" in stage.shown())
    stage.sendblue.faults.stay = "SENT"
    await stage.text("A text under way")
    await until(lambda: len(stage.texts()) == 2 and "Sent" in stage.texts()[1])
    assert stage.app is not None
    await until(lambda: True)
    while len(await kept(stage)) > 1:
        await stage.app.sweeping.forget()
        await asyncio.sleep(0.05)
    assert [text for text, _, _ in await kept(stage)] == ["A text under way"]
    left = {
        table: [len(await stage.app.store.read(asking(f"SELECT * FROM {table}")))]
        for table in ("threads", "messages", "sends")
    }
    assert left == {"threads": [1], "messages": [1], "sends": [1]}
    strangers = "SELECT 1 FROM reports WHERE send_id NOT IN (SELECT id FROM sends)"
    assert await stage.app.store.read(asking(strangers)) == []
    assert await stage.app.sweeping.forget() == 0
    assert len(await kept(stage)) == 1
