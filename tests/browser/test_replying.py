"""What people type in a customer's thread, with the real bot: sent, asked about or kept, and marked on the words."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Locator, expect

from tests.browser.desk import Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")

FIRST = "Table at eight?"
DELIVERED, HELD, KEPT = "check mark", "pause", "lock"
"""The marks, as a screen reader names them."""
BEN = "U0BEN"


async def begin(desk: Desk, rule: str) -> None:
    """Set the channel's rule, which the demo shares with all tests, and have a delivered text with its thread."""
    await desk.world.slack.type(f"/imessage replies {rule}")
    await desk.text(FIRST)
    await expect(desk.replies.last).to_contain_text("Delivered")


@pytest_asyncio.fixture(loop_scope="session")
async def asks(desk: Desk) -> Desk:
    await begin(desk, "ask")
    return desk


@pytest_asyncio.fixture(loop_scope="session")
async def sends(desk: Desk) -> AsyncIterator[Desk]:
    await begin(desk, "send")
    yield desk
    await desk.world.bot.start()
    await desk.world.slack.type("/imessage replies ask")


@pytest_asyncio.fixture(loop_scope="session")
async def waits(sends: Desk) -> Desk:
    """The same, where what Ben types waits: the bot has never asked who he is, and Slack does not say."""
    await sends.world.bot.kill()
    await sends.world.bot.start()
    sends.world.slack.faults.errors["users.info"] = "internal_error"
    await sends.act_as("Ben")
    return sends


def is_well_again(desk: Desk) -> None:
    desk.world.slack.faults.errors.clear()


def mark(typed: Locator, name: str) -> Locator:
    return typed.get_by_role("img", name=f"{name}, by Bluethread")


async def is_marked(typed: Locator, name: str) -> None:
    await expect(mark(typed, name)).to_be_visible()


async def shows(desk: Desk, *replies: str) -> None:
    """Expect these texts on the phone after the first one, on the page and in truth."""
    await expect(desk.bubbles).to_have_text([FIRST, *replies])
    assert [text.content for text in desk.sent] == [FIRST, *replies]


async def test_where_the_bot_asks_one_click_sends_and_the_words_say_that_they_arrived(asks: Desk):
    typed = await asks.reply("By the window?")
    await is_marked(typed, HELD)
    await expect(asks.question).to_contain_text(f"Send this to {asks.masked}?")
    await expect(asks.question).to_contain_text("By the window?")
    await shows(asks)
    await asks.question.get_by_role("button", name="Send", exact=True).click()
    await is_marked(typed, DELIVERED)
    await expect(asks.question).to_have_count(0)
    await shows(asks, "By the window?")


async def test_what_is_kept_as_a_note_stays_here(asks: Desk):
    typed = await asks.reply("They were rude last time")
    await asks.question.get_by_role("button", name="Keep as note").click()
    await is_marked(typed, KEPT)
    await expect(asks.question).to_have_count(0)
    await shows(asks)


async def test_always_send_is_said_aloud_and_ends_the_questions(asks: Desk):
    typed = await asks.reply("By the window?")
    await asks.question.get_by_role("button", name="Always send in this channel").click()
    await is_marked(typed, DELIVERED)
    aloud = asks.page.locator('#messages [data-author="bot"]').filter(has_text="goes to their phone at once").last
    await expect(aloud).to_contain_text("@Ana set: what is typed in a customer's thread")
    await is_marked(await asks.reply("Or on the terrace?"), DELIVERED)
    await expect(asks.question).to_have_count(0)
    await shows(asks, "By the window?", "Or on the terrace?")
    await asks.world.slack.type("/imessage replies ask")


async def test_where_replies_are_sent_nobody_is_asked(sends: Desk):
    await is_marked(await sends.reply("By the window?"), DELIVERED)
    await expect(sends.question).to_have_count(0)
    await shows(sends, "By the window?")


async def test_a_note_never_reaches_the_phone_and_has_a_lock(sends: Desk):
    note = await sends.reply("!psst, they are regulars")
    await is_marked(await sends.reply("See you tonight!"), DELIVERED)
    await is_marked(note, KEPT)
    await shows(sends, "See you tonight!")


async def test_a_colleagues_words_are_marked_on_them_and_the_card_names_the_colleague(sends: Desk):
    await sends.act_as("Ben")
    typed = await sends.reply("By the window?")
    await expect(typed).to_have_attribute("data-author", BEN)
    await is_marked(typed, DELIVERED)
    await expect(sends.root).to_contain_text("Last: @Ben")
    await shows(sends, "By the window?")


async def test_words_for_a_colleague_are_asked_about_also_where_replies_are_sent(sends: Desk):
    typed = await sends.reply("@Ben do we have a table?")
    await expect(sends.question).to_contain_text("It mentions somebody, so I ask first.")
    await is_marked(typed, HELD)
    await sends.act_as("Ben")
    await expect(sends.question).to_have_count(0)
    await shows(sends)


async def test_where_only_a_mention_sends_the_rest_is_a_note_which_is_said_once(sends: Desk):
    await sends.world.slack.type("/imessage replies mention")
    note = await sends.reply("They are regulars")
    await expect(sends.question).to_contain_text("Only the team sees this.")
    await is_marked(note, KEPT)
    await sends.reply("And they tip well")
    await is_marked(await sends.reply("@bluethread By the window?"), DELIVERED)
    await expect(sends.question).to_have_count(1)
    await shows(sends, "By the window?")


@pytest.mark.parametrize(
    ("who", "why"),
    [
        ("Gil (guest)", "Not sent: guests may not text customers."),
        ("Sam (outsider)", "Not sent: people from outside this workspace may not text its customers."),
    ],
)
async def test_who_may_not_text_is_told_privately_and_nothing_leaves(sends: Desk, who: str, why: str):
    await sends.act_as(who)
    typed = await sends.reply("Free drinks for everybody")
    await expect(sends.question).to_contain_text(why)
    await sends.act_as("Ana")
    await expect(sends.question).to_have_count(0)
    await is_marked(await sends.reply("See you tonight!"), DELIVERED)
    await expect(typed.get_by_test_id("reaction")).to_have_count(0)
    await shows(sends, "See you tonight!")


async def test_killed_between_enter_and_its_post_the_bot_sends_once_after_the_restart(waits: Desk):
    typed = await waits.reply("By the window?")
    await waits.page.get_by_test_id("kill-bot").click()
    await waits.sees_the_bot("down")
    assert [text.content for text in waits.sent] == [FIRST]
    is_well_again(waits)
    await waits.page.get_by_test_id("start-bot").click()
    await is_marked(typed, DELIVERED)
    await shows(waits, "By the window?")


async def edit(desk: Desk, typed: Locator, words: str) -> None:
    await typed.get_by_role("button", name="Edit message").click()
    editor = desk.page.get_by_role("textbox", name="Edit message")
    await editor.fill(words)
    await editor.press("Enter")
    await expect(typed).to_contain_text(f"{words}(edited)")


async def test_an_edit_before_a_reply_leaves_changes_what_leaves(waits: Desk):
    typed = await waits.reply("At seven?")
    await edit(waits, typed, "At nine?")
    is_well_again(waits)
    await is_marked(typed, DELIVERED)
    await shows(waits, "At nine?")


async def test_a_reply_that_is_deleted_before_it_leaves_does_not_leave(waits: Desk):
    typed = await waits.reply("At seven?")
    await typed.get_by_role("button", name="Delete message").click()
    await waits.page.get_by_role("button", name="Delete", exact=True).click()
    await expect(typed).to_have_count(0)
    again = await waits.reply("At nine?")
    is_well_again(waits)
    await is_marked(again, DELIVERED)
    await shows(waits, "At nine?")


async def test_after_it_left_an_edit_leads_to_a_correction_in_a_dialog(sends: Desk):
    typed = await sends.reply("At seven?")
    await is_marked(typed, DELIVERED)
    await edit(sends, typed, "At nine?")
    await expect(sends.question).to_contain_text("The customer's phone still shows your first version")
    await sends.question.get_by_role("button", name="Send correction").click()
    dialog = sends.page.get_by_role("dialog", name="Send a correction")
    words = dialog.get_by_label(f"A new text to {sends.masked}")
    await expect(words).to_have_value("At nine?")
    await words.fill("Sorry, at nine?")
    await dialog.get_by_role("button", name="Send", exact=True).click()
    await expect(dialog).to_be_hidden()
    await shows(sends, "At seven?", "Sorry, at nine?")
    await expect(sends.replies.filter(has_text="Sorry, at nine?")).to_contain_text("Delivered")


async def test_what_is_typed_while_events_are_lost_is_read_back_after_a_restart(sends: Desk):
    await sends.switch_on("slack-lose_events")
    note, typed = await sends.reply("!psst"), await sends.reply("By the window?")
    await sends.page.get_by_test_id("kill-bot").click()
    await sends.sees_the_bot("down")
    await sends.page.get_by_test_id("start-bot").click()
    await is_marked(typed, DELIVERED)
    await is_marked(note, KEPT)
    await shows(sends, "By the window?")


@pytest.mark.parametrize("fault", ["repeat_events", "twin_events", "delay_events"])
async def test_however_badly_an_event_is_told_one_text_is_sent(sends: Desk, fault: str):
    switch = sends.page.get_by_test_id(f"fault-slack-{fault}")
    await (switch.select_option(index=1) if fault == "delay_events" else switch.check())
    await is_marked(await sends.reply("By the window?"), DELIVERED)
    await is_marked(await sends.reply("See you tonight!"), DELIVERED)
    await sends.world.slack.events.settle()
    await shows(sends, "By the window?", "See you tonight!")


async def test_where_reactions_are_refused_the_thread_says_it_in_words(sends: Desk):
    await sends.switch_on("slack-refuse_reactions")
    typed = await sends.reply("By the window?")
    said = sends.replies.filter(has_text="“By the window?”").filter(has_text="Delivered")
    await expect(said).to_have_count(1)
    await expect(typed.get_by_test_id("reaction")).to_have_count(0)


async def test_after_a_stop_a_reply_does_not_leave_and_its_author_is_told(sends: Desk):
    await sends.answer("STOP")
    await expect(sends.replies.filter(has_text="Opted out")).to_have_count(1)
    await sends.reply("Just one thing")
    await expect(sends.question).to_contain_text("Not sent: the customer has opted out.")
    assert [text.content for text in sends.sent] == [FIRST]
