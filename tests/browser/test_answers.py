"""What customers write, from the phone to Slack: in the thread, in the inbox, and in the channel itself."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Locator, expect

from sandbox.sendblue.groups import GROUP
from sandbox.sendblue.tapbacks import SIGNS
from sandbox.slack import SlackMessage
from sandbox.world import INBOX
from tests.browser.desk import Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")

LATE = ("delay_inbound", "list_lag")
"""Faults with a choice of seconds; the others are switches."""
ANSWERS = ("Are you open on Sunday?", "We would be six", "Hello?")


async def deliver(desk: Desk) -> None:
    """Text this test's customer, and wait until the thread has all the news of it."""
    await desk.text("Table at eight?")
    await expect(desk.replies.last).to_contain_text("Delivered")


def customers(desk: Desk) -> Locator:
    return desk.page.get_by_label("Customer", exact=True)


def standing(desk: Desk, channel: str) -> list[SlackMessage]:
    """What really stands in a channel and its threads, without what was deleted."""
    slack = desk.world.slack
    roots = slack.messages(channel)
    replies = [reply for root in roots for reply in slack.replies(channel, root.ts)]
    return [message for message in [*roots, *replies] if not message.deleted]


def told(desk: Desk, channel: str) -> list[str]:
    """Which of ANSWERS stand in a channel and its threads as words of this test's customer, one by one."""
    said = "\n".join(message.text for message in standing(desk, channel) if desk.masked in message.text)
    return re.findall("|".join(map(re.escape, ANSWERS)), said)


def readings(desk: Desk) -> int:
    """How often the bot has begun to read a list of what customers wrote."""
    asked = [call.params for call in desk.world.sendblue.calls if call.params.get("is_outbound") == "false"]
    return sum(params.get("offset", "0") == "0" for params in asked)


async def another_reading(desk: Desk) -> None:
    """Wait until the list of each line was read once more: what is to stand twice stands there by then."""
    enough = readings(desk) + 2 * len(desk.world.sendblue.lines)
    async with asyncio.timeout(30):
        while readings(desk) < enough:
            await asyncio.sleep(0.1)


async def test_an_answer_stands_in_the_thread_and_mentions_who_texted(desk: Desk):
    await deliver(desk)
    await desk.answer("Eight works, see you then")
    await expect(desk.replies.last).to_contain_text(f"{desk.masked}: Eight works, see you then")
    await expect(desk.replies.last.locator(".mention")).to_have_text("@Ana")


async def test_what_customers_write_while_the_bot_is_dead_stands_there_once_in_order(desk: Desk):
    await deliver(desk)
    await desk.page.get_by_test_id("kill-bot").click()
    await desk.sees_the_bot("down")
    for words in ANSWERS:
        await desk.answer(words)
        await expect(desk.bubbles.last).to_have_text(words)
    await desk.page.get_by_test_id("start-bot").click()
    await desk.sees_the_bot("up")
    for words in ANSWERS:
        await expect(desk.page.locator("#thread-replies")).to_contain_text(words)
    await another_reading(desk)
    assert told(desk, "C0GENERAL") == list(ANSWERS)
    assert told(desk, INBOX) == []


async def test_a_tapback_is_put_on_by_keyboard_told_in_the_thread_and_taken_back(desk: Desk):
    press, menu = desk.page.keyboard.press, desk.page.get_by_role("menu", name="Tapbacks")
    await deliver(desk)
    button = desk.bubbles.get_by_role("button", name="Tapback")
    await button.focus()
    await press("Enter")
    await expect(menu.get_by_role("menuitem")).to_have_count(len(SIGNS))
    await expect(menu.get_by_role("menuitem", name="Heart")).to_be_focused()
    await press("Escape")
    await expect(menu).to_be_hidden()
    await expect(button).to_be_focused()
    await press("Enter")
    await press("ArrowLeft")
    await expect(menu.get_by_role("menuitem", name="Question mark")).to_be_focused()
    await press("ArrowRight")
    await press("Enter")
    await expect(desk.bubbles.get_by_role("img", name="Tapback: Heart")).to_be_visible()
    await expect(button).to_be_focused()
    await expect(desk.replies.last).to_contain_text(f"{desk.masked} reacted  to “Table at eight?”", use_inner_text=True)
    await expect(desk.replies.last.get_by_role("img", name="red heart")).to_be_visible()
    await button.click()
    await menu.get_by_role("menuitem", name="Heart").click()
    await expect(desk.bubbles.get_by_role("img", name="Tapback")).to_have_count(0)
    await expect(desk.replies.last).to_contain_text("took back")
    await expect(desk.bubbles).to_have_text(["Table at eight?"])


@pytest.mark.parametrize("size", [{"width": 1280, "height": 720}, {"width": 390, "height": 844}])
async def test_the_menu_of_tapbacks_is_in_the_window_as_a_whole(desk: Desk, size):
    await desk.page.set_viewport_size(size)
    await desk.page.evaluate("document.querySelector('[data-pane=phone]').click()")
    await desk.world.slack.type(f"/imessage {desk.number} Yes")
    await desk.bubbles.get_by_role("button", name="Tapback").click()
    for item in await desk.page.get_by_role("menuitem").all():
        await expect(item).to_be_in_viewport(ratio=1)


async def test_a_customer_whom_nobody_has_texted_appears_in_the_inbox(desk: Desk):
    await customers(desk).select_option("Somebody new")
    await desk.answer("Do you have a table on Friday?")
    await expect(desk.page.get_by_test_id("bubble")).to_have_text(["Do you have a table on Friday?"])
    number = desk.world.sendblue.messages[-1].number
    inbox = desk.page.get_by_test_id(f"channel-{INBOX}")
    await expect(inbox).to_contain_text("(new)")
    await inbox.click()
    root = desk.page.locator('#messages [data-author="bot"]').filter(has_text=f"{number[-4:]} wrote to")
    await expect(root.locator("blockquote")).to_have_text("Do you have a table on Friday?")
    await desk.answer("We are four")
    await root.get_by_test_id("replies").click()
    await expect(desk.page.get_by_test_id("thread-reply")).to_have_count(1)
    await expect(desk.page.get_by_test_id("thread-reply")).to_contain_text(f"+1 ••• {number[-4:]}: We are four")


async def test_a_group_appears_in_the_inbox_with_who_wrote_what(desk: Desk):
    await customers(desk).select_option(GROUP.id)
    for place, words in enumerate(ANSWERS):
        await desk.page.get_by_label("Who of the group writes").select_option(GROUP.people[place])
        await desk.answer(words)
        await expect(desk.page.get_by_test_id("bubble").last).to_have_text(words)
    senders = [f"+1 (415) 555-{number[-4:]}" for number in GROUP.people]
    await expect(desk.page.locator(".sender")).to_have_text(senders)
    await desk.page.get_by_test_id(f"channel-{INBOX}").click()
    root = desk.page.locator('#messages [data-author="bot"]').filter(has_text="A group wrote to")
    await expect(root).to_contain_text(f"+1 ••• {GROUP.people[0][-4:]}: {ANSWERS[0]}")
    await root.get_by_test_id("replies").click()
    for number, words in zip(GROUP.people[1:], ANSWERS[1:], strict=True):
        await expect(desk.page.locator("#thread-replies")).to_contain_text(f"+1 ••• {number[-4:]}: {words}")


async def test_a_reply_that_calls_the_channel_stands_in_it_and_leads_to_its_thread(desk: Desk):
    """A customer whom nobody answered writes again."""
    page = desk.page
    await page.get_by_test_id(f"channel-{INBOX}").click()
    earlier = (datetime.now(UTC) - timedelta(minutes=10)).isoformat()
    await desk.world.sendblue.customer_says(desk.number, "Do you have a table?", date_sent=earlier)
    await expect(desk.announced).to_have_count(1)
    await desk.answer("Anybody there?")
    also = page.get_by_test_id("broadcast").filter(has_text=desk.masked)
    await expect(also).to_contain_text("Anybody there?")
    await expect(also).to_contain_text("replied to a thread: ")
    await page.reload()
    await page.get_by_test_id(f"channel-{INBOX}").click()
    await also.get_by_role("button", name="Do you have a table?").click()
    await expect(desk.root).to_contain_text("Do you have a table?")
    await expect(desk.replies).to_have_count(1)
    await expect(desk.replies).to_contain_text("Anybody there?")


async def answer_while(desk: Desk, *faults: str) -> list[str]:
    """Write ANSWERS while these faults of Sendblue are on; return what stands in the thread in the end."""
    await deliver(desk)
    for fault in faults:
        switch = desk.page.get_by_test_id(f"fault-sendblue-{fault}")
        await (switch.select_option(index=1) if fault in LATE else switch.check())
    for words in ANSWERS:
        await desk.answer(words)
        await expect(desk.bubbles.last).to_have_text(words)
    for words in ANSWERS:
        await expect(desk.page.locator("#thread-replies")).to_contain_text(words)
    await desk.world.sendblue.settle()
    await another_reading(desk)
    return told(desk, "C0GENERAL")


IN_ANY_ORDER = [
    ("shuffle_inbound", "duplicate_inbound"),
    ("delay_inbound",),
    ("lose_inbound", "list_newest_first"),
]
IN_ORDER = [("lose_inbound", "list_lag"), ("lose_inbound", "list_cap", "list_bare")]


@pytest.mark.parametrize("faults", IN_ANY_ORDER, ids=str)
async def test_where_answers_come_in_a_wrong_order_none_is_lost_and_none_stands_twice(desk: Desk, faults):
    assert sorted(await answer_while(desk, *faults)) == sorted(ANSWERS)


@pytest.mark.parametrize("faults", IN_ORDER, ids=str)
async def test_what_the_webhook_loses_stands_there_once_in_order_from_the_list(desk: Desk, faults):
    assert await answer_while(desk, *faults) == list(ANSWERS)


@pytest.mark.parametrize("into_the_channel", [False, True], ids=["refused", "into the channel"])
async def test_when_the_first_message_is_deleted_the_answer_stands_in_the_inbox_alone(desk: Desk, into_the_channel):
    page = desk.page
    await deliver(desk)
    if into_the_channel:
        await page.get_by_test_id("fault-slack-orphan_replies").check()
    await page.get_by_role("button", name="Delete the first message").click()
    await page.get_by_role("button", name="Delete it").click()
    await expect(page.get_by_test_id("thread-root")).to_contain_text("This message was deleted.")
    await desk.answer(ANSWERS[0])
    await page.get_by_test_id(f"channel-{INBOX}").click()
    await expect(desk.announced).to_contain_text(ANSWERS[0])
    await another_reading(desk)
    assert told(desk, INBOX) == [ANSWERS[0]]
    assert told(desk, "C0GENERAL") == []
