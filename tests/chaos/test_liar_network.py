"""A network between the bot and everybody else that loses, delays, repeats and cuts what passes."""

import asyncio
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.conftest import LONG, OpenRuin, Ruin
from tests.chaos.proxy import LIES, lies

MESSAGES = 100 if LONG else 20
ENGINES = ("sqlite", "postgresql") if LONG else ("sqlite",)


@pytest.mark.parametrize("engine", ENGINES)
async def test_through_a_lying_network_every_text_goes_out_once_and_is_told_right(
    open_ruin: OpenRuin, judge: Callable[[Ruin], None], seed: int
) -> None:
    dice = random.Random(seed)
    ruin = await open_ruin(step=0.1)
    async with lies(ruin, dice) as liars:
        await ruin.bot.start()
        for number in range(MESSAGES):
            await ruin.ledger.type(f"Text {number} through lies", channel=dice.choice(("C0GENERAL", "C0RANDOM")))
            await asyncio.sleep(dice.uniform(0, 0.1))
        await asyncio.sleep(2)
        for liar in liars:
            assert liar.met
            liar.share = 0
        await ruin.end(within=60)
    judge(ruin)


@pytest.mark.parametrize("engine", ENGINES)
async def test_neighbours_that_only_lie_take_little_memory_and_hold_nothing_up_afterwards(
    open_ruin: OpenRuin, judge: Callable[[Ruin], None], seed: int
) -> None:
    dice = random.Random(seed)
    ruin = await open_ruin(step=0.1)
    async with lies(ruin, dice, share=0) as liars:
        await ruin.bot.start()
        for number in range(10):
            await ruin.ledger.type(f"Text {number} before the lies")
        await ruin.end()
        at_rest = most = memory(ruin.bot.pid)
        for liar in liars[:2]:  # on the ways to Slack and to Sendblue
            liar.share, liar.fates = 1.0, LIES
        for number in range(MESSAGES):
            await ruin.ledger.type(f"Text {number} into nothing but lies")
            await asyncio.sleep(0.2)
            most = max(most, memory(ruin.bot.pid))
        for liar in liars:
            liar.share = 0
        await ruin.end(within=60)
    judge(ruin)
    assert most - at_rest < 60 * 1024 * 1024


def memory(pid: int) -> int:
    """Return the bytes that a process holds in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
