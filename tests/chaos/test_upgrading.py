"""From the released version to this one, at work and under kill."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.storage.database import open_database
from bot.storage.schema import bring_up
from tests.chaos.books import ask
from tests.chaos.conftest import OpenRuin, Ruin
from tests.chaos.leases import end_of_lease
from tests.chaos.released import ReleasedBot, released
from tests.conftest import until

__all__ = ["released"]  # a fixture


def migrate(url: str) -> None:
    bring_up(open_database(url))


@pytest.mark.parametrize("engine", ["postgresql"])
async def test_an_old_process_that_meets_the_new_schema_stores_nothing_and_says_so(
    open_ruin: OpenRuin, judge: Callable[[Ruin], None], released: Path
) -> None:
    ruin = await open_ruin("serve", "serve")
    old, new = ReleasedBot.of(ruin.bots[0], released), ruin.bots[1]
    ruin.router.bots = ruin.bots = [old, new]
    old.migrate()
    await old.start()
    await ruin.ledger.type("Delivered before")
    await until(lambda: not ruin.ledger.unsettled(), within=20)

    ruin.sendblue.faults.lose_callbacks = True  # none comes before the new schema
    new_schema = asyncio.Event()

    async def upgrade() -> None:
        await asyncio.to_thread(migrate, ruin.database_url)
        new_schema.set()

    ruin.trap.kill = upgrade
    ruin.trap.set("/api/send-message", after=True)  # Sendblue has it, and the answer meets the new schema
    under_way = await ruin.ledger.type("Under way meanwhile")
    assert under_way.given
    await asyncio.wait_for(new_schema.wait(), 30)
    assert (await ruin.ledger.type("Typed to the old one")).refused
    [_, bubble] = ruin.bubbles()
    address = bubble.status_callback.removeprefix(ruin.url)
    assert (await ruin.callback({"status": "DELIVERED"}, path=address)).status_code == 503
    stored = "SELECT count(*), max(delivery) FROM sends WHERE text <> 'Delivered before'"
    assert ask(ruin.database_url, stored) == [(1, 10)]  # nothing of what it learnt or was told
    ruin.sendblue.faults.lose_callbacks = False
    await old.kill()
    end_of_lease(ruin.database_url)
    await new.start()
    await ruin.end()
    judge(ruin)
    assert any("We don't know yet" in reply for reply in ruin.replies())


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_a_released_database_is_brought_up_under_kill(
    open_ruin: OpenRuin, judge: Callable[[Ruin], None], released: Path, seed: int
) -> None:
    """Killed in the middle of its work, then again and again while this version takes its database over."""
    dice = random.Random(seed)
    ruin = await open_ruin("serve", step=0.15)
    [new], old = ruin.bots, ReleasedBot.of(ruin.bot, released)
    ruin.router.bots = ruin.bots = [old]
    old.migrate()
    await old.start()
    for number in range(12):
        await ruin.ledger.type(f"Text {number} to the old one", channel=dice.choice(("C0GENERAL", "C0RANDOM")))
        await asyncio.sleep(dice.uniform(0, 0.1))
    await ruin.kill()
    ruin.router.bots = ruin.bots = [new]
    if ruin.database_url.startswith("postgres"):
        await asyncio.to_thread(migrate, ruin.database_url)
    for _ in range(6):
        new.launch()
        await asyncio.sleep(dice.uniform(0, 0.5))
        await ruin.kill()
    await ruin.revive()
    await ruin.ledger.type("A text to the new one")
    await ruin.end(within=60)
    judge(ruin)
