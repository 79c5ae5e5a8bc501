"""A process that is stopped (SIGSTOP) while it holds a claim, past its lease, and wakes up when another took over."""

import asyncio
import time
from collections.abc import Callable

import psycopg
import pytest

from tests.chaos.books import ask
from tests.chaos.conftest import LONG, OpenRuin, Ruin
from tests.chaos.leases import end_of_lease
from tests.conftest import until

STEPS = {
    "root": "/api/chat.postMessage",
    "send": "/api/send-message",
    "reply": "/api/chat.postMessage",
    "edit": "/api/chat.update",
}
IN_TRANSACTION = (
    "SELECT 1 FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
)
SHORT = ("root-after", "send-after")
CASES = [
    pytest.param(step, when == "after", id=f"{step}-{when}")
    for step in STEPS
    for when in ("before", "after")
    if LONG or f"{step}-{when}" in SHORT
]


@pytest.mark.parametrize(("step", "after"), CASES)
@pytest.mark.parametrize("engine", ["postgresql"])
async def test_stopped_in_a_call_and_continued_when_another_has_done_it(
    open_ruin: OpenRuin, judge: Callable[[Ruin], None], step: str, *, after: bool
) -> None:
    ruin = await open_ruin("serve", "serve", step=0.15)
    sleeper, other = ruin.bots
    await sleeper.start()

    async def stop() -> None:
        sleeper.pause()

    ruin.trap.kill = stop
    ruin.trap.set(STEPS[step], 2 if step == "reply" else 1, after=after)
    await ruin.ledger.type("Sleep well")
    await until(lambda: ruin.trap.sprung)

    def is_outside() -> bool:
        """Whether it was stopped outside of its transactions: in one it would keep rows from the other meanwhile."""
        if not ask(ruin.database_url, IN_TRANSACTION):
            return True
        sleeper.resume()
        time.sleep(0.01)  # not awaited: its call must stay without its answer
        sleeper.pause()
        return False

    await until(is_outside)
    end_of_lease(ruin.database_url)
    await other.start()
    await ruin.end()
    sleeper.resume()
    await asyncio.sleep(1.5)  # it wakes up, ends its call, and learns that its claim is gone
    await ruin.end()
    judge(ruin)
    assert (await sleeper.readiness())[0] == 200


@pytest.mark.skipif(not LONG, reason="make chaos: waits for a whole lease, 16 s for sending and 60 s for announcing")
@pytest.mark.parametrize(("table", "lease"), [("sends", 16), ("threads", 61)])
@pytest.mark.parametrize("engine", ["postgresql"])
async def test_stopped_between_claim_and_call_for_a_whole_lease(
    open_ruin: OpenRuin, judge: Callable[[Ruin], None], table: str, lease: float
) -> None:
    """The commit of the claim is made slow, so that the process can be stopped before it hears of it."""
    ruin = await open_ruin("serve", "serve")
    sleeper, other = ruin.bots
    await sleeper.start()
    slow_commit_of_a_claim(ruin.database_url, table)
    await ruin.ledger.type("Sleep well")
    committing = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
    await until(lambda: ask(ruin.database_url, committing))
    sleeper.pause()
    await asyncio.sleep(1)
    ask(ruin.database_url, f"DROP TRIGGER slow ON {table}")
    await asyncio.sleep(lease)
    await other.start()
    await ruin.end(within=30)
    sleeper.resume()
    await asyncio.sleep(2)
    await ruin.end()
    judge(ruin)


@pytest.mark.skipif(not LONG, reason="make chaos: waits for a whole lease")
@pytest.mark.parametrize("engine", ["postgresql"])
async def test_stopped_between_two_calls_of_one_step_for_a_whole_lease(
    open_ruin: OpenRuin, judge: Callable[[Ruin], None]
) -> None:
    """Slack has said who asks for the text; the root itself is the next call, and its claim is long gone."""
    ruin = await open_ruin("serve", "serve")
    sleeper, other = ruin.bots
    await sleeper.start()

    async def stop() -> None:
        sleeper.pause()

    ruin.trap.kill = stop
    ruin.trap.set("/api/users.info", after=True)
    await ruin.ledger.type("Sleep well")
    await until(lambda: ruin.trap.sprung)
    await asyncio.sleep(61)
    await other.start()
    await ruin.end()
    sleeper.resume()
    await asyncio.sleep(2)
    await ruin.end()
    judge(ruin)


def slow_commit_of_a_claim(url: str, table: str) -> None:
    """Make the commit of whatever begins a send or a post last most of a second."""
    begun = {"sends": "NEW.delivery = 10", "threads": "NEW.posting IS NOT NULL AND OLD.posting IS NULL"}[table]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_sleep(0.8); RETURN NULL; END $$"
        )
        connection.execute(
            f"CREATE CONSTRAINT TRIGGER slow AFTER UPDATE ON {table} DEFERRABLE INITIALLY DEFERRED "
            f"FOR EACH ROW WHEN ({begun}) EXECUTE FUNCTION slowly()"
        )
