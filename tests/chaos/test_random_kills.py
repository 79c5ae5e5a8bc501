"""SIGKILL at any instant, again and again, under a stream of commands, typed words, clicks and callbacks."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.slack.questions import KEEP, SEND
from tests.chaos.conftest import LONG, WEBHOOK_SECRET, OpenRuin, Ruin
from tests.chaos.leases import end_of_lease, end_of_silence
from tests.chaos.promises import Promise
from tests.chaos.proxy import Liar, lies

KILLS = int(os.environ.get("CHAOS_KILLS", "300" if LONG else "6"))
ASKED = "G0TEAM"  # where what is typed is asked about; elsewhere it is sent
CHANNELS = ("C0GENERAL", "C0RANDOM", ASKED)
TYPING = {"THREAD_REPLIES": "send", "HELD_FOR": "20", "CHAOS_BACK": "0.02"}


async def test_killed_at_random_on_sqlite(open_ruin: OpenRuin, judge: Callable[[Ruin], None], seed: int) -> None:
    await kill_at_random(await open_ruin("serve", step=0.15, **TYPING), judge, seed)


@pytest.mark.parametrize("engine", ["postgresql"])
async def test_three_processes_killed_at_random_on_postgresql(
    open_ruin: OpenRuin, judge: Callable[[Ruin], None], seed: int
) -> None:
    await kill_at_random(await open_ruin("serve", "serve", "work", step=0.15, **TYPING), judge, seed)


@pytest.mark.skipif(not LONG, reason="make chaos: three processes are the harder case")
@pytest.mark.parametrize("engine", ["postgresql"])
async def test_one_process_killed_at_random_on_postgresql(
    open_ruin: OpenRuin, judge: Callable[[Ruin], None], seed: int
) -> None:
    await kill_at_random(await open_ruin("serve", step=0.15, **TYPING), judge, seed)


@pytest.mark.skipif(not LONG, reason="make chaos")
@pytest.mark.parametrize(
    ("engine", "processes"), [("sqlite", ("serve",)), ("postgresql", ("serve", "serve", "work"))], ids=("1", "3")
)
async def test_killed_at_random_behind_a_lying_network(
    open_ruin: OpenRuin, judge: Callable[[Ruin], None], seed: int, processes: tuple[str, ...]
) -> None:
    ruin = await open_ruin(*processes, step=0.15, **TYPING)
    async with lies(ruin, random.Random(seed), share=0.1) as liars:
        await kill_at_random(ruin, judge, seed, patience=10, heal=liars)


async def kill_at_random(
    ruin: Ruin,
    judge: Callable[[Ruin], None],
    seed: int,
    *,
    patience: float = 3,
    heal: Sequence[Liar] = (),
) -> None:
    """Kill, then compare. patience: see `leases_end`. heal: whose lies end before the end."""
    dice = random.Random(seed)
    ruin.slack.faults.share_again = dice.random() < 0.5
    ruin.sendblue.webhook_url, ruin.sendblue.webhook_secret = f"{ruin.url}/sendblue/webhook", WEBHOOK_SECRET
    await asyncio.gather(*(bot.start() for bot in ruin.bots))
    while "I ask" not in (await ruin.slack.type("/imessage replies ask", channel=ASKED)).text:
        await asyncio.sleep(0.1)
    async with leases_end(ruin, patience):
        async with typing(ruin, random.Random(dice.random())):
            while ruin.kills < KILLS:
                await asyncio.sleep(dice.uniform(0, 0.6))
                victim = dice.choice(ruin.bots)
                await victim.kill()
                ruin.kills += 1
                if dice.random() < 0.2:  # once more, while it starts
                    victim.launch()
                    await asyncio.sleep(dice.uniform(0, 0.3))
                    await victim.kill()
                    ruin.kills += 1
                await victim.start()
        for bot in ruin.bots:
            await bot.kill()
        end_of_silence(ruin.database_url)
        for liar in heal:
            liar.share = 0
        await asyncio.gather(*(bot.start() for bot in ruin.bots))
        await ruin.end(within=60)  # what no event brought is read back first, thread after thread, and then held
    judge(ruin)


@asynccontextmanager
async def typing(ruin: Ruin, dice: random.Random) -> AsyncIterator[None]:
    """Have commands and words typed, with and without files, answered and clicked meanwhile."""

    async def type_on() -> None:
        number = 0
        while not over.is_set():  # not a cancellation: what was typed must be known
            ruin.sendblue.faults.duplicate_callbacks = dice.random() < 0.3
            ruin.slack.faults.repeat_events, ruin.slack.faults.twin_events = dice.random() < 0.2, dice.random() < 0.2
            ruin.slack.faults.delay_events = dice.choice((0, 0, 0, 0.5))
            ruin.slack.faults.late_share = dice.choice((0, 0, 0, 2.0))
            promises = ruin.ledger.promises
            earlier = dice.choice(promises) if promises and dice.random() < 0.3 else None  # a conversation goes on
            where = {"channel": earlier.channel, "number": earlier.number} if earlier else {}
            await ruin.ledger.type(f"Text {number} of many", **({"channel": dice.choice(CHANNELS)} | where))
            number += 1
            given = [promise for promise in promises if promise.given]
            if given and dice.random() < 0.4:
                ruin.sendblue.faults.lose_inbound = dice.random() < 0.3
                ruin.sendblue.faults.duplicate_inbound = dice.random() < 0.3
                customer, words = dice.choice(given).number, f"answer {number} of a customer."
                count = dice.choice((0, 0, 0, 1, 1, 2))
                said = ruin.files.from_phone(customer, words, count) if count else ruin.ledger.answer(customer, words)
                answering.append(asyncio.create_task(said))
            if given and dice.random() < 0.6 and (typed := in_thread(dice.choice(given))):
                answering.append(asyncio.create_task(typed))
            await asyncio.sleep(dice.uniform(0, 0.4))

    def in_thread(promise: Promise) -> Coroutine[Any, Any, object] | None:
        """Return the typing of a colleague in a customer's thread, if that is open."""
        posts = ruin.ledger.roots().get(promise.text[:40], [])
        root = next((post for post in posts if post.thread_ts is None), None)
        if root is None:
            return None
        kind = dice.choice(("reply", "reply", "note")) if promise.channel != ASKED else "held"
        click = dice.choice((SEND, SEND, KEEP, "")) if kind == "held" else ""
        files = [ruin.files.photo() for _ in range(dice.choice((0, 0, 0, 1, 1, 2)))]
        files += [ruin.files.program()] if files and dice.random() < 0.2 else []
        return ruin.colleagues.type(root, promise.number, dice.choice(("U0ANA", "U0BEN")), kind, click, files)

    over, answering = asyncio.Event(), list[asyncio.Task[Any]]()
    task = asyncio.create_task(type_on())
    try:
        yield
    finally:
        over.set()
        await task
        await asyncio.gather(*answering)
    again = ruin.slack.faults.share_again
    ruin.sendblue.faults.reset()
    ruin.slack.faults.reset()
    ruin.slack.faults.share_again = again


@asynccontextmanager
async def leases_end(ruin: Ruin, patience: float) -> AsyncIterator[None]:
    """On PostgreSQL, have the claims of the dead come back after `patience` seconds instead of sixty.

    The living need less for their calls to these neighbours, so none of their claims is that old.
    """
    if ruin.database_url.startswith("sqlite"):
        yield
        return

    async def end_them() -> None:
        while True:
            await asyncio.sleep(0.5)
            await asyncio.to_thread(end_of_lease, ruin.database_url, age=patience, soon=3)

    task = asyncio.create_task(end_them())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
