"""What the webhook did not bring is found in Sendblue's list, whatever time our clock says it is."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.app import App
from bot.domain.clock import steady_clock
from bot.domain.message import Origin, Request
from tests.conftest import CUSTOMER, Stage, until


@pytest.fixture
def engine() -> str:
    """A server has a clock of its own."""
    return "sqlite"


@pytest.mark.parametrize("hours", [2, -2], ids=["ahead", "behind"])
async def test_answers_are_found_by_a_bot_whose_clock_is_wrong(open_stage: Callable[..., Any], hours: int) -> None:
    stage: Stage = await open_stage(running=False, inbox_channel="C0RANDOM", catch_up_interval=0.5)
    right = steady_clock()
    app = App(stage.settings, clock=lambda: right() + timedelta(hours=hours), settle=timedelta(seconds=0.2))
    async with app.open(working=True):
        for words in ("A table?", "For two", "Thanks"):
            await stage.sendblue.customer_says(CUSTOMER, words)
            await until(lambda words=words: words in stage.shown("C0RANDOM") or words in str(stage.replies("C0RANDOM")))


@pytest.mark.parametrize("hours", [2, -2], ids=["ahead", "behind"])
async def test_words_typed_while_it_was_away_are_read_by_a_bot_whose_clock_is_wrong(
    open_stage: Callable[..., Any], hours: int
) -> None:
    stage: Stage = await open_stage(running=False, thread_replies="ask")
    right = steady_clock()

    def an_app() -> App:
        return App(stage.settings, clock=lambda: right() + timedelta(hours=hours), settle=timedelta(seconds=0.2))

    app = an_app()
    async with app.open(working=True):
        origin = Origin("key", "T0SANDBOX", "C0GENERAL", "U0ANA")
        await app.accepting.accept(Request(CUSTOMER, "Table at eight?"), origin)
        await until(lambda: "Delivered" in stage.shown() or "Sent" in stage.shown())
    reply = await stage.slack.reply("C0GENERAL", stage.root().ts, "Eight works")
    async with an_app().open(working=True):
        await until(lambda: reply.reactions == ["double_vertical_bar"])
