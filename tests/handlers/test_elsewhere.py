"""Texts that the dashboard or another program sent stand in the customer's thread; ours are not taken for such."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.sendblue.records import PhoneMessage
from tests.conftest import CUSTOMER, LINE, Stage, until
from tests.handlers.test_attention import posts
from tests.handlers.test_one_thread import SECRET, begun, engine, tops

__all__ = ["begun", "engine"]  # fixtures

DOOR = "/sendblue/webhook"
SIGNED = {"sb-signing-secret": SECRET}


def send_elsewhere(stage: Stage, text: str, *, number: str = CUSTOMER, **fields: Any) -> PhoneMessage:
    """Have somebody else send a text from our line: it stands in the account's list."""
    now = time.time()
    message = PhoneMessage(f"elsewhere-{text}", number, LINE, text, None, "DELIVERED", LINE, now, now)
    message.sent_at, message.more = now, fields
    stage.sendblue._phones.add(message)
    return message


def elsewhere(stage: Stage) -> list[str]:
    return [post.text for post in posts(stage) if "from elsewhere" in post.text]


async def test_it_stands_in_the_thread_with_who_sent_it_and_once(begun: Stage) -> None:
    sent = send_elsewhere(begun, "See you", sender_email="cleo@example.com")
    assert (await begun.callback(sent.body(), path=DOOR, headers=SIGNED)).status_code == 200
    await until(lambda: elsewhere(begun))
    await asyncio.sleep(1)  # and the list brings it again
    assert elsewhere(begun) == ["Sent from elsewhere: (cleo@example.com) See you"]


async def test_the_list_alone_is_enough_and_it_counts_as_an_answer(begun: Stage) -> None:
    await begun.sendblue.customer_says(CUSTOMER, "Eight works")
    await until(lambda: "Waiting for an answer since" in tops(begun)[0].text)
    send_elsewhere(begun, "See you")
    await until(lambda: elsewhere(begun) == ["Sent from elsewhere: See you"])
    await until(lambda: "Waiting for an answer since" not in tops(begun)[0].text)


async def test_what_was_sent_from_here_is_none_of_it(begun: Stage) -> None:
    await begun.text("Or nine?")
    await until(lambda: any("Or nine?" in post.text and "Delivered" in post.text for post in posts(begun)))
    for sent in begun.bubbles():
        await begun.callback(sent.body(), path=DOOR, headers=SIGNED)
    await asyncio.sleep(1.2)
    assert not elsewhere(begun)


@pytest.mark.parametrize("fields", [{"status": "FAILED"}, {"group_id": "g1"}, {"number": "+14155550199"}])
async def test_what_failed_and_what_has_no_thread_is_not_shown(begun: Stage, fields: dict[str, str]) -> None:
    sent = send_elsewhere(begun, "See you", number=fields.get("number", CUSTOMER))
    sent.more |= {name: value for name, value in fields.items() if name != "number"}
    assert (await begun.callback(sent.body(), path=DOOR, headers=SIGNED)).status_code == 200
    await asyncio.sleep(1.2)
    assert not elsewhere(begun)
    assert not tops(begun, "C0RANDOM")


async def test_what_may_be_ours_waits_until_that_is_known(open_stage: Callable[..., Any]) -> None:
    """The text went out, its answer was lost, and no callback has come: the list has it."""
    stage: Stage = await open_stage(sendblue_webhook_secret=SECRET, catch_up_interval=0.5, doubt_window=30)
    await stage.text("Table at eight?")
    await until(lambda: any("Delivered" in reply for reply in stage.replies()))
    stage.sendblue.faults.drop_after_accept, stage.sendblue.faults.lose_callbacks = True, True
    await stage.text("Or nine?")
    await until(lambda: len(stage.bubbles()) == 2)
    echo = stage.bubbles()[1]
    for _ in range(3):
        assert (await stage.callback(echo.body(), path=DOOR, headers=SIGNED)).status_code == 200
        await asyncio.sleep(0.4)
    await until(lambda: any("Or nine?" in post.text and "Delivered" in post.text for post in posts(stage)), within=20)
    assert not elsewhere(stage)


async def test_what_was_shown_and_is_ours_after_all_is_corrected(open_stage: Callable[..., Any]) -> None:
    stage: Stage = await open_stage(sendblue_webhook_secret=SECRET, catch_up_interval=0.5, doubt_window=1)
    await stage.text("Table at eight?")
    await until(lambda: any("Delivered" in reply for reply in stage.replies()))
    stage.sendblue.faults.drop_after_accept, stage.sendblue.faults.lose_callbacks = True, True
    stage.sendblue.faults.list_lag = 1000.0
    await stage.text("Or nine?")
    await until(lambda: any("I still can't find out" in post.text for post in posts(stage)), within=20)
    echo = stage.bubbles()[1]
    assert (await stage.callback(echo.body(), path=DOOR, headers=SIGNED)).status_code == 200
    await until(lambda: elsewhere(stage) == ["Sent from elsewhere: Or nine?"])
    path = "/sendblue/status" + (echo.status_callback or "").partition("/sendblue/status")[2]
    assert (await stage.callback(echo.body(), path=path)).status_code == 200
    await until(lambda: len(elsewhere(stage)) == 2)
    assert elsewhere(stage)[1] == "Correction: this was sent from here, not from elsewhere: Or nine?"
