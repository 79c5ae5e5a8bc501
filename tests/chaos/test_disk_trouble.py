"""SQLite on a disk that is full, locked by somebody else, or read-only.

The person reads that nothing was sent, callbacks are asked to come again, and it all goes on when the trouble is over.
"""

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.storage.sqlite import SqliteDatabase, sqlite3
from tests.chaos.books import at_rest
from tests.chaos.conftest import LONG, OpenRuin, Ruin
from tests.conftest import Stage, until


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of two megabytes: an empty database with its journal needs most of the first."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"DISK FULL IS NOT TESTED HERE: mount needs root ({mounted.stderr.strip()})")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Leave not one byte on the disk."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    try:
        yield
    finally:
        filler.unlink()


async def test_on_a_full_disk_the_person_reads_not_sent_and_all_goes_on_when_there_is_room(
    open_ruin: OpenRuin, judge: Callable[[Ruin], None], small_disk: Path
) -> None:
    ruin = await open_ruin(database=f"sqlite:///{small_disk / 'bluethread.db'}")
    ruin.sendblue.faults.stay = "SENT"
    await ruin.bot.start()
    await ruin.ledger.type("A text before")
    await until(lambda: "*Sent*" in ruin.shown() and at_rest(ruin.database_url))
    with full(small_disk):
        promise = await ruin.ledger.type("A text that finds no room")
        assert "Not sent" in promise.answer.text
        assert promise.answer.failure is None
        assert await ruin.sendblue.report(ruin.bubbles()[0].handle, "DELIVERED") == 503
    ruin.sendblue.faults.reset()
    await ruin.ledger.type("A text after")
    assert await ruin.sendblue.report(ruin.bubbles()[0].handle, "DELIVERED") == 200
    await ruin.end(within=6)
    judge(ruin)
    await until_ready(ruin)
    assert "Traceback" not in ruin.bot.said


async def test_on_a_full_disk_the_bot_says_that_it_is_not_ready(open_ruin: OpenRuin, small_disk: Path) -> None:
    ruin = await open_ruin(database=f"sqlite:///{small_disk / 'bluethread.db'}")
    await ruin.bot.start()
    with full(small_disk):
        await ruin.ledger.type("A text that finds no room")
        await asyncio.sleep(1)
        status, why = await ruin.bot.readiness()
        assert status == 503
        assert "database" in why
    await until_ready(ruin)


@pytest.mark.parametrize("step", ["root", "send"] if LONG else ["root"])
async def test_what_was_done_while_the_disk_was_full_is_known_seconds_after(
    open_ruin: OpenRuin, judge: Callable[[Ruin], None], small_disk: Path, step: str
) -> None:
    """A post or a text is under way when the disk fills up: its outcome cannot be stored."""
    ruin = await open_ruin(database=f"sqlite:///{small_disk / 'bluethread.db'}")
    await ruin.bot.start()
    ruin.sendblue.faults.lose_callbacks = True
    filling = full(small_disk)

    async def fill() -> None:
        filling.__enter__()

    ruin.trap.kill = fill
    ruin.trap.set({"root": "/api/chat.postMessage", "send": "/api/send-message"}[step], after=True)
    await ruin.ledger.type("A text under way")
    await until(lambda: ruin.trap.sprung)
    await asyncio.sleep(0.7)
    filling.__exit__(None, None, None)
    await ruin.end(within=5)
    judge(ruin)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the database as an operator's shell can: nobody else reads or writes."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


async def test_while_somebody_locks_the_database_the_bot_says_that_it_is_not_ready(
    open_ruin: OpenRuin, tmp_path: Path
) -> None:
    ruin = await open_ruin()
    await ruin.bot.start()
    with locked(tmp_path / "bluethread.db"):
        status, why = await ruin.bot.readiness()
        assert status == 503
        assert "database" in why
    await until_ready(ruin)


async def until_ready(ruin: Ruin) -> None:
    for _ in range(30):
        if (await ruin.bot.readiness())[0] == 200:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("not ready three seconds after the trouble was over")


@pytest.mark.alone
async def test_while_somebody_locks_the_database_the_person_reads_not_sent_within_three_seconds(
    open_ruin: OpenRuin, judge: Callable[[Ruin], None], tmp_path: Path
) -> None:
    ruin = await open_ruin()
    ruin.sendblue.faults.stay = "SENT"
    await ruin.bot.start()
    await ruin.ledger.type("A text before")
    await until(lambda: "*Sent*" in ruin.shown() and at_rest(ruin.database_url))
    with locked(tmp_path / "bluethread.db"):
        typed = []
        for number in range(4):  # at any moment of the writer's own waiting
            typed.append(asyncio.create_task(ruin.ledger.type(f"Text {number} before a locked door")))
            await asyncio.sleep(0.6)
        callback = asyncio.create_task(ruin.sendblue.report(ruin.bubbles()[0].handle, "DELIVERED"))
        promises = await asyncio.gather(*typed)
        assert await callback == 503
    assert [promise.answer.failure for promise in promises] == [None] * 4
    assert all("Not sent" in promise.answer.text for promise in promises)
    ruin.sendblue.faults.reset()
    await ruin.ledger.type("A text after")
    assert await ruin.sendblue.report(ruin.bubbles()[0].handle, "DELIVERED") == 200
    await ruin.end(within=8)
    judge(ruin)


def only_read(stage: Stage, on: bool) -> None:
    """Make the writer's connection, of which there is one, refuse to write; or not any more."""
    assert stage.app is not None
    assert isinstance(stage.app.database, SqliteDatabase)
    stage.app.database._writing.execute(f"PRAGMA query_only={int(on)}")


async def test_a_read_only_database_takes_nothing_and_goes_on_when_it_is_writable_again(
    open_stage: Callable[..., Any],
) -> None:
    stage: Stage = await open_stage()
    stage.sendblue.faults.stay = "SENT"
    await stage.text("A text before")
    await until(lambda: "*Sent*" in stage.shown() and at_rest(stage.settings.database_url))
    only_read(stage, True)
    answer = await stage.text("A text that cannot be stored")
    assert "Not sent" in answer.text
    body = stage.bubbles()[0].body() | {"status": "DELIVERED"}
    assert (await stage.callback(body)).status_code == 503
    only_read(stage, False)
    assert (await stage.callback(body)).status_code == 200
    stage.sendblue.faults.reset()
    await stage.text("A text after")
    await until(lambda: sum("*Delivered*" in text for text in stage.texts()) == 2)
    assert [bubble.content for bubble in stage.bubbles()] == ["A text before", "A text after"]


async def test_a_callback_of_a_full_disk_is_brought_again_and_taken(open_ruin: OpenRuin, small_disk: Path) -> None:
    ruin = await open_ruin(database=f"sqlite:///{small_disk / 'bluethread.db'}", STALE_AFTER="60")
    ruin.sendblue.faults.stay = "SENT"
    await ruin.bot.start()
    await ruin.ledger.type("A text")
    await until(lambda: "*Sent*" in ruin.shown() and at_rest(ruin.database_url))
    with full(small_disk):
        reading = ruin.sendblue.customer_reads(ruin.bubbles()[0].handle)
        await asyncio.sleep(0.3)
    await reading
    async with aiohttp.ClientSession() as http, http.get(f"{ruin.bot.url}/healthz") as answer:
        assert answer.status == 200
    await until(lambda: "*Read*" in ruin.shown(), within=3)
