"""kill -9 before and after each network step of what a customer writes, and of a later text in the same thread.

Each answer is shown once, nothing is sent after a STOP, and the rest is as in test_crash_matrix.py.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.chaos.conftest import LONG, WEBHOOK_SECRET, OpenRuin, Ruin, cases
from tests.chaos.promises import Promise
from tests.conftest import LINE, until


@dataclass(frozen=True)
class Talk:
    """What a customer writes, and what is wrong with the neighbours meanwhile. later: a text typed after that."""

    says: tuple[str, ...] = ("Eight works.",)
    hooked: bool = True
    later: str = ""
    sendblue: dict[str, Any] = field(default_factory=dict)
    slack: dict[str, Any] = field(default_factory=dict)


_LONG = " ".join(f"Word {number} of a long answer." for number in range(500))
PLAIN = Talk()
SEVERAL = Talk(says=("Eight works.", "Or nine.", "No, eight."), hooked=False, sendblue={"list_cap": 1})
UNANSWERED = Talk(slack={"lose_answer": 1})
LATER = Talk(says=(), later="See you at eight")
ANSWERED_LATER = Talk(later="See you at eight")
LIST = f"/api/v2/messages$?is_outbound=false&sendblue_number=%2B{LINE[1:]}"

STEPS = {
    "webhook": (PLAIN, "/sendblue/webhook", 1),
    "webhook of a long one": (Talk(says=(_LONG,)), "/sendblue/webhook", 1),
    "list": (SEVERAL, LIST, 2),
    "second page": (SEVERAL, f"{LIST}&offset=1", 1),
    "third page": (SEVERAL, f"{LIST}&offset=2", 1),
    "answer": (PLAIN, "/api/chat.postMessage", 1),
    "second part of a long one": (Talk(says=(_LONG,)), "/api/chat.postMessage", 2),
    "edit after an answer": (PLAIN, "/api/chat.update", 1),
    "look for an answer": (UNANSWERED, "/api/conversations.replies", 1),
    "later command": (LATER, "/slack/events", 1),
    "later root": (LATER, "/api/chat.postMessage", 1),
    "later send": (LATER, "/api/send-message", 1),
    "later edit": (LATER, "/api/chat.update", 1),
    "later root beside an answer": (ANSWERED_LATER, "/api/chat.postMessage", 2),
}
SHORT = {
    ("sqlite", "webhook", "after"),
    ("sqlite", "second page", "before"),
    ("sqlite", "later root", "after"),
    ("postgresql", "webhook", "before"),
    ("postgresql", "answer", "after"),
    ("postgresql", "list", "after"),
}
CASES = cases(STEPS, SHORT)


async def _begun(open_ruin: OpenRuin, *, hooked: bool = True) -> tuple[Ruin, Promise]:
    """Have a customer who was texted once, in a thread that says all there is to say."""
    ruin = await open_ruin(step=0.05)
    if hooked:
        ruin.sendblue.webhook_url, ruin.sendblue.webhook_secret = f"{ruin.url}/sendblue/webhook", WEBHOOK_SECRET
    await ruin.bot.start()
    promise = await ruin.ledger.type("Table at eight?")
    await ruin.end()
    return ruin, promise


@pytest.mark.parametrize(("engine", "step", "after"), CASES)
async def test_killed_at_one_step_and_restarted(
    open_ruin: OpenRuin, judge: Callable[[Ruin], None], step: str, *, after: bool
) -> None:
    talk, path, nth = STEPS[step]
    ruin, promise = await _begun(open_ruin, hooked=talk.hooked)
    ruin.sendblue.faults.patch(talk.sendblue)
    ruin.slack.faults.patch(talk.slack)
    ruin.trap.set(path, nth, after=after)

    async def talk_on() -> None:
        for words in talk.says:
            await ruin.ledger.answer(promise.number, words)
        if talk.later:
            later = await ruin.ledger.type(talk.later, number=promise.number)
            assert later.given or step == "later command"

    talking = asyncio.create_task(talk_on())
    await until(lambda: ruin.trap.sprung or (talking.done() and ruin.over()))
    if ruin.trap.sprung:  # else this life had fewer steps
        await ruin.revive()
    await talking
    ruin.sendblue.faults.reset()
    await ruin.end()
    judge(ruin)


STOPS = [
    pytest.param(engine, path, when == "after", id=f"{engine}-{when} {what}")
    for engine in ("sqlite", "postgresql")
    for what, path in (("the stop", "/sendblue/webhook"), ("the post that says so", "/api/chat.postMessage"))
    for when in ("before", "after")
    if LONG or (engine, what, when) == ("postgresql", "the stop", "after")
]


@pytest.mark.parametrize(("engine", "path", "after"), STOPS)
async def test_killed_while_a_customer_says_stop(
    open_ruin: OpenRuin, judge: Callable[[Ruin], None], path: str, *, after: bool
) -> None:
    """A text waits for a busy line meanwhile; it never leaves."""
    ruin, promise = await _begun(open_ruin)
    ruin.sendblue.faults.patch({"rate_limited": True})
    await ruin.ledger.type("Are you still there?", number=promise.number)
    await until(lambda: "Are you still there?" in ruin.ledger.roots())
    ruin.trap.set(path, after=after)
    talking = asyncio.create_task(ruin.ledger.answer(promise.number, "STOP"))
    await until(lambda: ruin.trap.sprung)
    ruin.sendblue.faults.reset()
    await ruin.revive()
    await talking
    await ruin.end()
    judge(ruin)
    assert [bubble.content for bubble in ruin.bubbles()] == ["Table at eight?"]
    [waited] = ruin.ledger.roots()["Are you still there?"]
    assert "opted out" in waited.text or "Not known" in waited.text  # as where the kill met a call that was refused
    assert (await ruin.ledger.type("And now?", number=promise.number)).refused
