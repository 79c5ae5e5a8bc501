"""A text that simply arrives costs three calls to Slack: its root, one reply, and the root brought up to date."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Stage, until

Opened = Callable[..., Any]


def writing(stage: Stage) -> list[str]:
    """What was posted or edited, in order."""
    return [call.method for call in stage.slack.calls if call.method in ("chat.postMessage", "chat.update")]


async def under_way(open_stage: Opened, *, slot: float = 0.6) -> Stage:
    """A text that Sendblue has taken, and that reports nothing by itself. slot: seconds between two posts."""
    stage: Stage = await open_stage(slack_post_interval=slot, stale_after=60)
    stage.sendblue.faults.stay = "QUEUED"
    await stage.text()
    await until(lambda: stage.bubbles() and stage.roots())
    await asyncio.sleep(slot)  # its channel's is free again
    return stage


async def test_a_delivery_soon_after_the_sending_is_told_with_it(open_stage: Opened) -> None:
    stage = await under_way(open_stage)
    await stage.sendblue.report(stage.bubbles()[0].handle, "SENT")
    await asyncio.sleep(0.2)
    await stage.sendblue.report(stage.bubbles()[0].handle, "DELIVERED")
    await until(lambda: "Delivered" in stage.shown())
    await asyncio.sleep(0.5)
    assert len(stage.replies()) == 1
    assert "Delivered" in stage.replies()[0]
    assert writing(stage) == ["chat.postMessage", "chat.postMessage", "chat.update"]


async def test_without_a_delivery_the_sending_is_told_after_two_slots(open_stage: Opened) -> None:
    stage = await under_way(open_stage)
    began = asyncio.get_running_loop().time()
    await stage.sendblue.report(stage.bubbles()[0].handle, "SENT")
    await until(stage.replies)
    assert 0.55 < asyncio.get_running_loop().time() - began < 2
    assert "Sent" in stage.replies()[0]
    await until(lambda: "*Sent*" in stage.shown())


@pytest.mark.parametrize(
    ("status", "fields", "says"),
    [
        ("SENT", {"service": "SMS", "was_downgraded": True}, "Sent as a text message (SMS) · "),
        ("ERROR", {"error_code": "4002"}, "Failed"),
        ("DELIVERED", {}, "Delivered"),
    ],
)
async def test_what_is_final_waits_for_nothing(
    open_stage: Opened, status: str, fields: dict[str, Any], says: str
) -> None:
    stage = await under_way(open_stage, slot=6)
    stage.sendblue.faults.reset()
    body = stage.bubbles()[0].body() | {"status": status, **fields}
    assert (await stage.callback(body)).status_code == 200
    await until(stage.replies, within=4)
    assert says in stage.replies()[0]


async def test_a_restart_does_not_forget_what_waits(open_stage: Opened) -> None:
    stage = await under_way(open_stage)
    await stage.sendblue.report(stage.bubbles()[0].handle, "SENT")
    await stage.restart()
    await until(lambda: "*Sent*" in stage.shown())
    assert len(stage.replies()) == 1


async def test_what_is_claimed_with_the_opening_while_the_bot_stops_is_sent_and_known(
    open_stage: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sender has stopped by then: what it is handed must be done all the same, or it would end in doubt."""
    stage: Stage = await open_stage()
    assert stage.app is not None
    store, claiming = stage.app.store, asyncio.Event()
    real = store.write_until_stored

    async def slow(work: Any, item: Any) -> Any:
        result = await real(work, item)
        if work.__name__ == "finish_and_claim":
            claiming.set()
            await asyncio.sleep(0.3)
        return result

    monkeypatch.setattr(store, "write_until_stored", slow)
    await stage.text()
    await claiming.wait()
    await stage.restart()
    await until(lambda: "Delivered" in stage.shown())
    assert len(stage.bubbles()) == 1
    assert not any("don't know" in text for text in stage.replies())
