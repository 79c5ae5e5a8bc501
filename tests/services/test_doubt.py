"""A send that ended without a clear answer: never repeated, told, and settled by evidence."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bot.domain.delivery import Delivery
from bot.storage.history import Filter, find_sends
from tests.conftest import CUSTOMER, KEY, LINE, SECRET, Stage, until

Opened = Callable[..., Any]


def sends(stage: Stage) -> int:
    return sum(call.method == "POST /api/send-message" for call in stage.sendblue.calls)


async def deliveries(stage: Stage) -> list[Delivery]:
    assert stage.app is not None
    found = await stage.app.store.read(lambda connection: find_sends(connection, Filter()))
    return [send.known.delivery for send in found]


@pytest.mark.parametrize("fault", ["hang_after_accept", "drop_after_accept"])
async def test_an_answer_that_never_comes_is_doubt_and_a_callback_settles_it(stage: Stage, fault: str) -> None:
    setattr(stage.sendblue.faults, fault, True)
    await stage.text()
    await until(lambda: any("Delivered" in text for text in stage.replies()))
    assert len(stage.bubbles()) == sends(stage) == 1


@pytest.mark.parametrize("fault", ["hang_after_accept", "drop_after_accept"])
async def test_without_callbacks_the_vendors_list_settles_it(stage: Stage, fault: str) -> None:
    setattr(stage.sendblue.faults, fault, True)
    stage.sendblue.faults.lose_callbacks = True
    await stage.text()
    await until(lambda: any("We don't know yet whether this went out" in text for text in stage.replies()))
    await until(lambda: any("Delivered after all" in text for text in stage.replies()))
    assert len(stage.bubbles()) == sends(stage) == 1


@pytest.mark.parametrize(
    "answer",
    [
        (500, "<html>oops</html>"),
        (503, {"status": "ERROR", "error_code": 5003}),
        (408, {}),
        (409, {"status": "ERROR", "message": "conflict"}),
        (202, "not json"),
        (202, {"status": "QUEUED"}),
        (202, {"message_handle": "h-1", "status": "TIMEOUT"}),
        (202, {"message_handle": "h-1", "status": "ERROR", "error_code": 5000}),
        (202, {"message_handle": "h-1", "status": "ERROR", "error_code": "10002"}),
    ],
)
async def test_what_says_neither_yes_nor_no_is_never_repeated(stage: Stage, answer: tuple[int, object]) -> None:
    stage.sendblue.faults.answers.append(answer)
    await stage.text()
    await until(lambda: any("We don't know yet" in text for text in stage.replies()))
    await until(lambda: "Not known yet whether it went out" in stage.shown())
    assert sends(stage) == 1


async def test_two_equal_doubts_and_one_text_found_stay_in_doubt(open_stage: Opened) -> None:
    stage = await open_stage(watch_for=1.5)
    stage.sendblue.faults.lose_callbacks = True
    stage.sendblue.faults.answers.append((500, "nothing was accepted"))
    await stage.text()
    await until(lambda: sends(stage) == 1)
    stage.sendblue.faults.drop_after_accept = True
    await stage.text()
    await until(lambda: sum("still not known" in text for text in stage.replies()) == 2)
    assert await deliveries(stage) == [Delivery.UNCERTAIN, Delivery.UNCERTAIN]
    assert len(stage.bubbles()) == 1


async def test_a_text_that_was_refused_is_no_evidence_for_its_repetition(stage: Stage) -> None:
    """Refused, typed again, and the answer lost: the list has both, and the second one was delivered."""
    stage.sendblue.faults.lose_callbacks = True
    stage.sendblue.faults.fail = "10001"
    await stage.text()
    await until(lambda: any("❌ Failed" in text for text in stage.replies()), within=15)
    stage.sendblue.faults.fail = ""
    stage.sendblue.faults.drop_after_accept = True
    await stage.text()
    await until(lambda: any("Delivered after all" in text for text in stage.replies()), within=15)
    assert sorted(await deliveries(stage)) == [Delivery.FAILED, Delivery.DELIVERED]
    assert sends(stage) == 2


async def test_an_equal_text_that_was_sent_elsewhere_leaves_the_doubt(open_stage: Opened) -> None:
    """More texts in the list than doubts: one of them is somebody else's, and nobody can tell which."""
    stage = await open_stage(doubt_window=2)
    stage.sendblue.faults.lose_callbacks = True
    stage.sendblue.faults.answers.append((500, "nothing was accepted"))
    await stage.text()
    await until(lambda: sends(stage) == 1)
    for _ in range(2):
        await elsewhere(stage)
    await until(lambda: any("Please decide" in text for text in stage.replies()), within=15)
    assert await deliveries(stage) == [Delivery.UNCERTAIN]


async def elsewhere(stage: Stage) -> None:
    """The same text to the same customer, sent from Sendblue's dashboard."""
    body = {"number": CUSTOMER, "from_number": LINE, "content": "Table at eight?"}
    keys = {"sb-api-key-id": KEY, "sb-api-secret-key": SECRET}
    async with httpx.AsyncClient(base_url=stage.settings.sendblue_api_url, verify=False) as http:
        assert (await http.post("/api/send-message", json=body, headers=keys)).status_code == 202


async def test_two_equal_doubts_and_two_texts_found_are_both_settled(stage: Stage) -> None:
    stage.sendblue.faults.lose_callbacks = stage.sendblue.faults.drop_after_accept = True
    await stage.text()
    await stage.text()
    await until(lambda: sum("Delivered after all" in text for text in stage.replies()) == 2)
    assert len({bubble.handle for bubble in stage.bubbles()}) == sends(stage) == 2


@pytest.mark.parametrize(("fault", "value"), [("rate_limited", True), ("refuse", "4001"), ("refuse", "5509")])
async def test_a_busy_line_is_tried_again_until_it_works(stage: Stage, fault: str, value: Any) -> None:
    setattr(stage.sendblue.faults, fault, value)
    await stage.text()
    await until(lambda: sends(stage) >= 1)
    setattr(stage.sendblue.faults, fault, type(value)())
    await until(lambda: any("Delivered" in text for text in stage.replies()))
    assert len(stage.bubbles()) == 1


async def test_while_a_line_is_busy_the_roots_say_why_their_texts_wait(
    open_stage: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.services.sending._WORTH_SAYING", timedelta(seconds=1))
    stage = await open_stage(sendblue_send_interval=0.1)
    stage.sendblue.faults.rate_limited = True
    await stage.text()
    await until(lambda: "Sending" in stage.shown())
    await stage.text("And you?", channel="C0RANDOM")
    await until(lambda: "Not sent yet*: Sendblue is busy, trying again at" in stage.shown(), within=15)
    await until(lambda: "Not sent yet*: Sendblue is busy, " in stage.shown("C0RANDOM"))
    stage.sendblue.faults.rate_limited = False
    await until(lambda: "Delivered" in stage.shown() and "Delivered" in stage.shown("C0RANDOM"), within=30)
    assert len(stage.bubbles()) == 2


async def test_a_line_that_stays_busy_is_told_as_not_sent(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.services.sending.MOST_TRIES", 2)
    stage.sendblue.faults.rate_limited = True
    await stage.text()
    await until(lambda: any("Not sent" in text and "rate limit" in text for text in stage.replies()))
    assert stage.bubbles() == []


async def test_a_sendblue_that_cannot_be_reached_is_tried_again(open_stage: Opened) -> None:
    stage = await open_stage(running=False)
    where = stage.settings.sendblue_api_url
    stage.settings = stage.settings.model_copy(update={"sendblue_api_url": "http://127.0.0.1:1"})
    await stage.start(int(stage.settings.public_url.rpartition(":")[2]))
    await stage.text()
    await until(lambda: "Sending" in stage.shown())
    stage.settings = stage.settings.model_copy(update={"sendblue_api_url": where})
    await stage.restart()
    await until(lambda: any("Delivered" in text for text in stage.replies()))
    assert len(stage.bubbles()) == 1


async def test_what_could_not_be_sent_in_time_is_never_sent_late(open_stage: Opened) -> None:
    stage = await open_stage(send_within=1)
    stage.slack.faults.down = True
    await stage.text()

    async def given_up() -> bool:
        return await deliveries(stage) == [Delivery.FAILED]

    for _ in range(200):
        if await given_up():
            break
        await asyncio.sleep(0.05)
    assert await given_up()
    stage.slack.faults.down = False
    await until(lambda: "could not be sent in time" in stage.shown(), within=20)
    assert stage.bubbles() == []
