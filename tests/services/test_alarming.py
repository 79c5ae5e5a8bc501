"""Callbacks that do not arrive are told once where operators read, and once that they are back."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from bot.storage.alarms import note_missing
from bot.storage.engine import Transaction
from tests.conftest import CUSTOMER, LINE, Stage, until
from tests.statements import Sql

Opened = Callable[..., Any]
ALERTS = "G0TEAM"


def alarms(stage: Stage) -> list[str]:
    return [root.text for root in stage.roots(ALERTS) if root.text[:1] in "⚠✅🚨"]


async def missing(open_stage: Opened, **changes: Any) -> Stage:
    """A stage on which a text was delivered and no callback came."""
    stage: Stage = await open_stage(alert_channel=ALERTS, **changes)
    stage.sendblue.faults.lose_callbacks = True
    await stage.text()
    await until(lambda: "Delivered" in stage.shown())
    return stage


async def metric(stage: Stage) -> bool:
    return "bluethread_callbacks_missing 1.0" in (await stage.get("/metrics")).text


async def test_it_is_told_once_that_callbacks_do_not_arrive_and_once_that_they_are_back(open_stage: Opened) -> None:
    stage = await missing(open_stage)
    await until(lambda: len(alarms(stage)) == 1)
    assert "do not arrive" in alarms(stage)[0]
    assert "PUBLIC_URL reaches this bot" in alarms(stage)[0]  # the address was tried
    assert await metric(stage)
    await stage.text("Another one that is only found by asking")
    await until(lambda: len([text for text in stage.texts() if "Delivered" in text]) == 2)
    await asyncio.sleep(0.5)
    assert len(alarms(stage)) == 1
    stage.sendblue.faults.lose_callbacks = False
    await stage.text("And one whose callbacks come")
    await until(lambda: len(alarms(stage)) == 2)
    assert "arrive again" in alarms(stage)[1]
    await asyncio.sleep(0.5)
    assert len(alarms(stage)) == 2
    assert not await metric(stage)


async def test_a_restart_repeats_no_alarm(open_stage: Opened) -> None:
    stage = await missing(open_stage)
    await until(lambda: alarms(stage))
    await stage.restart()
    await stage.text("Still without callbacks")
    await until(lambda: len([text for text in stage.texts() if "Delivered" in text]) == 2)
    await asyncio.sleep(0.5)
    assert len(alarms(stage)) == 1


async def test_one_lost_callback_among_others_is_no_alarm(open_stage: Opened) -> None:
    stage: Stage = await open_stage(alert_channel=ALERTS)
    stage.sendblue.faults.lose_callbacks = True
    await stage.text()
    stage.sendblue.faults.lose_callbacks = False
    await stage.text("This one is reported")
    await until(lambda: len([text for text in stage.texts() if "Delivered" in text]) == 2)
    await asyncio.sleep(0.5)
    assert alarms(stage) == []


def end_lease(tx: Transaction, items: Sequence[None]) -> Sequence[None]:
    tx.do(Sql("UPDATE alarms SET due_at = :now"), now=tx.now)
    return items


async def test_an_alarm_whose_answer_is_lost_is_not_repeated(open_stage: Opened, logged: Callable[[], str]) -> None:
    stage: Stage = await open_stage(alert_channel=ALERTS)
    assert stage.app is not None
    stage.slack.faults.lose_answer = 1
    await stage.app.store.write(note_missing, stage.app.clock())
    await until(lambda: "alarm_postponed" in logged())
    await asyncio.sleep(1.1)  # a second later it can be found
    await stage.app.store.write(end_lease, None)
    await until(lambda: any(call.method == "conversations.history" for call in stage.slack.calls))
    await asyncio.sleep(0.5)
    assert len(alarms(stage)) == 1


async def test_an_alarm_names_an_address_at_which_nobody_answers(open_stage: Opened) -> None:
    stage: Stage = await open_stage(running=False, alert_channel=ALERTS)
    stage.settings = stage.settings.model_copy(update={"public_url": "http://127.0.0.1:1"})
    await stage.start()
    await stage.text()
    await until(lambda: alarms(stage))
    assert "the bot gets no answer at PUBLIC_URL" in alarms(stage)[0]


async def test_an_alarm_that_slack_refuses_is_in_the_log(open_stage: Opened, logged: Callable[[], str]) -> None:
    stage: Stage = await open_stage(alert_channel="C0NOWHERE")
    stage.sendblue.faults.lose_callbacks = True
    await stage.text()
    await until(lambda: "alarm_not_told" in logged())
    assert "callbacks_do_not_arrive" in logged()
    assert await metric(stage)


async def test_without_a_channel_the_log_says_it(stage: Stage, logged: Callable[[], str]) -> None:
    stage.sendblue.faults.lose_callbacks = True
    await stage.text()
    await until(lambda: "callbacks_do_not_arrive" in logged())
    await until(lambda: "Delivered" in stage.shown())
    assert len(stage.roots()) == 1


DOOR = "/sendblue/webhook"
SECRET = "webhook-secret"
SIGNED = {"sb-signing-secret": SECRET}


async def shows(stage: Stage, metric: str) -> None:
    """Wait until the metrics say so: that an alarm was told is noted after Slack has it."""
    async with asyncio.timeout(8):
        while metric not in (await stage.get("/metrics")).text:
            await asyncio.sleep(0.01)


@pytest.fixture
async def answered(open_stage: Opened) -> Stage:
    """A stage with a webhook, where a customer was texted."""
    settings = {"alert_channel": ALERTS, "sendblue_webhook_secret": SECRET, "catch_up_interval": 0.5}
    stage: Stage = await open_stage(**settings)
    stage.sendblue.webhook_url, stage.sendblue.webhook_secret = f"{stage.settings.public_url}{DOOR}", SECRET
    await stage.text()
    await until(lambda: any("Delivered" in reply for reply in stage.replies()))
    return stage


async def test_it_is_told_once_that_the_webhook_brings_no_answers_and_once_that_it_does(
    answered: Stage, logged: Callable[[], str]
) -> None:
    assert answered.app is not None
    answered.sendblue.faults.lose_inbound = True
    await answered.sendblue.customer_says(CUSTOMER, "Eight works")
    await until(lambda: "webhook_brings_no_answers" in logged())
    await asyncio.sleep(1.2)
    assert alarms(answered) == []  # it may only be late
    await answered.app.store.write(end_lease, None)
    await until(lambda: len(alarms(answered)) == 1)
    assert "webhook does not bring customers' answers" in alarms(answered)[0]
    await shows(answered, "bluethread_answers_missing 1.0")
    await answered.sendblue.customer_says(CUSTOMER, "Or nine")
    await until(lambda: any("Or nine" in reply for reply in answered.replies()))
    answered.sendblue.faults.lose_inbound = False
    await answered.sendblue.customer_says(CUSTOMER, "Or ten")
    await until(lambda: len(alarms(answered)) == 2)
    assert "brings customers' answers again" in alarms(answered)[1]
    await shows(answered, "bluethread_answers_missing 0.0")


async def test_a_webhook_that_is_slower_than_the_list_is_no_alarm(answered: Stage, logged: Callable[[], str]) -> None:
    assert answered.app is not None
    answered.sendblue.faults.lose_inbound = True
    await answered.sendblue.customer_says(CUSTOMER, "Eight works")
    await until(lambda: "webhook_brings_no_answers" in logged())
    [copy] = [message for message in answered.sendblue.messages if not message.outbound]
    assert (await answered.callback(copy.body(), path=DOOR, headers=SIGNED)).status_code == 200
    await answered.app.store.write(end_lease, None)
    await asyncio.sleep(1.5)
    assert alarms(answered) == []


@pytest.mark.parametrize("name", ["type", "event", "event_type"])
async def test_a_line_that_sendblue_reports_as_blocked_is_told_once(answered: Stage, name: str) -> None:
    body = {name: "line_blocked", "sendblue_number": LINE}
    for _ in range(3):
        assert (await answered.callback(body, path=DOOR, headers=SIGNED)).status_code == 200
    await until(lambda: alarms(answered))
    assert alarms(answered)[0].startswith("🚨 *Sendblue says that +1 ••• 0900 is blocked*")
    body["sendblue_number"] = "+15550109999"
    assert (await answered.callback(body, path=DOOR, headers=SIGNED)).status_code == 200
    await asyncio.sleep(1.2)
    assert len(alarms(answered)) == 1
