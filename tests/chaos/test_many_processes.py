"""Three processes on one PostgreSQL, all alive: one text each, one thread each, and the pace of all together."""

import asyncio
import itertools
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

import aiohttp
import pytest

from tests.chaos.conftest import OpenRuin, Ruin
from tests.conftest import LINE, OTHER_LINE, until

pytestmark = [pytest.mark.alone, pytest.mark.parametrize("engine", ["postgresql"])]

CHANNELS = ("C0GENERAL", "C0RANDOM", "G0TEAM", "D0BOTU0ANA")
LINES = (LINE, OTHER_LINE)
INTERVAL = 0.12
LATE = 0.4  # seconds that a loaded machine may need from taking a slot to the neighbour's door
PARTS = 3


async def test_sixty_commands_in_a_callback_storm_keep_their_promises_their_pace_and_their_order(
    open_ruin: OpenRuin, judge: Callable[[Ruin], None], seed: int
) -> None:
    dice = random.Random(seed)
    pace = {"SLACK_POST_INTERVAL": str(INTERVAL), "SENDBLUE_SEND_INTERVAL": str(INTERVAL)}
    ruin = await open_ruin("serve", "serve", "work", **pace)
    await asyncio.gather(*(bot.start() for bot in ruin.bots))
    async with callbacks_storm(ruin, dice):
        for number in range(60):
            long = number % 15 == 0
            text = f"Text {number} of sixty" + (" and on it goes" * 3000 if long else "")
            where = {"channel": CHANNELS[number % 4], "options": f"--from {LINES[number // 4 % 2]}"}
            await ruin.ledger.type(text, **where, parts=PARTS if long else 1)
        assert all(promise.given for promise in ruin.ledger.promises)
        await ruin.end(within=40)
    judge(ruin)
    for promise in ruin.ledger.promises:
        assert "".join(one.content for one in ruin.ledger.phones()[promise.number]) == promise.text  # parts in order
    for channel, times in post_times(ruin).items():
        keeps_its_pace(times, channel)
    for line, times in send_times(ruin).items():
        keeps_its_pace(times, line)
    sent = [sum(f'"source": "{kind}"' in bot.said for kind in ("send", "callback")) for bot in ruin.bots]
    assert all(sent), "one of the processes had nothing to do"


def post_times(ruin: Ruin) -> dict[str, list[float]]:
    """Return channel → when something was posted there."""
    times: dict[str, list[float]] = defaultdict(list)
    for call in ruin.slack.calls:
        if call.method == "chat.postMessage" and isinstance(call.answer, dict) and call.answer["ok"]:
            times[str(call.params["channel"])].append(call.at)
    return times


def send_times(ruin: Ruin) -> dict[str, list[float]]:
    """Return line → when something was sent from it."""
    times: dict[str, list[float]] = defaultdict(list)
    for call in ruin.sendblue.calls:
        if call.method == "POST /api/send-message":
            times[str(call.params["from_number"])].append(call.at)
    return times


def keeps_its_pace(times: list[float], what: str) -> None:
    """Any n steps take n intervals, but for the little that one call needs longer to its door than another."""
    assert len(times) >= 15
    for (i, begin), (j, end) in itertools.combinations(enumerate(sorted(times)), 2):
        assert end - begin > (j - i) * INTERVAL - LATE, f"{what}: {j - i + 1} in {end - begin:.2f} s"


@asynccontextmanager
async def callbacks_storm(ruin: Ruin, dice: random.Random) -> AsyncIterator[None]:
    """Have Sendblue repeat itself: whatever a text has been through is reported again, to any process."""

    async def storm(http: aiohttp.ClientSession) -> None:
        while True:
            await asyncio.sleep(dice.uniform(0.01, 0.05))
            if not ruin.bubbles():
                continue
            bubble = dice.choice(ruin.bubbles())
            words = ["REGISTERED", "QUEUED", "SENT", "DELIVERED"]
            been = words[: words.index(bubble.status) + 1]
            async with http.post(bubble.status_callback, json=bubble.body() | {"status": dice.choice(been)}) as answer:
                assert answer.status == 200

    async with aiohttp.ClientSession() as http:
        storms = [asyncio.create_task(storm(http)) for _ in range(2)]
        try:
            yield
        finally:
            for task in storms:
                task.cancel()
            ended = await asyncio.gather(*storms, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ended), ended


async def test_three_schedulers_ask_about_a_text_once_in_a_round(open_ruin: OpenRuin) -> None:
    quiet = 0.5
    ruin = await open_ruin("serve", "serve", "work", STALE_AFTER=str(quiet), REPOLL_INTERVAL="0.05")
    ruin.sendblue.faults.lose_callbacks, ruin.sendblue.faults.stay = True, "SENT"
    await asyncio.gather(*(bot.start() for bot in ruin.bots))
    for number in range(6):
        await ruin.ledger.type(f"Text {number}, and the phone is off")
    asked: Iterable[list[float]] = ()

    def asked_three_times() -> bool:
        nonlocal asked
        times: dict[str, list[float]] = defaultdict(list)
        for call in ruin.sendblue.calls:
            if call.method == "GET /api/status":
                times[str(call.params["handle"])].append(call.at)
        asked = times.values()
        return len(times) == 6 and all(len(calls) >= 3 for calls in asked)

    await until(asked_three_times, within=15)
    gaps = [later - earlier for calls in asked for earlier, later in itertools.pairwise(calls)]
    assert min(gaps) > quiet / 4  # the next round is a whole wait away; twice in one would be milliseconds


async def test_a_web_process_that_does_not_work_leaves_everything_to_the_worker(
    open_ruin: OpenRuin, judge: Callable[[Ruin], None]
) -> None:
    ruin = await open_ruin("serve", "work")
    web, worker = ruin.bots
    web.settings = {**web.settings, "WEB_ALSO_WORKS": "false"}
    await web.start()
    for number in range(5):
        assert (await ruin.ledger.type(f"Text {number} for the worker")).given
    await asyncio.sleep(1.5)
    assert not ruin.slack.calls
    assert not ruin.sendblue.calls
    await worker.start()
    await ruin.end()
    judge(ruin)
    assert (await web.readiness())[0] == 200
    assert '"duty"' not in web.said
