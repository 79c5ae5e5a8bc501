"""One text from the composer to the phone, and what its thread says meanwhile."""

import asyncio
import re

import pytest
from playwright.async_api import Locator, expect

from tests.browser.desk import Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")

DONE = 5
"""Seconds from Enter to “Delivered”, as the README promises."""


async def colour(bubble: Locator) -> str:
    """Which of red, green and blue is the strongest in a bubble's background."""
    painted = await bubble.evaluate("bubble => getComputedStyle(bubble).backgroundColor")
    parts = dict(zip(("red", "green", "blue"), map(int, re.findall(r"\d+", painted)[:3]), strict=True))
    return max(parts, key=lambda name: parts[name])


async def test_a_text_is_delivered_and_its_thread_says_so_within_five_seconds(desk: Desk):
    async with asyncio.timeout(DONE):
        await desk.text("Table at eight?")
        await expect(desk.status).to_contain_text("Delivered as iMessage")
        await expect(desk.replies.filter(has_text="Delivered as iMessage")).to_have_count(1)
    await expect(desk.bubbles).to_have_text(["Table at eight?"])
    await expect(desk.tick).to_have_text("Delivered")
    assert await colour(desk.bubbles) == "blue"
    assert len(desk.sent) == len(desk.roots) == 1


async def test_the_status_line_changes_in_place(desk: Desk):
    """In the thread and in the channel, without a second root."""
    desk.world.sendblue.faults.stay = "QUEUED"  # the test reports the rest, at its own pace
    await desk.text("Shall we say nine?")
    await expect(desk.bubbles).to_have_text(["Shall we say nine?"])
    await expect(desk.status).to_contain_text("Sending")
    roots = [root.ts for root in desk.roots]
    for status, words in {"SENT": "Sent as iMessage", "DELIVERED": "Delivered as iMessage"}.items():
        await desk.world.sendblue.report(desk.sent[0].handle, status)
        await expect(desk.status).to_contain_text(words)
        await expect(desk.announced.get_by_test_id("root-status")).to_contain_text(words)
    await expect(desk.status).not_to_contain_text("Sending")
    assert [root.ts for root in desk.roots] == roots
    await expect(desk.announced).to_have_count(1)


async def test_what_the_customer_answers_appears_on_the_phone(desk: Desk):
    await desk.text("Is the terrace all right?")
    await expect(desk.bubbles).to_have_count(1)
    await desk.page.get_by_label("Answer as the customer").fill("Yes, lovely!")
    await desk.page.get_by_test_id("phone").get_by_role("button", name="Answer", exact=True).click()
    await expect(desk.bubbles).to_have_text(["Is the terrace all right?", "Yes, lovely!"])
    await expect(desk.page.get_by_role("group", name="From the customer")).to_have_text("Yes, lovely!")


async def test_reading_it_on_the_phone_makes_the_thread_say_read(desk: Desk):
    await desk.text("Your table is ready.")
    await expect(desk.status).to_contain_text("Delivered")
    await desk.page.get_by_role("button", name="Read it").click()
    await expect(desk.tick).to_have_text("Read")
    await expect(desk.status).to_contain_text("Read as iMessage")
    await expect(desk.replies.last).to_contain_text("Read as iMessage")


async def test_a_fall_back_to_sms_is_a_green_bubble_and_promises_no_delivery(desk: Desk):
    await desk.switch_on("sendblue-sms")
    await desk.text("Your order is ready.")
    await expect(desk.status).to_contain_text("Sent as a text message (SMS)")
    await expect(desk.tick).to_have_text("Sent as Text Message")
    assert await colour(desk.bubbles) == "green"
    await expect(desk.root).not_to_contain_text("Delivered")


async def test_lost_callbacks_do_not_keep_the_thread_from_reaching_delivered(desk: Desk):
    await desk.switch_on("sendblue-lose_callbacks")
    await desk.text("Do you need a high chair?")
    await expect(desk.status).to_contain_text("Delivered as iMessage")
    await expect(desk.replies.last).to_contain_text("Delivered as iMessage")
    assert len(desk.sent) == 1


async def test_without_an_answer_the_thread_admits_its_doubt_until_it_knows_and_nothing_goes_out_twice(desk: Desk):
    await desk.switch_on("sendblue-hang_after_accept", "sendblue-lose_callbacks")
    await desk.text("Running ten minutes late?")
    await expect(desk.bubbles).to_have_count(1)
    await expect(desk.status).to_contain_text("Not known yet whether it went out")
    await expect(desk.replies.first).to_contain_text("We don't know yet whether this went out")
    await expect(desk.bubbles).to_have_count(1)
    await expect(desk.status).to_contain_text("Delivered")
    await expect(desk.bubbles).to_have_text(["Running ten minutes late?"])
    assert len(desk.sent) == len(desk.roots) == 1


async def test_a_bot_killed_while_sending_finds_out_and_sends_nothing_twice(desk: Desk):
    await desk.switch_on("sendblue-hang_after_accept", "sendblue-lose_callbacks")
    await desk.text("The kitchen closes at ten.")
    await expect(desk.bubbles).to_have_count(1)
    await desk.page.get_by_test_id("kill-bot").click()
    await desk.sees_the_bot("down")
    await desk.page.get_by_test_id("start-bot").click()
    await desk.sees_the_bot("up")
    await expect(desk.status).to_contain_text("Delivered")
    await expect(desk.bubbles).to_have_text(["The kitchen closes at ten."])
    await expect(desk.announced).to_have_count(1)
    assert len(desk.sent) == len(desk.roots) == 1


async def test_the_replies_of_a_second_message_under_one_name_have_their_face_too(desk: Desk):
    await desk.text("Table at eight?")
    await expect(desk.status).to_contain_text("Delivered")
    desk.world.slack.say("C0GENERAL", "Somebody begins anew")
    for words, number in (("The first", "+14155550197"), ("The second", "+14155550198")):
        await desk.type(f"/imessage {number} {words}")
        await expect(desk.page.get_by_test_id("thread-root")).to_contain_text(words)
    root = desk.page.locator('#messages [data-author="bot"]').filter(has_text="The second")
    await expect(root.get_by_test_id("replies")).to_be_visible()
    await root.evaluate("message => message.classList.add('compact')")
    assert await root.locator(".replies .face").evaluate("face => face.offsetHeight") == 20


async def test_a_link_to_a_thread_leads_to_it_on_the_page_from_another_channel_too(desk: Desk):
    await desk.text("Shall we say nine?")
    await expect(desk.status).to_contain_text("Delivered")
    await desk.text("Or ten?")
    link = desk.whisper.get_by_role("link", name="the customer's thread")
    await desk.page.get_by_role("button", name="Close the thread").click()
    await link.click()
    await expect(desk.root).to_contain_text("Shall we say nine?")
    address = await link.get_attribute("href")
    desk.world.slack.say("G0TEAM", f"See <{address}>")
    await desk.page.get_by_test_id("channel-G0TEAM").click()
    await expect(desk.root).to_have_count(0)
    await desk.page.locator("#messages").get_by_role("link", name=str(address)).click()
    await expect(desk.root).to_contain_text("Shall we say nine?")
    assert len(desk.page.context.pages) == 1
