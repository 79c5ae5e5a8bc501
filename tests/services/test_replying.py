"""What people type in a customer's thread: sent by the channel's rule, marked on their very words, or kept."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.slack.questions import ALWAYS, KEEP, SEND
from sandbox.slack.records import Ephemeral, SlackMessage
from tests.conftest import CUSTOMER, Stage, until

Opened = Callable[..., Any]
GENERAL, GUEST, OTHER = "C0GENERAL", "U0GUEST", "U0BEN"


async def texted(stage: Stage) -> SlackMessage:
    """Text the customer by command; return the root of the thread, once it says that this was delivered."""
    await stage.text()
    await until(lambda: "Delivered" in stage.shown())
    return stage.root()


async def write(stage: Stage, text: str, **how: Any) -> SlackMessage:
    return await stage.slack.reply(GENERAL, stage.root().ts, text, **how)


def said(stage: Stage) -> list[str]:
    """What has reached the customer's phone."""
    return [text.content for text in stage.bubbles()]


def posts(stage: Stage) -> list[str]:
    """What the bot has posted in the thread."""
    replies = stage.slack.replies(GENERAL, stage.roots()[0].ts)
    return [reply.text for reply in replies if reply.bot_id]


def questions(stage: Stage) -> list[Ephemeral]:
    return [one for one in stage.slack.ephemerals if "Send this to" in one.text]


def whispers(stage: Stage) -> list[str]:
    return [one.text for one in stage.slack.ephemerals]


async def click(stage: Stage, action: str, question: Ephemeral, **how: Any) -> None:
    await stage.slack.click(GENERAL, question.id, action, **how)


@pytest.fixture
async def sends(open_stage: Opened) -> Stage:
    """A stage where what is typed is sent at once, with a thread."""
    stage: Stage = await open_stage(thread_replies="send")
    await texted(stage)
    return stage


@pytest.fixture
async def asks(open_stage: Opened) -> Stage:
    stage: Stage = await open_stage()
    await texted(stage)
    return stage


async def test_typed_words_reach_the_phone_and_are_marked_when_they_are_there(sends: Stage) -> None:
    reply = await write(sends, "Eight works")
    await until(lambda: "white_check_mark" in reply.reactions)
    assert said(sends) == ["Table at eight?", "Eight works"]
    assert [text.number for text in sends.bubbles()] == [CUSTOMER, CUSTOMER]
    assert not any("Eight works" in text for text in posts(sends))  # the mark says it all


async def test_by_default_a_person_is_asked_first_and_one_click_sends(asks: Stage) -> None:
    reply = await write(asks, "Eight works")
    await until(lambda: questions(asks))
    [question] = questions(asks)
    assert (question.user, question.thread_ts) == (reply.user, reply.thread_ts)
    await until(lambda: reply.reactions == ["double_vertical_bar"])
    assert said(asks) == ["Table at eight?"]
    await click(asks, SEND, question)
    await until(lambda: reply.reactions[-1] == "white_check_mark")
    assert said(asks) == ["Table at eight?", "Eight works"]
    await until(lambda: not questions(asks))
    assert any("Sent on its way" in text for text in whispers(asks))


async def test_what_is_kept_as_a_note_never_leaves(asks: Stage) -> None:
    reply = await write(asks, "They were rude last time")
    await until(lambda: questions(asks))
    await click(asks, KEEP, questions(asks)[0])
    await until(lambda: reply.reactions == ["double_vertical_bar", "lock"])
    assert said(asks) == ["Table at eight?"]


async def test_always_sends_this_one_and_the_next_and_says_so_in_the_channel(asks: Stage) -> None:
    await write(asks, "Eight works")
    await until(lambda: questions(asks))
    await click(asks, ALWAYS, questions(asks)[0])
    await until(lambda: any("set: what is typed" in root.text for root in asks.roots()))
    await asks.slack.reply(GENERAL, asks.roots()[0].ts, "See you")
    await until(lambda: said(asks) == ["Table at eight?", "Eight works", "See you"])


@pytest.mark.parametrize("words", ["!psst", "Note: rude", "*private:* do not send", "！psst"])
async def test_a_note_is_marked_once_and_never_leaves(sends: Stage, words: str) -> None:
    note = await write(sends, words)
    await until(lambda: note.reactions == ["lock"])
    again = await write(sends, words)
    await write(sends, "This one goes")
    await until(lambda: said(sends) == ["Table at eight?", "This one goes"])
    assert again.reactions == []


async def test_a_guest_cannot_text_and_is_told_once(sends: Stage) -> None:
    replies = [await write(sends, words, user=GUEST) for words in ("Hello", "Hello?")]
    await until(lambda: any("guests may not text" in text for text in whispers(sends)))
    await write(sends, "Good evening")
    await until(lambda: said(sends) == ["Table at eight?", "Good evening"])
    assert [reply.reactions for reply in replies] == [[], []]
    assert len([text for text in whispers(sends) if "guests may not text" in text]) == 1


async def test_words_for_a_colleague_are_held_where_words_are_sent(sends: Stage) -> None:
    await write(sends, f"<@{OTHER}> do we have a table?")
    await until(lambda: questions(sends))
    assert "It mentions somebody" in questions(sends)[0].text
    assert "@Ben do we have a table?" in questions(sends)[0].text
    assert said(sends) == ["Table at eight?"]


async def test_what_a_kill_interrupts_between_the_event_and_the_post_is_sent_once_after_the_restart(
    sends: Stage,
) -> None:
    reply = await write(sends, "Eight works")
    await sends.restart()
    await until(lambda: "white_check_mark" in reply.reactions)
    assert said(sends) == ["Table at eight?", "Eight works"]


async def test_what_could_not_be_sent_is_marked_and_said_in_words_to_its_author(sends: Stage) -> None:
    sends.sendblue.faults.refuse = ("4002", "Unsupported number")
    reply = await write(sends, "Eight works")
    await until(lambda: "x" in reply.reactions)
    await until(lambda: any("Not sent" in text for text in posts(sends)))
    [told] = [text for text in posts(sends) if "Not sent" in text]
    assert told.startswith(f"<@{reply.user}>, about “Eight works”:")


async def test_an_edit_before_a_text_leaves_changes_it_and_one_that_makes_it_a_note_stops_it(sends: Stage) -> None:
    sends.slack.faults.answer("users.info", "hang")
