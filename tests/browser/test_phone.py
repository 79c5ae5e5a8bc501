"""The customer's phone: whose it is, and what its owner can do."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.desk import Desk
from tests.browser.measures import cut, overlapping

pytestmark = pytest.mark.asyncio(loop_scope="session")

SMALL = {"width": 1280, "height": 720}
HEAD = "#pane-phone .pane-head"


def spelled(number: str) -> str:
    """A number as the page spells it."""
    return f"+1 ({number[2:5]}) {number[5:8]}-{number[8:]}"


async def chosen(page: Page) -> str:
    return str(await page.get_by_label("Customer", exact=True).evaluate("list => list.selectedOptions[0].textContent"))


async def test_twenty_customers_fit_into_the_phones_header_and_the_keyboard_reaches_each(desk: Desk):
    page = desk.page
    await page.set_viewport_size(SMALL)
    numbers = [f"{desk.number[:-4]}{last}" for last in range(9100, 9120)]
    for number in numbers:
        await desk.world.sendblue.customer_says(number, f"Hello from {number[-4:]}")
    await expect(page.locator(".phone-number")).to_have_text(spelled(numbers[-1]))
    assert await chosen(page) == spelled(numbers[-1])
    assert await cut(page, f"{HEAD} h2, {HEAD} select") == []
    assert await overlapping(page, f"{HEAD} h2", f"{HEAD} select") == []
    await page.get_by_label("Customer", exact=True).focus()
    for number in reversed(numbers[:-1]):
        await page.keyboard.press("ArrowDown")
        await expect(page.locator(".phone-number")).to_have_text(spelled(number))
        assert await chosen(page) == spelled(number)
        await expect(page.get_by_test_id("bubble")).to_have_text([f"Hello from {number[-4:]}"])


async def test_a_conversation_that_is_read_stays_while_news_of_it_arrives(desk: Desk):
    """The list of customers keeps its place and the keyboard, whatever arrives."""
    await desk.world.sendblue.customer_says(desk.number, "One")
    await expect(desk.bubbles).to_have_text(["One"])
    customers = desk.page.get_by_label("Customer", exact=True)
    await customers.focus()
    await desk.world.sendblue.customer_says(desk.number, "Two")
    await expect(desk.bubbles).to_have_text(["One", "Two"])
    await expect(customers).to_be_focused()
    assert await chosen(desk.page) == spelled(desk.number)


async def test_whoever_writes_stop_is_shown_as_opted_out_and_gets_no_text_until_start(desk: Desk):
    """The real bot says so in the thread; nothing is said twice on the phone either."""
    state = desk.page.get_by_test_id("phone-state")
    await desk.text("Table at eight?")
    await expect(desk.replies.last).to_contain_text("Delivered")
    await expect(state).to_be_hidden()
    await desk.answer(" Stop! ")
    await expect(state).to_have_text("Opted out until they text START")
    await expect(desk.replies.last).to_contain_text("Opted out")
    await desk.text("Our autumn menu is here.")
    await expect(desk.whisper).to_contain_text("the customer has opted out")
    assert [text.content for text in desk.sent] == ["Table at eight?"]
    await desk.page.reload()
    await expect(state).to_have_text("Opted out until they text START")
    await desk.answer("Please start again")
    await expect(desk.bubbles).to_have_count(3)
    await expect(state).to_be_visible()
    await desk.answer("start")
    await expect(state).to_be_hidden()
    await expect(desk.replies.last).to_contain_text("Opted in again")
    await desk.text("Welcome back!")
    await expect(desk.replies.last).to_contain_text("Welcome back!")
    await expect(desk.replies.last).to_contain_text("Delivered")


async def test_the_switch_that_refuses_everybody_shows_on_the_phone_too(desk: Desk):
    await desk.world.sendblue.customer_says(desk.number, "Hello")
    await expect(desk.bubbles).to_have_count(1)
    await desk.switch_on("sendblue-opted_out")
    await expect(desk.page.get_by_test_id("phone-state")).to_contain_text("Opted out")
    await desk.page.get_by_test_id("clear-faults").click()
    await expect(desk.page.get_by_test_id("phone-state")).to_be_hidden()


async def test_the_phone_says_where_its_answers_appear(desk: Desk):
    note = desk.page.locator("#customer-note")
    await desk.text("Table at eight?")
    await expect(desk.bubbles).to_have_count(1)
    await expect(note).to_have_text("Answers appear in the customer’s thread.")
    await desk.page.get_by_label("Customer", exact=True).select_option("Somebody new")
    await expect(note).to_have_text("Appears in #team, as nobody has texted them.")
    await desk.page.get_by_label("Customer", exact=True).select_option("Friday dinner (group)")
    await expect(note).to_have_text("Appears in #team. Nobody can answer a group.")
