"""A wall clock that jumps: nothing is sent twice, nothing is said twice, nobody stops asking."""

import asyncio
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from bot.domain import clock as clock_module
from bot.storage.sqlite import sqlite3
from tests.chaos.conftest import LONG, OpenRuin, Ruin
from tests.conftest import Stage, until

TIMES = {
    "threads": ("posting_since", "due_at"),
    "messages": ("said_at",),
    "sends": ("accepted_at", "since", "attempted_at", "send_at", "poll_at"),
    "reports": ("at", "received_at"),
    "pacing": ("next_at",),
}


def shift_all_times(url: str, by: timedelta) -> None:
    """Make the database look as if it had been written by a process whose clock was ahead (or behind) by so much."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        for table, columns in TIMES.items():
            for column in columns:
                rows = connection.execute(f"SELECT rowid, {column} FROM {table} WHERE {column} IS NOT NULL").fetchall()
                moved = [(str(datetime.fromisoformat(at) + by), row) for row, at in rows]
                connection.executemany(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", moved)


async def live_once(ruin: Ruin) -> None:
    """Three texts that went quiet, and one whose process was killed while its root was being posted."""
    await ruin.bot.start()
    ruin.sendblue.faults.patch({"stay": "SENT", "lose_callbacks": True})
    for number in range(3):
        await ruin.ledger.type(f"Text {number}, on its way for long")
    await until(lambda: sum("*Sent*" in root.text for root in ruin.roots()) == 3)
    ruin.trap.set("/api/chat.postMessage", after=True)
    await ruin.ledger.type("A root without an answer")
    await until(lambda: ruin.trap.sprung)
    for bubble in ruin.bubbles():
        bubble.status = "DELIVERED"  # and nobody calls back: only asking finds it out
    ruin.sendblue.faults.reset()


async def test_after_a_clock_set_forward_between_two_lives_nothing_is_repeated(
    open_ruin: OpenRuin, judge: Callable[[Ruin], None]
) -> None:
    ruin = await open_ruin()
    await live_once(ruin)
    shift_all_times(ruin.database_url, timedelta(hours=-2))
    await ruin.bot.start()
    await ruin.ledger.type("A text after the jump")
    await ruin.end(within=10)
    judge(ruin)


async def test_after_a_clock_set_back_between_two_lives_polling_goes_on(open_ruin: OpenRuin) -> None:
    ruin = await open_ruin()
    await live_once(ruin)
    shift_all_times(ruin.database_url, timedelta(minutes=50))
    await ruin.bot.start()
    await until(lambda: sum("*Delivered*" in root.text for root in ruin.roots()) >= 3, within=3)


async def test_after_a_clock_set_back_between_two_lives_the_channel_is_not_mute(open_ruin: OpenRuin) -> None:
    ruin = await open_ruin()
    await live_once(ruin)
    shift_all_times(ruin.database_url, timedelta(minutes=10))
    await ruin.bot.start()
    await ruin.ledger.type("A text after the jump")
    await until(lambda: "A text after the jump" in ruin.ledger.roots(), within=3)


async def test_after_a_clock_set_back_between_two_lives_no_root_is_posted_twice(open_ruin: OpenRuin) -> None:
    ruin = await open_ruin()
    await live_once(ruin)
    shift_all_times(ruin.database_url, timedelta(hours=2))
    await ruin.bot.start()
    about = "A root without an answer"
    await until(lambda: any("*Delivered*" in root.text for root in ruin.ledger.roots()[about]), within=10)
    assert len(ruin.ledger.roots()[about]) == 1


class Jumping(datetime):
    """The wall clock's time, as far off as `ahead` says."""

    ahead = timedelta(0)

    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + cls.ahead


@pytest.mark.parametrize("hours", [-1, 1], ids=["back an hour", "forward an hour"])
async def test_a_wall_clock_that_jumps_during_life_does_not_stop_polling(
    open_stage: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    scheduler = ("apscheduler.schedulers.base", "apscheduler.triggers.interval")
    for module in ("bot.domain.clock", "handlers.jobs", *scheduler):
        monkeypatch.setattr(f"{module}.datetime", Jumping)
    monkeypatch.setattr(Jumping, "ahead", timedelta(0))
    stage: Stage = await open_stage()
    stage.sendblue.faults.patch({"stay": "SENT", "lose_callbacks": True})
    await stage.text()
    await until(lambda: "*Sent*" in stage.shown())
    monkeypatch.setattr(Jumping, "ahead", timedelta(hours=hours))
    stage.bubbles()[0].status = "DELIVERED"
    await until(lambda: "*Delivered*" in stage.shown(), within=7)  # the watch over the scheduler takes seconds
    assert len(stage.bubbles()) == 1
    assert (await stage.get("/readyz")).status_code == 200


def test_the_bots_clock_goes_on_when_the_walls_jumps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock_module, "datetime", Jumping)
    monkeypatch.setattr(Jumping, "ahead", timedelta(0))
    clock = clock_module.steady_clock()
    before = clock()
    monkeypatch.setattr(Jumping, "ahead", timedelta(hours=-5))
    assert timedelta(0) <= clock() - before < timedelta(seconds=5)
    assert abs(clock() - datetime.now(UTC)) < timedelta(seconds=5)


def set_database_clock(url: str, ahead: str) -> None:
    """Give a PostgreSQL database a clock of its own, as a machine's may be: this much ahead of everybody else's.

    Before the first connection; from then on it may be set again.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS odd")
        connection.execute(
            "CREATE OR REPLACE FUNCTION odd.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS "
            f"$$ SELECT pg_catalog.clock_timestamp() + interval '{ahead}' $$"
        )
        name = connection.info.dbname
        connection.execute(f'ALTER DATABASE "{name}" SET search_path = odd, pg_catalog, public')


@pytest.mark.skipif(not LONG, reason="make chaos")
@pytest.mark.parametrize("ahead", ["10 minutes", "-10 minutes"])
@pytest.mark.parametrize("engine", ["postgresql"])
async def test_where_the_databases_clock_is_wrong_lost_answers_are_found_all_the_same(
    open_ruin: OpenRuin, judge: Callable[[Ruin], None], ahead: str
) -> None:
    ruin = await open_ruin(step=0.15)
    set_database_clock(ruin.database_url, ahead)
    await ruin.bot.start()
    ruin.slack.faults.lose_answer = 1
    ruin.sendblue.faults.patch({"drop_after_accept": True, "lose_callbacks": True})
    await ruin.ledger.type("Two answers are lost")
    await ruin.end(within=10)
    judge(ruin)


async def start(stage: Stage) -> None:
    await stage.start(int(stage.settings.public_url.rpartition(":")[2]))


@pytest.mark.parametrize("engine", ["postgresql"])
async def test_a_database_clock_that_is_set_back_an_hour_mutes_no_line_and_no_channel(
    open_stage: Callable[..., Any],
) -> None:
    stage: Stage = await open_stage(running=False, slack_post_interval=0.5, sendblue_send_interval=0.5)
    set_database_clock(stage.settings.database_url, "1 hour")
    await start(stage)
    stage.sendblue.faults.patch({"stay": "SENT", "lose_callbacks": True})
    await stage.text("Quiet for an hour")
    await until(lambda: "*Sent*" in stage.shown())
    set_database_clock(stage.settings.database_url, "0 hours")
    stage.sendblue.faults.reset()
    stage.bubbles()[0].status = "DELIVERED"
    await stage.text("A text after it", channel="G0TEAM")
    await stage.text("Another in the same channel")
    await until(lambda: "Delivered" in stage.shown("G0TEAM"))
    await until(lambda: sum("*Delivered*" in root.text for root in stage.roots()) == 2)
    assert len(stage.bubbles()) == 3


def set_wall(monkeypatch: pytest.MonkeyPatch, ahead: timedelta) -> None:
    """Set this machine's clock: what a bot that starts from now on takes for the time."""
    for module in ("bot.domain.clock", "bot.slack.notifier"):
        monkeypatch.setattr(f"{module}.datetime", Jumping)
    monkeypatch.setattr(Jumping, "ahead", ahead)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
@pytest.mark.parametrize("hours", [(0, 1), (1, 0), (0, -1)], ids=str)
async def test_whatever_the_wall_s_clock_says_in_two_lives_a_root_is_found_again(
    open_stage: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, hours: tuple[int, int]
) -> None:
    set_wall(monkeypatch, timedelta(hours=hours[0]))
    stage: Stage = await open_stage(send_within=86400)
    stage.slack.faults.lose_answer = 1
    await stage.text()
    await until(stage.roots)
    await stage.stop()
    set_wall(monkeypatch, timedelta(hours=hours[1]))
    await start(stage)
    await until(lambda: "Delivered" in stage.shown(), within=15)
    assert len(stage.roots()) == len(stage.bubbles()) == 1


async def test_a_text_that_waited_while_the_machine_slept_is_not_sent_hours_late(
    open_stage: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage: Stage = await open_stage(send_within=3600)
    stage.sendblue.faults.rate_limited = True
    await stage.text()
    await until(lambda: any(call.status == 429 for call in stage.sendblue.calls))
    await asyncio.sleep(0.2)  # its next try is due in more than half a second
    real = clock_module.elapsed
    monkeypatch.setattr(clock_module, "elapsed", lambda: real() + 2 * 3600)
    stage.sendblue.faults.rate_limited = False
    await until(lambda: any("a late text may confuse the customer" in text for text in stage.replies()))
    assert stage.bubbles() == []
