"""A process that is told to stop, and what it leaves in its log."""

import asyncio
from collections.abc import Callable

from tests.chaos.conftest import Ruin


async def test_a_stop_in_the_middle_loses_nothing_and_is_quick(ruin: Ruin, judge: Callable[[Ruin], None]) -> None:
    await ruin.bot.start()
    for number in range(5):
        await ruin.ledger.type(f"Text {number} before the stop")
    loop = asyncio.get_running_loop()
    before = loop.time()
    await ruin.bot.stop()
    assert loop.time() - before < 10
    await ruin.bot.start()
    await ruin.end()
    judge(ruin)


async def test_the_process_logs_nothing_private_even_when_talkative(ruin: Ruin) -> None:
    await ruin.bot.start()
    await ruin.text("A secret between us")
    await ruin.ledger.type("Another secret")
    await ruin.end()
    said = ruin.bot.said
    assert "request_accepted" in said
    token = ruin.bubbles()[0].status_callback.rpartition("/")[2]
    number = ruin.ledger.promises[0].number.removeprefix("+1")
    for private in ("A secret between us", "Another secret", "4155552671", "555-2671", number, token):
        assert private not in said
    for secret in ("signing-secret", "xoxb-1-test-token", "key-secret-1", "callback-secret-1"):
        assert secret not in said
