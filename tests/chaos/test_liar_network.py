"""A network between the bot and everybody else that loses, delays, repeats and cuts what passes."""

import asyncio
import random
from collections.abc import Callable

import pytest

from tests.chaos.conftest import LONG, OpenRuin, Ruin
from tests.chaos.proxy import lies

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
