"""kill -9 before and after each network step of a text's life, on both engines.

At most one text on the phone, none lost, the thread ends true, nothing said twice.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.slack.wording import RESEND
from sandbox.slack.records import SlackMessage
from tests.chaos.books import at_rest
from tests.chaos.conftest import LONG, OpenRuin, Ruin, cases
from tests.conftest import until


@dataclass(frozen=True)
class Life:
    """How a text lives: where it is typed, and what is wrong with the neighbours meanwhile."""

    channel: str = "C0GENERAL"
    sendblue: dict[str, Any] = field(default_factory=dict)
    slack: dict[str, Any] = field(default_factory=dict)


PLAIN = Life()
NOT_JOINED = Life(channel="C0RANDOM")
QUIET = Life(sendblue={"lose_callbacks": True})
DOUBTED = Life(sendblue={"drop_after_accept": True, "lose_callbacks": True})
ROOT_UNANSWERED = Life(slack={"lose_answer": 1})
ALL_UNANSWERED = Life(slack={"lose_answer": 3})

STEPS = {
    "command": (PLAIN, "/slack/events", 1),
    "users.info": (PLAIN, "/api/users.info", 1),
    "root": (PLAIN, "/api/chat.postMessage", 1),
    "send": (PLAIN, "/api/send-message", 1),
    "first callback": (PLAIN, "/sendblue/status/", 1),
    "second callback": (PLAIN, "/sendblue/status/", 2),
    "first reply": (PLAIN, "/api/chat.postMessage", 2),
    "second reply": (PLAIN, "/api/chat.postMessage", 3),
    "first edit": (PLAIN, "/api/chat.update", 1),
    "second edit": (PLAIN, "/api/chat.update", 2),
    "refused root": (NOT_JOINED, "/api/chat.postMessage", 1),
    "join": (NOT_JOINED, "/api/conversations.join", 1),
    "root once joined": (NOT_JOINED, "/api/chat.postMessage", 2),
    "poll": (QUIET, "/api/status", 1),
    "second poll": (QUIET, "/api/status", 2),
    "poll of one": (QUIET, "/api/v2/messages/", 1),
    "search in doubt": (DOUBTED, "/api/v2/messages$?is_outbound=true", 1),
    "look for the root": (ROOT_UNANSWERED, "/api/conversations.history", 1),
    "look for a reply": (ALL_UNANSWERED, "/api/conversations.replies", 1),
}

SHORT = {
    ("sqlite", "root", "before"),
    ("sqlite", "root", "after"),
    ("sqlite", "send", "before"),
    ("sqlite", "first reply", "after"),
    ("postgresql", "command", "after"),
    ("postgresql", "root", "after"),
    ("postgresql", "send", "before"),
    ("postgresql", "send", "after"),
    ("postgresql", "first reply", "before"),
    ("postgresql", "first callback", "before"),
}

CASES = cases(STEPS, SHORT)


@pytest.mark.parametrize(("engine", "step", "after"), CASES)
async def test_killed_at_one_step_and_restarted(
    open_ruin: OpenRuin, judge: Callable[[Ruin], None], step: str, *, after: bool
) -> None:
    life, path, nth = STEPS[step]
    ruin = await open_ruin(step=0.15)
    await ruin.bot.start()
    ruin.sendblue.faults.patch(life.sendblue)
    ruin.slack.faults.patch(life.slack)
    ruin.trap.set(path, nth, after=after)
    promise = await ruin.ledger.type("Kill me", channel=life.channel)
    assert promise.given or step == "command"
    await until(lambda: ruin.trap.sprung or ruin.over())
    if ruin.trap.sprung:  # else this life had fewer steps: its news were merged
        ruin.sendblue.faults.reset()
        await ruin.revive()
    await ruin.end()
    judge(ruin)


CLICKS = [
    pytest.param(engine, path, when == "after", id=f"{engine}-{when} {what}")
    for engine in ("sqlite", "postgresql")
    for what, path in (("the click", "/slack/events"), ("the second send", "/api/send-message"))
    for when in ("before", "after")
]


@pytest.mark.skipif(not LONG, reason="make chaos")
@pytest.mark.parametrize(("engine", "path", "after"), CLICKS)
async def test_killed_while_a_person_has_it_sent_again(open_ruin: OpenRuin, path: str, *, after: bool) -> None:
    """The first text went out, and nobody can find that out; a person decides to send it again, once."""
    ruin = await open_ruin(step=0.15, DOUBT_WINDOW="0.5")
    await ruin.bot.start()
    ruin.sendblue.faults.patch({"drop_after_accept": True, "lose_callbacks": True, "list_lag": 3600.0})
    await ruin.ledger.type("Send me again")

    def asking() -> list[SlackMessage]:
        threads = [ruin.slack.replies("C0GENERAL", root.ts) for root in ruin.roots()]
        return [reply for thread in threads for reply in thread if "Please decide" in reply.text]

    [question] = await until(asking, within=15)
    ruin.sendblue.faults.patch({"drop_after_accept": False, "lose_callbacks": False})
    ruin.trap.set(path, after=after)
    answer = await ruin.slack.click("C0GENERAL", question.ts, RESEND)
    await until(lambda: ruin.trap.sprung)
    await ruin.revive()
    if answer.failure is not None:  # so the person clicks again
        assert (await ruin.slack.click("C0GENERAL", question.ts, RESEND)).failure is None
    never_sent = path == "/api/send-message" and not after
    await until(lambda: ("Second try: ❓" if never_sent else "Second try: ✅ *Delivered*") in ruin.shown(), within=20)
    await until(lambda: at_rest(ruin.database_url))
    assert len(ruin.bubbles()) == (1 if never_sent else 2)
    assert max(Counter(ruin.replies()).values()) == 1, ruin.replies()
    assert sum("sent it again" in reply for reply in ruin.replies()) == 1
