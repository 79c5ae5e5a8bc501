"""The composer: what is wrong with what was typed, what is safe in it, and hands that hold no mouse."""

import pytest
from playwright.async_api import expect

from tests.browser.desk import Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")

MARKUP = """<script>window.broken = 1</script><img src=x onerror="window.broken = 1"> & <b>bold</b> &lt;3"""

WRONG = {
    "no number": ("/imessage dinner at eight?", "I need a phone number first"),
    "no text": ("/imessage {number}", "there is no text"),
    "an emergency number": ("/imessage 911 Help!", "that is an emergency number"),
    "an impossible number": ("/imessage +1 415 Hi", "that is not a number I can text"),
    "an unknown option": ("/imessage --colour red {number} Hi", "I don't know the option --colour"),
    "an unknown style": ("/imessage --style glitter {number} Hi", "I don't know that style"),
}


async def test_bad_input_gets_one_sentence_only_its_author_sees_and_sends_nothing(desk: Desk):
    whispers = desk.page.get_by_test_id("ephemeral")
    posts = await desk.page.locator("#messages .msg:not(.ephemeral)").count()
    await desk.type("  \n ")
    for what, (typed, sentence) in WRONG.items():
        before = await whispers.count()
        await desk.type(typed.format(number=desk.number))
        await expect(whispers, what).to_have_count(before + 1)
        await expect(desk.whisper, what).to_contain_text("Only visible to you")
        await expect(desk.whisper, what).to_contain_text(f"Not sent: {sentence}")
        assert desk.world.slack.ephemerals[-1].user == "U0ANA", what
    await desk.type("/dance")
    await expect(desk.page.get_by_test_id("toast")).to_have_text(
        "/dance is no command here. There are /imessage and /invite."
    )
    assert await desk.page.locator("#messages .msg:not(.ephemeral)").count() == posts
    assert [said for said in desk.complaints if "400" not in said] == []
    desk.complaints.clear()  # the browser writes down every HTTP 400 by itself
    assert desk.sent == desk.roots == []


async def test_the_readmes_other_line_can_be_chosen(desk: Desk):
    await desk.type(f"/imessage {desk.number} --from +1 555 010 0901 Table at eight?")
    await expect(desk.status).to_contain_text("Delivered")
    assert [(text.content, text.line) for text in desk.sent] == [("Table at eight?", "+15550100901")]


async def test_a_private_channel_without_the_bot_is_said_to_its_author_alone_and_sends_nothing(desk: Desk):
    await desk.page.get_by_test_id("channel-G0SECRET").click()
    await desk.text("The surprise is at nine.")
    await expect(desk.whisper).to_contain_text("Not sent: I'm not in this channel. Run /invite @bluethread")
    await expect(desk.whisper).to_contain_text("Only visible to you")
    await expect(desk.page.locator("#messages .msg:not(.ephemeral)")).to_have_count(0)
    assert desk.sent == desk.roots == []


async def test_typed_markup_stays_text_in_channel_thread_and_phone(desk: Desk):
    await desk.type(MARKUP)
    await expect(desk.page.locator('#messages [data-author="U0ANA"]').last).to_contain_text(MARKUP)
    await desk.text(MARKUP)
    await expect(desk.root.locator("blockquote")).to_have_text(MARKUP)
    await expect(desk.announced.locator("blockquote")).to_have_text(MARKUP)
    await expect(desk.page.get_by_test_id("ephemeral").last).to_contain_text(f"/imessage {desk.number} {MARKUP}")
    await expect(desk.bubbles).to_have_text([MARKUP])
    await desk.page.get_by_label("Answer as the customer").fill(MARKUP)
    await desk.page.get_by_label("Answer as the customer").press("Enter")
    await expect(desk.bubbles).to_have_text([MARKUP, MARKUP])
    assert desk.sent[0].content == MARKUP
    assert await desk.page.locator("#stage :is(script, img[src='x'], iframe, b:text-is('bold'))").count() == 0
    assert await desk.page.evaluate("window.broken") is None


async def test_it_all_works_without_a_mouse(desk: Desk):
    """Write, send, close the thread that opened, open it again, close it by Escape."""
    press = desk.page.keyboard.press
    thread = desk.page.get_by_test_id("thread")
    await expect(desk.composer).to_be_focused()
    await desk.page.keyboard.type(f"/imessage {desk.number} No hands!")
    await press("Tab")
    await press("Enter")  # on “Send”
    await expect(desk.status).to_contain_text("Delivered")
    await press("Tab")
    await expect(desk.page.get_by_role("button", name="Close the thread")).to_be_focused()
    await press("Enter")
    await expect(thread).to_be_hidden()
    await expect(desk.announced.get_by_test_id("replies")).to_be_focused()
    await press("Enter")
    await expect(desk.root).to_be_visible()
    await press("Escape")
    await expect(thread).to_be_hidden()
    await expect(desk.announced.get_by_test_id("replies")).to_be_focused()
