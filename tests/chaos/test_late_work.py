"""Work that is done after its lease: whoever slept must not act on what it once claimed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.app import App
from bot.domain.message import Origin, Request
from tests.conftest import CUSTOMER


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


async def test_a_root_claimed_before_a_long_sleep_is_not_posted_after_it(open_stage: Callable[..., Any]) -> None:
    stage = await open_stage(running=False)
    clock = Clock()
    app = App(stage.settings, clock=clock)
    async with app.open(working=False):
        await app.accepting.accept(Request(CUSTOMER, "Sleep well"), Origin("key", "T0SANDBOX", "C0GENERAL", "U0ANA"))
        sleepers, _ = await app.announcing.claim(10)
        clock.forward(61)
        for _ in range(5):  # another looks for it four times, and posts it
            jobs, _ = await app.announcing.claim(10)
            for job in jobs:
                await job()
            clock.forward(9)
        assert len(stage.roots()) == 1
        for job in sleepers:
            await job()
        assert len(stage.roots()) == 1


async def test_a_text_claimed_before_a_long_sleep_is_not_sent_after_it(open_stage: Callable[..., Any]) -> None:
    stage = await open_stage(running=False)
    clock = Clock()
    app = App(stage.settings, clock=clock)
    async with app.open(working=False):
        await app.accepting.accept(Request(CUSTOMER, "Sleep well"), Origin("key", "T0SANDBOX", "C0GENERAL", "U0ANA"))
        for job in (await app.announcing.claim(10))[0]:
            await job()
        [sleeper], _ = await app.sending.claim(10)
        clock.forward(61)
        assert (await app.sending.claim(10))[0] == []  # another gives it up: in doubt now
        await sleeper()
    assert stage.bubbles() == []
