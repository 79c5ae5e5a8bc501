"""Who may text customers."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.errors import Refused
from sandbox.slack.records import SlackMessage
from tests.conftest import Stage, until
from tests.services.test_deciding import click, reply_with, value_of

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


async def test_a_deleted_group_changes_nothing_for_the_people_of_another(open_stage: Opened) -> None:
    stage = await open_stage(allowed_users="S0AAGONE,S0FRONT")
    await stage.text(user="U0BEN")
    await until(lambda: any("not on the list" in e.text for e in stage.slack.ephemerals))
    await stage.text(user="U0CLEO")
    await until(lambda: "Delivered" in stage.shown())
    assert len(stage.bubbles()) == 1


async def test_refused_guests_take_no_slot_of_their_channel(open_stage: Opened) -> None:
    stage = await open_stage(slack_post_interval=3)
    for _ in range(5):
        await stage.text(user="U0GUEST")
    await stage.text()
    await until(stage.roots, within=2.5)


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


async def doubted(stage: Stage, **where: Any) -> None:
    stage.sendblue.faults.answers.append((500, "oops"))
    await stage.text(**where)
    await until(lambda: stage.roots() and reply_with(stage, "Please decide"))


async def test_a_click_does_not_count_where_nobody_may_text_any_more(open_stage: Opened) -> None:
    stage = await open_stage(doubt_window=0.6)
    await doubted(stage)
    await stage.stop()
    stage.settings = stage.settings.model_copy(update={"allowed_channels": "G0TEAM"})
    await stage.start(int(stage.settings.public_url.rpartition(":")[2]))
    await click(stage, "resend")
    await until(lambda: any("Nothing was done: customers can't be texted" in e.text for e in stage.slack.ephemerals))
    assert stage.bubbles() == []


async def test_a_click_in_a_direct_message_counts_where_its_text_was_allowed(open_stage: Opened) -> None:
    stage = await open_stage(doubt_window=0.6, allowed_channels="C0GENERAL")
    stage.sendblue.faults.answers.append((500, "oops"))
    await stage.text()
    await until(stage.roots)
    stage.slack.archive("C0GENERAL")  # so the question comes to the sender directly
    directly = "D0BOTU0ANA"
    question = await until(lambda: next(iter(asked(stage, directly)), None))
    await stage.slack.click(directly, question.ts, "resend", value_of(question))
    await until(stage.bubbles)


def asked(stage: Stage, channel: str) -> list[SlackMessage]:
    said = [reply for root in stage.roots(channel) for reply in stage.slack.replies(channel, root.ts)]
    return [reply for reply in said if "Please decide" in reply.text]


async def test_somebody_of_another_workspace_may_not_click_although_slack_names_ours(open_stage: Opened) -> None:
    stage = await open_stage()
    permitting = stage.app.permitting
    await permitting.check("U0ANA", "T0SANDBOX")
    with pytest.raises(Refused, match="stranger"):
        await permitting.check("U0ANA", "T0SANDBOX", "T0OTHER")
