"""What people type in a customer's thread: sent by the channel's rule, marked on their very words, or kept."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.errors import NotStored
from bot.services import reading_back
from bot.slack.questions import ALWAYS, CORRECT, CORRECTION, KEEP, SEND
from bot.storage import waking
from bot.storage.intake import accept_many
from bot.storage.reply_edits import end_correction
from bot.storage.store import Store
from sandbox.slack.records import Ephemeral, SlackMessage
from sandbox.slack.workspace import BOT_USER
from tests.conftest import CUSTOMER, Stage, until
from tests.statements import asking, by_writer, doing

Opened = Callable[..., Any]
EDITED_UNSENT = "This was not sent, and an edit does not send it. To send your new words, write them again."
GENERAL, GUEST, OTHER = "C0GENERAL", "U0GUEST", "U0BEN"


async def texted(stage: Stage) -> SlackMessage:
    """Text the customer by command; return the root of the thread, once it says that this was delivered."""
    await stage.text()
    await until(lambda: "Delivered" in stage.shown())
    return stage.root()


async def write(stage: Stage, text: str, **how: Any) -> SlackMessage:
    return await stage.slack.reply(GENERAL, stage.roots()[0].ts, text, **how)


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
    return [one.text for one in stage.slack.ephemerals if not one.text.startswith("Got it")]


async def click(stage: Stage, action: str, question: Ephemeral, **how: Any) -> None:
    await stage.slack.click(GENERAL, question.id, action, **how)


@pytest.fixture
async def sends(open_stage: Opened) -> Stage:
    """A stage where what is typed is sent at once, with a thread."""
    stage: Stage = await open_stage(thread_replies="send", catch_up_interval=0.5, inbox_channel="G0TEAM")
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
    assert whispers(asks) == []  # the mark says it


async def test_what_is_kept_as_a_note_never_leaves(asks: Stage) -> None:
    reply = await write(asks, "They were rude last time")
    await until(lambda: questions(asks) and reply.reactions)  # the newest mark alone would follow a quicker click
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
    sends.sendblue.faults.refuse = "4002"
    reply = await write(sends, "Eight works")
    await until(lambda: "x" in reply.reactions)
    await until(lambda: any("Not sent" in text for text in posts(sends)))
    [told] = [text for text in posts(sends) if "Not sent" in text]
    assert told.startswith(f"<@{reply.user}>, about “Eight works”:")


async def test_what_failed_where_nothing_can_be_posted_any_more_is_told_its_author_directly(sends: Stage) -> None:
    sends.sendblue.faults.refuse = "4002"
    await write(sends, "Eight works")
    sends.slack.archive(GENERAL)
    dm = "D0BOTU0ANA"
    await until(lambda: any("Not sent" in message.text for message in sends.slack.messages(dm)))


async def test_a_question_that_slack_never_answers_for_is_asked_in_a_direct_message(asks: Stage) -> None:
    asks.slack.faults.errors["chat.postEphemeral"] = "internal_error"
    await write(asks, "Eight works")
    dm = "D0BOTU0ANA"
    await until(lambda: any("Send this to" in message.text for message in asks.slack.messages(dm)), within=20)


@pytest.fixture
async def waits(sends: Stage) -> Stage:
    """The same, where nothing that Ben types leaves: Slack does not say whether he may text."""
    sends.slack.faults.errors["users.info"] = "internal_error"
    return sends


def is_well_again(stage: Stage) -> None:
    stage.slack.faults.errors.clear()


async def test_an_edit_before_a_text_leaves_changes_it(waits: Stage) -> None:
    reply = await write(waits, "Seven works", user=OTHER)
    await waits.slack.edit(GENERAL, reply.ts, "Eight works")
    is_well_again(waits)
    await until(lambda: "white_check_mark" in reply.reactions)
    assert said(waits) == ["Table at eight?", "Eight works"]


async def test_an_edit_that_makes_it_a_note_and_a_deletion_keep_a_text_from_leaving(waits: Stage) -> None:
    noted, deleted = [await write(waits, words, user=OTHER) for words in ("Rude as ever", "Also rude")]
    await waits.slack.edit(GENERAL, noted.ts, "!Rude as ever")
    await waits.slack.remove(GENERAL, deleted.ts)
    await write(waits, "Eight works", user=OTHER)
    is_well_again(waits)
    await until(lambda: said(waits) == ["Table at eight?", "Eight works"])
    await until(lambda: noted.reactions[-1:] == ["lock"])


async def test_after_it_left_an_edit_offers_to_send_a_correction(sends: Stage) -> None:
    reply = await write(sends, "Seven works")
    await until(lambda: "white_check_mark" in reply.reactions)
    await sends.slack.edit(GENERAL, reply.ts, "Eight works")
    await until(lambda: any("still shows your first version" in text for text in whispers(sends)))
    [offer] = [one for one in sends.slack.ephemerals if "first version" in one.text]
    await click(sends, CORRECT, offer)
    [view] = sends.slack.views
    [written] = view.inputs()
    assert written["element"]["initial_value"] == "Eight works"
    answers = [await sends.slack.submit(view, {CORRECTION: "Sorry: eight works"}) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    await until(lambda: said(sends) == ["Table at eight?", "Seven works", "Sorry: eight works"])
    await until(lambda: any("Sorry: eight works" in text for text in posts(sends)))


async def test_an_edit_of_what_was_refused_does_not_claim_that_the_phone_shows_it(sends: Stage) -> None:
    sends.sendblue.faults.refuse = "4002"
    reply = await write(sends, "Eight works")
    await until(lambda: "x" in reply.reactions)
    await sends.slack.edit(GENERAL, reply.ts, "Nine works")
    await until(lambda: whispers(sends) == [EDITED_UNSENT])
    await sends.slack.remove(GENERAL, reply.ts)
    note = await write(sends, "!psst")
    await until(lambda: note.reactions == ["lock"])
    assert whispers(sends) == [EDITED_UNSENT]


async def test_a_correction_that_could_not_be_stored_is_sent_when_it_is_sent_again(
    sends: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = await write(sends, "Seven works")
    await until(lambda: "white_check_mark" in reply.reactions)
    await sends.slack.edit(GENERAL, reply.ts, "Eight works")
    await until(lambda: [one for one in sends.slack.ephemerals if "first version" in one.text])
    [offer] = [one for one in sends.slack.ephemerals if "first version" in one.text]
    await click(sends, CORRECT, offer)
    [view] = sends.slack.views
    assert sends.app is not None
    store = sends.app.store
    for refused, told in ((accept_many, "could not store"), (end_correction, None)):
        monkeypatch.setattr(store, "write", _refusing(store, refused))
        answer = await sends.slack.submit(view, {CORRECTION: "Eight works"})
        monkeypatch.undo()
        assert told is None or told in str(answer.body)
    assert answer.body in ("", {}, None)
    await until(lambda: said(sends) == ["Table at eight?", "Seven works", "Eight works"])


def _refusing(store: Store, refused: Any) -> Any:
    """The store's way to write while this work cannot be stored."""
    write = store.write

    async def writing(work: Any, item: Any, **how: Any) -> Any:
        if work is refused:
            raise NotStored("busy")
        return await write(work, item, **how)

    return writing


async def test_a_deletion_after_it_left_is_answered_with_the_truth(sends: Stage) -> None:
    reply = await write(sends, "Seven works")
    await until(lambda: "white_check_mark" in reply.reactions)
    await sends.slack.remove(GENERAL, reply.ts)
    await until(lambda: any("the customer's phone still shows them" in text for text in whispers(sends)))


async def test_a_preview_of_a_link_and_an_edit_of_a_note_change_nothing(sends: Stage) -> None:
    reply, note = await write(sends, "https://a.example works"), await write(sends, "!psst")
    await until(lambda: "white_check_mark" in reply.reactions and "lock" in note.reactions)
    await sends.slack.unfurl(GENERAL, reply.ts)
    await sends.slack.edit(GENERAL, note.ts, "psst")
    await write(sends, "See you")
    await until(lambda: said(sends) == ["Table at eight?", "https://a.example works", "See you"])
    assert whispers(sends) == []


async def test_held_words_that_nobody_decides_about_are_wiped_and_their_author_is_told(open_stage: Opened) -> None:
    stage: Stage = await open_stage(held_for=1)
    await texted(stage)
    reply = await write(stage, "Eight works")
    await until(lambda: questions(stage))
    [question] = questions(stage)
    dm = "D0BOTU0ANA"
    await until(lambda: any("was not sent" in message.text for message in stage.slack.messages(dm)))
    link = f"https://sandbox.slack.com/archives/{GENERAL}/p{reply.ts.replace('.', '')}"
    assert f"<{link}|What you typed> to a customer in <#{GENERAL}>" in stage.slack.messages(dm)[-1].text
    await until(lambda: reply.reactions == ["double_vertical_bar", "lock"])
    await click(stage, SEND, question)
    await until(lambda: any("It is a note by now" in text for text in whispers(stage)))
    assert said(stage) == ["Table at eight?"]
    assert stage.app is not None
    assert await stage.app.store.read(asking("SELECT id FROM messages WHERE text = 'Eight works'")) == []


async def test_words_that_can_no_longer_be_sent_when_that_is_clicked_are_kept_as_a_note(
    open_stage: Opened,
) -> None:
    stage: Stage = await open_stage(catch_up_interval=0.5)
    await texted(stage)
    reply = await write(stage, "Eight works")
    await until(lambda: questions(stage))
    [question] = questions(stage)
    await stage.sendblue.customer_says(CUSTOMER, "STOP")
    await until(lambda: any("Opted out" in text for text in posts(stage)))
    await click(stage, SEND, question)
    await until(lambda: any("has opted out" in text for text in whispers(stage)))
    await until(lambda: reply.reactions == ["double_vertical_bar", "lock"])
    assert said(stage) == ["Table at eight?"]


async def test_of_two_clicks_one_counts_and_nobody_else_can_send(asks: Stage) -> None:
    await write(asks, "Eight works")
    await until(lambda: questions(asks))
    [question] = questions(asks)
    await click(asks, SEND, question, user=OTHER)
    await until(lambda: any("Only the person who wrote this" in text for text in whispers(asks)))
    assert said(asks) == ["Table at eight?"]
    await asyncio.gather(*(click(asks, SEND, question) for _ in range(2)))
    await until(lambda: not questions(asks))
    await until(lambda: said(asks) == ["Table at eight?", "Eight works"])


async def test_words_typed_while_the_bot_was_away_are_read_back_and_asked_about_if_they_are_old(sends: Stage) -> None:
    await sends.stop()
    reply = await write(sends, "Eight works")
    await write(sends, "!psst")
    await sends.start(int(sends.settings.public_url.rpartition(":")[2]))
    await until(lambda: "white_check_mark" in reply.reactions, within=15)
    assert said(sends) == ["Table at eight?", "Eight works"]


async def test_old_words_that_are_read_back_are_asked_about(open_stage: Opened) -> None:
    stage: Stage = await open_stage(thread_replies="send", send_within=1)
    await texted(stage)
    await stage.stop()
    await write(stage, "Eight works")
    await asyncio.sleep(1.1)
    await stage.start(int(stage.settings.public_url.rpartition(":")[2]))
    await until(lambda: questions(stage), within=15)
    assert "You wrote this while I was away" in questions(stage)[0].text
    assert said(stage) == ["Table at eight?"]


async def test_a_reply_in_an_older_thread_makes_it_the_current_one(sends: Stage) -> None:
    await sends.text("Or nine?", channel="C0RANDOM")
    await until(lambda: "Delivered" in sends.shown("C0RANDOM"))
    await write(sends, "Eight works")
    await until(lambda: said(sends)[-1] == "Eight works")
    await until(lambda: "The conversation goes on in" in sends.shown("C0RANDOM"))
    await sends.sendblue.customer_says(CUSTOMER, "Great")
    await until(lambda: any("Great" in text for text in posts(sends)))


async def test_a_reply_from_outside_takes_no_conversation_out_of_a_private_place(sends: Stage) -> None:
    await sends.text("Between us", channel="G0TEAM")
    await until(lambda: "Delivered" in sends.shown("G0TEAM"))
    await write(sends, "Hello", user=OTHER)
    await until(lambda: any("goes on in a private channel" in text for text in whispers(sends)))
    assert said(sends) == ["Table at eight?", "Between us"]


async def test_words_to_a_sender_without_a_number_are_answered_with_why_they_stay(sends: Stage) -> None:
    await sends.sendblue.customer_says("ana.maria.long.name@example.com", "Hello")
    await until(lambda: any("wrote to" in root.text for root in sends.roots("G0TEAM")))
    await sends.slack.reply("G0TEAM", sends.roots("G0TEAM")[0].ts, "Hi")
    await until(lambda: any("it is no phone number" in text for text in whispers(sends)))


async def test_words_typed_while_the_process_slept_are_read_back_though_it_was_not_started_anew(
    open_stage: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_back, "_EVERY", 0.1)
    stage: Stage = await open_stage(thread_replies="send")
    await texted(stage)
    stage.slack.faults.lose_events = True
    reply = await write(stage, "Eight works")
    assert stage.app is not None
    an_hour_ago = stage.app.clock() - timedelta(hours=1)
    slept = doing("UPDATE progress SET at = :at WHERE key = 'alive'", at=an_hour_ago)
    await stage.app.store.write(by_writer(slept), None)
    await until(lambda: "white_check_mark" in reply.reactions)
    assert said(stage) == ["Table at eight?", "Eight works"]


async def test_words_typed_below_a_root_that_we_do_not_know_yet_are_read_later(open_stage: Opened) -> None:
    stage: Stage = await open_stage(thread_replies="send")
    stage.slack.faults.lose_answer = 1
    await stage.text()
    await until(stage.roots)
    reply = await write(stage, "Eight works")
    await until(lambda: "white_check_mark" in reply.reactions, within=15)
    assert said(stage) == ["Table at eight?", "Eight works"]


async def test_what_was_typed_before_the_rule_was_set_is_asked_about(open_stage: Opened) -> None:
    stage: Stage = await open_stage()
    await texted(stage)
    stage.slack.faults.delay_events = 1.0
    writing = asyncio.create_task(write(stage, "Eight works"))
    await asyncio.sleep(0.2)
    stage.slack.faults.delay_events = 0
    answer = await stage.slack.type("/imessage replies send")
    assert "goes to their phone at once" in answer.text
    await writing
    await until(lambda: questions(stage))
    await write(stage, "See you")
    await until(lambda: said(stage) == ["Table at eight?", "See you"])


@pytest.mark.parametrize("fault", ["repeat_events", "twin_events"])
async def test_copies_of_an_event_send_one_text(sends: Stage, fault: str) -> None:
    setattr(sends.slack.faults, fault, True)
    reply = await write(sends, "Eight works")
    await until(lambda: "white_check_mark" in reply.reactions)
    assert said(sends) == ["Table at eight?", "Eight works"]


async def test_where_marks_are_refused_replies_say_how_typed_words_do(sends: Stage) -> None:
    sends.slack.faults.refuse_reactions = "missing_scope"
    reply = await write(sends, "Eight works")
    await until(lambda: any("“Eight works”" in text and "Delivered" in text for text in posts(sends)))
    assert reply.reactions == []


async def test_only_what_begins_with_our_mention_goes_where_the_rule_says_so(open_stage: Opened) -> None:
    stage: Stage = await open_stage(thread_replies="mention")
    await texted(stage)
    first = await write(stage, "They are regulars")
    await until(lambda: any("Only the team sees this" in text for text in whispers(stage)))
    await write(stage, "Really")
    await write(stage, f"<@{BOT_USER}> Eight works")
    await until(lambda: said(stage) == ["Table at eight?", "Eight works"])
    assert len(whispers(stage)) == 1
    await until(lambda: first.reactions == ["lock"])


async def test_after_a_stop_a_reply_is_not_sent_and_its_author_is_told(sends: Stage) -> None:
    await sends.sendblue.customer_says(CUSTOMER, "STOP")
    await until(lambda: any("Opted out" in text for text in posts(sends)))
    await write(sends, "Eight works")
    await until(lambda: any("has opted out" in text for text in whispers(sends)))
    assert said(sends) == ["Table at eight?"]


async def test_the_first_sms_is_told_in_words_once(sends: Stage) -> None:
    sends.sendblue.faults.sms = True
    replies = [await write(sends, words) for words in ("Eight works", "See you")]
    await until(lambda: all("white_check_mark" in reply.reactions for reply in replies))
    await until(lambda: [text for text in posts(sends) if "your text went as SMS" in text])
    bye = await write(sends, "Bye")
    await until(lambda: "white_check_mark" in bye.reactions)
    await sends.sendblue.customer_says(CUSTOMER, "Bye")  # is posted after a second notice would be
    await until(lambda: any("Bye" in text for text in posts(sends)))
    assert len([text for text in posts(sends) if "your text went as SMS" in text]) == 1


async def test_the_root_says_what_the_mark_on_the_last_words_cannot(
    open_stage: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waking, "_CARD_WAITS", timedelta(seconds=0.2))
    stage: Stage = await open_stage(thread_replies="send", watch_for=3)
    await texted(stage)
    stage.sendblue.faults.stay = "SENT"
    await write(stage, "Eight works")
    await until(lambda: "Last: " in stage.shown() and "not confirmed" not in stage.shown())
    await until(lambda: "not confirmed" in stage.shown())


async def test_the_root_says_what_is_news_where_a_reply_was_refused(
    open_stage: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waking, "_CARD_WAITS", timedelta(seconds=0.2))
    stage: Stage = await open_stage(thread_replies="send", watch_for=3)
    await texted(stage)
    stage.sendblue.faults.stay = "SENT"
    stage.slack.faults.errors["chat.postMessage"] = "restricted_action"
    await write(stage, "Eight works")
    await until(lambda: "not confirmed" in stage.shown())
    text = stage.bubbles()[-1]
    path = text.status_callback.removeprefix(stage.settings.public_url)
    await stage.callback(text.body() | {"status": "DELIVERED"}, path=path)
    await until(lambda: "Eight works” · ✅ *Delivered*" in stage.shown())


async def test_typed_words_call_their_author_and_end_the_customers_wait(sends: Stage) -> None:
    await sends.sendblue.customer_says(CUSTOMER, "Or nine?")
    await until(lambda: "Waiting for an answer" in sends.shown())
    await write(sends, "Nine works", user=OTHER)
    await until(lambda: "Waiting for an answer" not in sends.shown() and "Nine works" in sends.shown())
    assert f"Last: <@{OTHER}>" in sends.shown()
