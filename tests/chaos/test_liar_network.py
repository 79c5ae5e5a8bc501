"""A network between the bot and everybody else that loses, delays, repeats and cuts what passes."""

import asyncio
import random
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest

from tests.chaos.conftest import LONG, OpenRuin, Ruin
from tests.chaos.proxy import Liar

MESSAGES = 100 if LONG else 20
ENGINES = ("sqlite", "postgresql") if LONG else ("sqlite",)


@pytest.mark.parametrize("engine", ENGINES)
async def test_through_a_lying_network_every_text_goes_out_once_and_is_told_right(
    open_ruin: OpenRuin, judge: Callable[[Ruin], None], seed: int
) -> None:
    dice = random.Random(seed)
    ruin = await open_ruin()
    ruin.sendblue.step = 0.1
    async with AsyncExitStack() as stack:

        async def lying(target: str, *, repeats: float = 0) -> Liar:
            liar = await Liar(target, random.Random(dice.random()), share=0.2, repeats=repeats).open()
            stack.push_async_callback(liar.aclose)
            return liar

        to_slack = await lying(ruin.bot.settings["SLACK_API_URL"])
        to_sendblue = await lying(ruin.bot.settings["SENDBLUE_API_URL"])
        to_bot = await lying(ruin.url, repeats=0.3)
        ruin.bot.settings = {
            **ruin.bot.settings,
            "SLACK_API_URL": f"{to_slack.url}/api/",
            "SENDBLUE_API_URL": to_sendblue.url,
            "PUBLIC_URL": to_bot.url,
        }
        ruin.slack.app_url = f"{to_bot.url}/slack/events"
        await ruin.bot.start()
        for number in range(MESSAGES):
            await ruin.ledger.type(f"Text {number} through lies", channel=dice.choice(("C0GENERAL", "C0RANDOM")))
            await asyncio.sleep(dice.uniform(0, 0.1))
        await asyncio.sleep(2)
        for liar in (to_slack, to_sendblue, to_bot):
            assert liar.met
            liar.share = 0
        await ruin.end(within=60)
    judge(ruin)
