"""Who may text customers."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Stage, until
from tests.services.test_deciding import click, reply_with

Opened = Callable[..., Any]


@pytest.mark.parametrize(("user", "words"), [("U0GUEST", "guests may not"), ("U0STRANGER", "outside this workspace")])
async def test_guests_and_strangers_are_refused_with_a_sentence(stage: Stage, user: str, words: str) -> None:
    await stage.text(user=user)
    await until(lambda: any("Not sent" in e.text and words in e.text for e in stage.slack.ephemerals))
    assert stage.bubbles() == []
    assert stage.roots() == []


async def test_guests_may_where_that_is_wanted(open_stage: Opened) -> None:
    stage = await open_stage(allow_guests=True)
    await stage.text(user="U0GUEST")
    await until(lambda: "Delivered" in stage.shown())


async def test_only_from_the_channels_on_the_list(open_stage: Opened) -> None:
    stage = await open_stage(allowed_channels="G0TEAM")
    assert "can't be texted from this channel" in (await stage.text()).text
    await stage.text(channel="G0TEAM")
    await until(lambda: "Delivered" in stage.shown("G0TEAM"))
    assert len(stage.bubbles()) == 1


async def test_only_the_people_on_the_list(open_stage: Opened) -> None:
    stage = await open_stage(allowed_users="U0ANA")
    assert "not on the list" in (await stage.text(user="U0BEN")).text
    await stage.text()
    await until(lambda: "Delivered" in stage.shown())


async def test_only_the_people_in_a_group_on_the_list(open_stage: Opened) -> None:
    stage = await open_stage(allowed_users="S0FRONT")
    await stage.text(user="U0BEN")
    await until(lambda: any("not on the list" in e.text for e in stage.slack.ephemerals))
    await stage.text(user="U0CLEO")
    await until(lambda: "Delivered" in stage.shown())
    assert len(stage.bubbles()) == 1


async def test_while_slack_does_not_say_who_somebody_is_nothing_leaves(stage: Stage) -> None:
    stage.slack.faults.errors["users.info"] = "internal_error"
    await stage.text()
    await until(lambda: len(stage.slack.calls) >= 2)
    assert stage.bubbles() == []
    stage.slack.faults.errors.clear()
    await until(lambda: "Delivered" in stage.shown(), within=15)
    assert len(stage.bubbles()) == len(stage.roots()) == 1


async def test_a_strangers_click_does_not_count(open_stage: Opened) -> None:
    stage = await open_stage(doubt_window=0.6)
    stage.sendblue.faults.answers.append((500, "oops"))
    await stage.text()
    await until(lambda: stage.roots() and reply_with(stage, "Please decide"))
    await click(stage, "resend", user="U0STRANGER")
    await until(lambda: any("outside this workspace" in e.text for e in stage.slack.ephemerals))
    assert stage.bubbles() == []
