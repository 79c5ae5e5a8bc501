"""Every status of fifty texts, three times each, in any order, from twenty clients at once."""

import asyncio
import random
from collections import Counter
from typing import Any

import aiohttp
import pytest

from tests.chaos.books import ask
from tests.chaos.conftest import LONG, OpenRuin
from tests.conftest import until

pytestmark = pytest.mark.alone

ENGINES = ("sqlite", "postgresql") if LONG else ("sqlite",)
CHANNELS = ("C0GENERAL", "C0RANDOM", "G0TEAM", "D0BOTU0ANA")
MESSAGES, CLIENTS, COPIES = 50, 20, 3
WAYS = (
    ("REGISTERED", "QUEUED", "SENT", "DELIVERED", "READ"),
    ("REGISTERED", "PENDING", "QUEUED", "ACCEPTED", "SENT", "DELIVERED"),
    ("QUEUED", "SENT", "ERROR"),
    ("QUEUED", "ERROR", "DELIVERED"),
    ("QUEUED", "SENT", "SOMETHING_NEW"),
)
ENDS = ("*Read*", "*Delivered*", "*Failed*", "*Delivered*", "*Sent*")


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_storm_of_callbacks_ends_right_with_one_reply_per_news(open_ruin: OpenRuin, seed: int) -> None:
    dice = random.Random(seed)
    ruin = await open_ruin()
    ruin.sendblue.faults.stay = "QUEUED"
    await ruin.bot.start()
    for number in range(MESSAGES):
        await ruin.ledger.type(f"Text {number} in a storm", channel=CHANNELS[number % len(CHANNELS)])
    await until(lambda: len(ruin.bubbles()) == MESSAGES, within=20)
    storm = [
        (bubble.status_callback, bubble.body() | {"status": status})
        for bubble, way in zip(ruin.bubbles(), WAYS * MESSAGES, strict=False)
        for status in way * COPIES
    ]
    dice.shuffle(storm)
    statuses = await asyncio.gather(*(post_all(storm[client::CLIENTS]) for client in range(CLIENTS)))
    assert Counter(code for codes in statuses for code in codes) == {200: len(storm)}

    ends = dict(zip([bubble.content for bubble in ruin.bubbles()], ENDS * MESSAGES, strict=False))

    def all_end_right() -> bool:
        shown = ruin.ledger.roots()
        return all(end in shown[text][0].text for text, end in ends.items())

    await until(all_end_right, within=30)
    roots = [root for channel in CHANNELS for root in ruin.roots(channel)]
    assert len(roots) == MESSAGES
    for root in roots:
        replies = [reply.text for reply in ruin.slack.replies(root.channel, root.ts)]
        assert max(Counter(replies).values()) == 1, replies
        assert len(replies) <= 4
    # The same news is one row of history, however often it came.
    kept = ask(ruin.database_url, "SELECT count(*) FROM reports WHERE source = 'callback'")
    assert kept == [(sum(len(way) for way in WAYS) * MESSAGES // len(WAYS),)]
    assert "Traceback" not in ruin.bot.said


async def post_all(callbacks: list[tuple[str, dict[str, Any]]]) -> list[int]:
    """Be one client of Sendblue's: post one after the other; return how each was answered."""
    codes = []
    async with aiohttp.ClientSession() as http:
        for url, body in callbacks:
            async with http.post(url, json=body) as answer:
                codes.append(answer.status)
    return codes
