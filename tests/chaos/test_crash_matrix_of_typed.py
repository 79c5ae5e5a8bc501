"""kill -9 before and after each network step of what a colleague types in a customer's thread.

Once on the phone or not at all, as its author wants it; marked with the truth; the rest is as in test_crash_matrix.py.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.slack.questions import ALWAYS, KEEP, SEND
from tests.chaos.conftest import OpenRuin, Ruin, cases
from tests.conftest import until


@dataclass(frozen=True)
class Words:
    """What is typed, under which rule, what its author answers, and what is wrong with Sendblue meanwhile."""

    kind: str = "reply"
    rule: str = "send"
    click: str = ""
    held_for: str = "60"
    sendblue: dict[str, Any] = field(default_factory=dict)


SENT = Words()
REFUSED = Words(sendblue={"refuse": "4002"})
DOUBTED = Words(sendblue={"drop_after_accept": True, "lose_callbacks": True})
NOTE = Words("note")
SEND_IT, KEEP_IT, ALWAYS_SEND = (Words("held", "ask", click) for click in (SEND, KEEP, ALWAYS))
EXPIRES = Words("held", "ask", held_for="5")

STEPS = {
    "event": (SENT, "/slack/events", 1),
    "who its author is": (SENT, "/api/users.info", 1),
    "send": (SENT, "/api/send-message", 1),
    "first callback": (SENT, "/sendblue/status/", 1),
    "second callback": (SENT, "/sendblue/status/", 2),
    "mark": (SENT, "/api/reactions.add", 1),
    "card": (SENT, "/api/chat.update", 1),
    "mark of a failure": (REFUSED, "/api/reactions.add", 1),
    "words about a failure": (REFUSED, "/api/chat.postMessage", 1),
    "mark of a doubt": (DOUBTED, "/api/reactions.add", 1),
    "event of a note": (NOTE, "/slack/events", 1),
    "mark of a note": (NOTE, "/api/reactions.add", 1),
    "question": (SEND_IT, "/api/chat.postEphemeral", 1),
    "mark while it is held": (SEND_IT, "/api/reactions.add", 1),
    "click to send": (SEND_IT, "/slack/events", 2),
    "answer to the click": (SEND_IT, "/response/", 1),
    "send after the click": (SEND_IT, "/api/send-message", 1),
    "mark after the click": (SEND_IT, "/api/reactions.add", 2),
    "click to keep": (KEEP_IT, "/slack/events", 2),
    "mark of what is kept": (KEEP_IT, "/api/reactions.add", 2),
    "click for always": (ALWAYS_SEND, "/slack/events", 2),
    "rule said aloud": (ALWAYS_SEND, "/api/chat.postMessage", 1),
    "end of its time": (EXPIRES, "/api/chat.postMessage", 1),
    "mark at the end of its time": (EXPIRES, "/api/reactions.add", 2),
}
SHORT = {
    ("sqlite", "event", "after"),
    ("sqlite", "send", "before"),
    ("sqlite", "click to send", "after"),
    ("sqlite", "mark of a note", "after"),
    ("sqlite", "rule said aloud", "after"),
    ("postgresql", "event", "before"),
    ("postgresql", "send", "after"),
    ("postgresql", "mark", "before"),
    ("postgresql", "question", "after"),
    ("postgresql", "click to keep", "before"),
}
CASES = cases(STEPS, SHORT)


@pytest.mark.parametrize(("engine", "step", "after"), CASES)
async def test_killed_at_one_step_and_restarted(
    open_ruin: OpenRuin, judge: Callable[[Ruin], None], step: str, *, after: bool
) -> None:
    words, path, nth = STEPS[step]
    ruin = await open_ruin(step=0.05, THREAD_REPLIES=words.rule, HELD_FOR=words.held_for)
    await ruin.bot.start()
    promise = await ruin.ledger.type("Table at eight?")
    await ruin.end()
    ruin.sendblue.faults.patch(words.sendblue)
    ruin.trap.set(path, nth, after=after)
    typing = ruin.colleagues.type(ruin.roots()[0], promise.number, "U0BEN", words.kind, words.click)
    typed = asyncio.create_task(typing)
    await until(lambda: ruin.trap.sprung or (typed.done() and ruin.over()), within=15)
    if ruin.trap.sprung:  # else its news were merged
        if not words.sendblue.get("refuse"):
            ruin.sendblue.faults.reset()
        await ruin.revive()
    await typed
    await ruin.end(within=40)
    judge(ruin)
    if words is ALWAYS_SEND:
        said = [root.text for root in ruin.roots() if "set: what is typed" in root.text]
        assert len(said) == 1
