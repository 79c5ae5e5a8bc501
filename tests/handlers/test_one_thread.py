"""One thread for a customer: later texts go on in it, and what goes wrong there leaves nobody without an answer."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.slack import SlackMessage
from tests.conftest import CUSTOMER, OTHER_LINE, Stage, until

SECRET = "webhook-secret"


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def begun(open_stage: Callable[..., Any]) -> Stage:
    """A stage on which a customer was texted, and the text was delivered."""
    stage: Stage = await open_stage(sendblue_webhook_secret=SECRET, inbox_channel="C0RANDOM", catch_up_interval=0.5)
    stage.sendblue.webhook_url, stage.sendblue.webhook_secret = f"{stage.settings.public_url}/sendblue/webhook", SECRET
    await stage.text("Table at eight?")
    await until(lambda: any("Delivered" in reply for reply in stage.replies()))
    return stage


def tops(stage: Stage, channel: str = "C0GENERAL") -> list[SlackMessage]:
    """The bot's messages that stand in the channel itself."""
    return [root for root in stage.roots(channel) if root.thread_ts is None]


def thread(stage: Stage, place: int = 0) -> list[str]:
    """What stands in a thread under its root."""
    return [reply.text for reply in stage.slack.replies("C0GENERAL", tops(stage)[place].ts)]


async def test_a_later_text_stands_in_the_same_thread_and_shows_how_it_stands(begun: Stage) -> None:
    before = thread(begun)
    answer = await begun.text("Or nine?", user="U0BEN")
    assert "/archives/C0GENERAL/p" in answer.text
    await until(lambda: any("Or nine?" in text and "Delivered" in text for text in thread(begun)))
    assert len(tops(begun)) == 1
    [said] = [text for text in thread(begun) if "Or nine?" in text]
    assert said.startswith("Text from <@U0BEN>: ")
    assert thread(begun) == [*before, said]  # which is edited: nothing more is posted


async def test_what_goes_wrong_with_a_later_text_is_a_reply_too(begun: Stage) -> None:
    begun.sendblue.faults.fail = "4000"
    await begun.text("Or nine?")
    await until(lambda: any(text.startswith("About “Or nine?”:\n❌") for text in thread(begun)))
    await until(lambda: any("Or nine?" in text and "❌" in text for text in thread(begun)))


async def test_texts_leave_in_the_order_in_which_they_were_typed(begun: Stage) -> None:
    for number in range(5):
        await begun.text(f"Text {number}")
    await until(lambda: len(begun.bubbles()) == 6)
    assert [bubble.content for bubble in begun.bubbles()][1:] == [f"Text {number}" for number in range(5)]
    assert len(tops(begun)) == 1


async def test_two_texts_at_once_share_a_thread(open_stage: Callable[..., Any]) -> None:
    stage: Stage = await open_stage()
    await asyncio.gather(stage.text("One"), stage.text("Two"), stage.text("Three"))
    await until(lambda: len(stage.bubbles()) == 3)
    await until(lambda: len(thread(stage)) >= 2)
    assert len(tops(stage)) == 1


async def test_another_channel_gets_a_thread_of_its_own_and_the_answers(begun: Stage) -> None:
    await begun.text("From here", channel="C0RANDOM")
    await until(lambda: tops(begun, "C0RANDOM"))
    await begun.sendblue.customer_says(CUSTOMER, "Eight works")
    await until(lambda: any("Eight works" in reply for reply in begun.replies("C0RANDOM")))
    assert not any("Eight works" in reply for reply in begun.replies())


async def test_a_thread_that_was_quiet_for_long_is_not_gone_on_with(open_stage: Callable[..., Any]) -> None:
    stage: Stage = await open_stage(new_thread_after=0.2)
    await stage.text("One")
    await until(lambda: tops(stage))
    await asyncio.sleep(0.3)
    await stage.text("Two")
    await until(lambda: len(tops(stage)) == 2)


@pytest.mark.parametrize("orphans", [False, True], ids=["refused", "posted-in-the-channel"])
async def test_when_the_root_is_deleted_the_next_text_begins_a_thread(begun: Stage, orphans: bool) -> None:
    begun.slack.faults.orphan_replies = orphans
    begun.slack.delete("C0GENERAL", tops(begun)[0].ts)
    await begun.text("Or nine?")
    await until(lambda: any("Or nine?" in root.text and "Delivered" in root.text for root in tops(begun)))
    assert [bubble.content for bubble in begun.bubbles()].count("Or nine?") == 1
    await begun.sendblue.customer_says(CUSTOMER, "Nine is fine")
    await until(lambda: any("Nine is fine" in reply for reply in begun.replies()))


async def test_a_guest_s_later_text_is_not_sent_and_they_are_told(begun: Stage) -> None:
    await begun.text("Psst", user="U0GUEST")
    await until(lambda: any("guests" in whisper.text for whisper in begun.slack.ephemerals))
    assert [bubble.content for bubble in begun.bubbles()] == ["Table at eight?"]
    assert not any("Psst" in text for text in thread(begun))


async def test_without_a_line_the_one_they_were_last_in_touch_on_is_used(begun: Stage) -> None:
    await begun.text("Hello", to=f"--from {OTHER_LINE} {CUSTOMER}")
    await until(lambda: len(begun.bubbles()) == 2)
    await begun.text("Still there?")
    await until(lambda: len(begun.bubbles()) == 3)
    assert begun.bubbles()[2].line == OTHER_LINE


async def test_a_line_that_is_no_longer_ours_is_said(begun: Stage) -> None:
    await begun.text("Hello", to=f"--from {OTHER_LINE} {CUSTOMER}")
    await until(lambda: len(begun.bubbles()) == 2)
    await begun.stop()
    begun.settings = begun.settings.model_copy(update={"sendblue_from_number": begun.settings.lines[0]})
    await begun.restart()
    answer = await begun.text("Still there?")
    assert answer.text.startswith("Not sent: the line that this customer was last in touch on is no longer ours.")
    assert f"--from {begun.settings.lines[0]}" in answer.text
    chosen = await begun.text("Still there?", to=f"--from {begun.settings.lines[0]} {CUSTOMER}")
    assert chosen.text.startswith("Got it")


async def test_an_answer_to_an_unknown_customer_goes_on_in_the_inbox(begun: Stage) -> None:
    await begun.sendblue.customer_says("+14155550123", "Do you have a table?")
    await until(lambda: tops(begun, "C0RANDOM"))
    await begun.text("At eight", to="+14155550123", channel="C0RANDOM")
    await until(lambda: any("At eight" in reply and "Delivered" in reply for reply in begun.replies("C0RANDOM")))
    assert len(tops(begun, "C0RANDOM")) == 1


@pytest.mark.parametrize(("who", "where"), [("U0GUEST", "C0RANDOM"), ("U0ANA", "G0SECRET")])
async def test_a_text_that_is_refused_elsewhere_leaves_the_conversation_where_it_is(
    begun: Stage, who: str, where: str
) -> None:
    await begun.text("Psst", user=who, channel=where)
    await until(lambda: any("Not sent" in whisper.text for whisper in begun.slack.ephemerals))
    await begun.sendblue.customer_says(CUSTOMER, "Eight works")
    await until(lambda: any("Eight works" in reply for reply in begun.replies()))


async def test_a_text_in_a_thread_that_cannot_be_opened_is_said_to_be_not_sent(
    open_stage: Callable[..., Any],
) -> None:
    stage: Stage = await open_stage(inbox_channel="G0SECRET", catch_up_interval=0.5)
    await stage.sendblue.customer_says("+14155550123", "Do you have a table?")
    await until(lambda: any(call.method == "chat.postMessage" for call in stage.slack.calls))
    await stage.text("At eight", to="+14155550123", channel="G0SECRET")
    await until(lambda: any("I'm not in this channel" in seen.text for seen in stage.slack.ephemerals), within=20)
    assert not stage.bubbles()


@pytest.mark.parametrize("number", [CUSTOMER, "+14155552672"], ids=["in-a-thread", "that-opens-one"])
async def test_a_replay_is_answered_as_the_command_was(begun: Stage, number: str) -> None:
    first = await begun.text("Or nine?", to=number, trigger_id="123.456.same")
    await until(lambda: any("Or nine?" in text and "Delivered" in text for text in begun.texts()))
    again = await begun.text("Or nine?", to=number, trigger_id="123.456.same")
    assert again.text == first.text
    assert ("/archives/" in first.text) == (number == CUSTOMER)
