"""Files on the page: dropped, pasted or chosen, shown on the other side, and harmless whatever is in them."""

from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import JSHandle, Locator, Page, expect

from sandbox.attachments import LARGEST, MOST
from sandbox.contents import MIB
from sandbox.scenes import MENU, PHOTO
from tests.browser.conftest import DESK, PATIENCE
from tests.browser.desk import Desk
from tests.browser.test_manners import CONTRAST, NAMELESS, PHONE, overflow, tab
from tests.browser.test_replying import DELIVERED, begin, is_marked
from tests.samples import HTML, PDF, PNG, SVG

pytestmark = pytest.mark.asyncio(loop_scope="session")

SOON = 3_000
"""Milliseconds until a file stands on the other side, where nothing is broken."""
File = tuple[str, str, bytes]
"""Name, MIME type and bytes."""
PICTURE: File = ("menu.png", "image/png", MENU.read_bytes())
TABLE: File = ("table.jpg", "image/jpeg", PHOTO.read_bytes())
DOCUMENT: File = ("Allergens.pdf", "application/pdf", PDF)
HOSTILE_NAMES = (
    "<img src=x onerror='window.owned = 1'>.png",
    '"><script>window.owned = 1</script>.png',
    "<!channel> *bold* <https://example.com|here>.png",
    "menu\u202egnp.exe",
)
TRANSFER = """files => {
  const transfer = new DataTransfer();
  const bytes = (data) => Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  for (const [name, type, data] of files) transfer.items.add(new File([bytes(data)], name, { type }));
  return transfer;
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def sends(desk: Desk) -> AsyncIterator[Desk]:
    await begin(desk, "send")
    yield desk
    await desk.world.slack.type("/imessage replies ask")


async def transfer(page: Page, *files: File) -> JSHandle:
    """What a mouse or a clipboard carries."""
    return await page.evaluate_handle(TRANSFER, [[name, kind, b64encode(data).decode()] for name, kind, data in files])


async def drop(zone: Locator, *files: File) -> None:
    carried: Any = {"dataTransfer": await transfer(zone.page, *files)}
    await zone.dispatch_event("dragover", carried)
    await expect(zone.page.locator(".dropping")).to_have_count(1)
    await zone.dispatch_event("drop", carried)


async def choose(page: Page, clip: str, *files: File) -> None:
    """Click a paperclip and choose files."""
    async with page.expect_file_chooser() as chooser:
        await page.get_by_label(clip, exact=True).click()
    payloads: Any = [{"name": name, "mimeType": kind, "buffer": data} for name, kind, data in files]
    await (await chooser.value).set_files(payloads)


def box(desk: Desk) -> Locator:
    return desk.page.get_by_label("Reply in the thread")


def answer_box(desk: Desk) -> Locator:
    return desk.page.get_by_label("Answer as the customer")


def chips(page: Page) -> Locator:
    return page.get_by_test_id("file-chip")


def pictures(place: Locator) -> Locator:
    return place.get_by_test_id("picture")


async def is_drawn(picture: Locator, within: float = PATIENCE) -> None:
    """Expect that the browser could read the picture."""
    await expect(picture).to_be_visible(timeout=within)
    await expect(picture).not_to_have_js_property("naturalWidth", 0)


class TestFromTheThread:
    @pytest.mark.alone
    async def test_a_picture_dropped_on_the_reply_box_is_on_the_phone_soon(self, sends: Desk) -> None:
        await drop(box(sends), PICTURE)
        await expect(chips(sends.page)).to_have_text(["menu.png15.3 KB"])
        await expect(box(sends)).to_be_focused()
        typed = await sends.reply("Here is the menu")
        await expect(chips(sends.page)).to_have_count(0)
        await is_drawn(pictures(sends.bubbles.last), SOON)
        await expect(sends.bubbles.last).to_contain_text("Here is the menu")
        await is_drawn(pictures(typed))
        await expect(typed.locator("figcaption")).to_have_text("menu.png")
        await is_marked(typed, DELIVERED)

    async def test_a_pasted_picture_needs_no_words(self, sends: Desk) -> None:
        pasted = "(box, clipboardData) => box.dispatchEvent(new ClipboardEvent('paste', { clipboardData }))"
        await box(sends).evaluate(pasted, await transfer(sends.page, ("image.png", "image/png", PNG)))
        await expect(chips(sends.page)).to_contain_text(["image.png"])
        await box(sends).press("Enter")
        await is_drawn(pictures(sends.bubbles.last))
        assert [text.content for text in sends.sent] == ["Table at eight?", ""]

    async def test_words_from_an_office_program_are_not_pasted_as_a_picture_of_them(self, sends: Desk) -> None:
        carried = await transfer(sends.page, ("image.png", "image/png", PNG))
        pasted = """(box, clipboardData) => {
          for (const type of ["text/plain", "text/html"]) clipboardData.setData(type, "Eight");
          return box.dispatchEvent(new ClipboardEvent("paste", { clipboardData, cancelable: true }));
        }"""
        assert await box(sends).evaluate(pasted, carried)
        await expect(chips(sends.page)).to_have_count(0)

    async def test_it_works_without_a_mouse_and_a_screen_reader_hears_of_it(self, sends: Desk) -> None:
        press = sends.page.keyboard.press
        await box(sends).focus()
        await press("Shift+Tab")
        await expect(sends.page.get_by_role("button", name="Attach files to the reply")).to_be_focused()
        async with sends.page.expect_file_chooser() as chooser:
            await press("Enter")
        await (await chooser.value).set_files([PHOTO, MENU])
        await expect(sends.page.locator("#live")).to_have_text("Attached: table.jpg, menu.png")
        await expect(box(sends)).to_be_focused()
        await press("Shift+Tab")
        await press("Shift+Tab")
        await expect(sends.page.get_by_role("button", name="Remove menu.png")).to_be_focused()
        await press("Enter")
        await expect(sends.page.get_by_role("button", name="Remove table.jpg")).to_be_focused()
        await box(sends).focus()
        await sends.page.keyboard.type("Our best table")
        await press("Enter")
        await expect(sends.phone.get_by_role("img", name="table.jpg", exact=True)).to_be_visible()
        await expect(sends.replies.get_by_role("img", name="table.jpg", exact=True)).to_be_visible()
        assert [len(text.media) for text in sends.sent] == [0, 1]

    async def test_other_files_are_cards_with_name_type_and_size(self, sends: Desk) -> None:
        await choose(sends.page, "Attach files to the reply", DOCUMENT)
        await box(sends).press("Enter")
        card = "Allergens.pdf PDF, 189 bytes"
        await expect(sends.bubbles.last.get_by_role("link", name=card)).to_be_visible()
        shown = sends.replies.get_by_role("link", name=card)
        async with sends.page.expect_download() as saved:
            await shown.click()
        assert (await (await saved.value).path()).read_bytes() == PDF
        assert (await saved.value).suggested_filename == "Allergens.pdf"

    async def test_a_deleted_file_is_said_to_be_deleted(self, sends: Desk) -> None:
        await drop(box(sends), PICTURE, DOCUMENT)
        typed = await sends.reply("!for us")
        await typed.get_by_role("button", name="Delete menu.png").click()
        await sends.page.get_by_role("button", name="Delete", exact=True).click()
        await expect(typed.get_by_test_id("file")).to_have_text(
            ["This file was deleted", "Allergens.pdf PDF, 189 bytes"]
        )
        await sends.act_as("Ben")
        await expect(typed.get_by_role("button", name="Delete Allergens.pdf")).to_have_count(0)

    async def test_a_picture_lost_on_the_way_is_on_no_phone_and_the_thread_says_so(self, sends: Desk) -> None:
        await sends.switch_on("sendblue-drop_media")
        await drop(box(sends), PICTURE)
        typed = await sends.reply("Here is the menu")
        await expect(sends.bubbles.last).to_have_text("Here is the menu")
        await expect(sends.replies.last).to_contain_text("without the picture")
        await expect(pictures(sends.bubbles.last)).to_have_count(0)
        await is_drawn(pictures(typed))


class TestFromThePhone:
    @pytest.mark.alone
    async def test_a_photo_dropped_on_the_phone_stands_in_the_thread_soon(self, sends: Desk) -> None:
        await drop(sends.page.locator("#phone"), TABLE)
        await answer_box(sends).fill("Is this ours?")
        await answer_box(sends).press("Enter")
        await is_drawn(pictures(sends.bubbles.last))
        photo = pictures(sends.replies.last)
        await is_drawn(photo, SOON)
        assert "Photo from" in (await photo.get_attribute("alt") or "")
        await expect(sends.replies.last.locator("figcaption")).to_have_text("table.jpg")
        await expect(sends.replies.filter(has_text="Is this ours?")).to_contain_text("Photo (table.jpg)")
        await expect(chips(sends.page)).to_have_count(0)

    async def test_a_chosen_file_needs_no_words(self, sends: Desk) -> None:
        await choose(sends.page, "Attach files to the answer", DOCUMENT)
        await sends.page.get_by_test_id("phone").get_by_role("button", name="Answer", exact=True).click()
        card = "Allergens.pdf PDF, 189 bytes"
        await expect(sends.bubbles.last.get_by_role("link", name=card)).to_be_visible()
        await expect(sends.replies.last.get_by_role("link", name=card)).to_be_visible()

    async def test_what_waits_to_be_sent_keeps_its_conversation_on_screen(self, sends: Desk) -> None:
        await drop(sends.page.locator("#phone"), TABLE)
        await sends.world.sendblue.customer_says("+14155552999", "Me, too")
        await expect(sends.page.locator('[data-pane="phone"]')).to_have_class("news")
        await expect(sends.bubbles).to_have_count(1)


class TestBeforeSending:
    async def test_too_many_files_are_refused_in_a_sentence(self, desk: Desk) -> None:
        toast, reply = desk.page.get_by_test_id("toast"), desk.page.locator(".channel")
        await drop(reply, *[("one.png", "image/png", PNG)] * MOST)
        await expect(chips(desk.page)).to_have_count(MOST)
        await drop(reply, ("last.png", "image/png", PNG))
        await expect(toast).to_have_text(f"At most {MOST} files come with one message.")
        await expect(chips(desk.page)).to_have_count(MOST)

    async def test_too_large_files_are_refused_in_a_sentence(self, desk: Desk) -> None:
        large = """size => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(size)], "film.mp4"));
          return transfer;
        }"""
        carried: Any = {"dataTransfer": await desk.page.evaluate_handle(large, LARGEST + 1)}
        await desk.composer.dispatch_event("drop", carried)
        await expect(desk.page.get_by_test_id("toast")).to_have_text(
            f"Files have at most {LARGEST // MIB} MiB together."
        )
        await expect(chips(desk.page)).to_have_count(0)

    async def test_what_slack_refuses_comes_back_into_the_box_with_its_files(self, desk: Desk) -> None:
        await drop(desk.composer, PICTURE)
        await desk.text("Table at eight?")
        await expect(desk.page.get_by_test_id("toast")).to_have_text("Slack takes no files with a command.")
        await expect(desk.composer).to_have_value(f"/imessage {desk.number} Table at eight?")
        await expect(chips(desk.page)).to_contain_text(["menu.png"])
        assert [said for said in desk.complaints if "400" not in said] == []
        desk.complaints.clear()  # the browser writes down every HTTP 400 by itself

    async def test_a_file_in_the_channel_itself_is_shown_there(self, desk: Desk) -> None:
        await drop(desk.composer, PICTURE)
        await desk.type(f"For {desk.number}")
        said = desk.page.locator("#messages .msg").filter(has_text=f"For {desk.number}")
        await is_drawn(pictures(said))

    async def test_a_file_dropped_beside_every_box_does_not_take_the_page_away(self, desk: Desk) -> None:
        dropped = """(bar, dataTransfer) => ["dragover", "drop"].map((type) =>
          bar.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true })))"""
        carried = await transfer(desk.page, PICTURE)
        assert await desk.page.locator(".top").evaluate(dropped, carried) == [False, False]
        await expect(chips(desk.page)).to_have_count(0)


class TestHostileFiles:
    async def test_names_are_words_wherever_they_stand(self, sends: Desk) -> None:
        await drop(box(sends), *[(name, "image/png", PNG) for name in HOSTILE_NAMES])
        plain = [name.replace("\u202e", "") for name in HOSTILE_NAMES]
        for chip, name in zip(await chips(sends.page).all(), plain, strict=True):
            await expect(chip.locator("b")).to_have_text(name)
        typed = await sends.reply("!look")
        await expect(typed.get_by_test_id("file")).to_contain_text(plain)
        await drop(sends.page.locator("#phone"), (HOSTILE_NAMES[0], "image/png", PNG))
        await answer_box(sends).press("Enter")
        await is_drawn(pictures(sends.replies.and_(sends.page.locator('[data-author="bot"]'))))
        assert await pictures(sends.bubbles.last).get_attribute("alt") == HOSTILE_NAMES[0]
        await nothing_acts(sends.page)

    async def test_pages_and_drawings_are_cards_and_do_nothing_when_they_are_opened(self, sends: Desk) -> None:
        files = [
            ("page.html", "text/html", HTML),
            ("drawing.svg", "image/svg+xml", SVG),
            ("lie.png", "image/png", HTML),
        ]
        await drop(box(sends), *files)
        typed = await sends.reply("!look")
        await drop(sends.page.locator("#phone"), *files)
        await answer_box(sends).press("Enter")
        cards = typed.get_by_test_id("file-card")
        await expect(cards).to_contain_text(["page.html", "drawing.svg", "lie.png"])
        await expect(sends.bubbles.get_by_test_id("file-card")).to_have_count(3)
        await expect(pictures(sends.page.locator("#phone"))).to_have_count(0)
        for place in (0, 1):
            async with sends.page.expect_download():
                await cards.nth(place).evaluate("card => { card.removeAttribute('download'); card.click(); }")
        await nothing_acts(sends.page)


async def nothing_acts(page: Page) -> None:
    assert await page.evaluate("window.owned") is None
    assert await page.locator("#stage :is(script, iframe, object, embed, b:text-is('bold'))").count() == 0


async def test_the_traffic_log_names_each_transfer_and_shows_no_bytes(sends: Desk) -> None:
    await drop(box(sends), DOCUMENT)
    await is_marked(await sends.reply("Here"), DELIVERED)
    await drop(sends.page.locator("#phone"), DOCUMENT)
    await answer_box(sends).press("Enter")
    await expect(sends.replies.last.get_by_test_id("file-card")).to_be_visible()
    rows = sends.page.get_by_test_id("traffic-row")
    for words in ("GET /files-pri/…/allergens.pdf 189 bytes", "GET /media/…/Allergens.pdf 189 bytes"):
        await expect(rows.filter(has_text=words).last).to_be_visible()
    for words in ("POST /upload/v1/••• 189 bytes", "POST /api/upload-file"):
        await expect(rows.filter(has_text=words).last).to_contain_text("bytes")
    await rows.get_by_role("button").evaluate_all("buttons => buttons.forEach((button) => button.click())")
    shown = await sends.page.locator("#traffic-rows").inner_text()
    assert "Allergens.pdf" in shown
    assert [part for part in ("%PDF", b64encode(PDF).decode()[:20]) if part in shown] == []


async def test_at_phone_width_files_go_both_ways_and_nothing_is_wider_than_the_window(desk: Desk) -> None:
    page = desk.page
    await desk.world.slack.type("/imessage replies ask")
    await page.set_viewport_size(PHONE)
    await page.reload()
    await desk.text("On the go?")
    await expect(desk.announced).to_contain_text("Delivered")
    await desk.announced.get_by_test_id("replies").click()
    long = ("A very long name of a file that does not fit into any line of a phone.pdf", "application/pdf", PDF)
    await choose(page, "Attach files to the reply", PICTURE, long)
    for chip in await chips(page).all():
        await expect(chip).to_be_in_viewport(ratio=1)
    typed = await desk.reply("!the menu")
    await is_drawn(pictures(typed))
    await expect(typed.get_by_test_id("file-card")).to_be_in_viewport(ratio=1)
    assert await overflow(page) == (0, 0)
    await tab(page, "Phone")
    await choose(page, "Attach files to the answer", TABLE, long)
    for chip in await chips(page).all():
        await expect(chip).to_be_in_viewport(ratio=1)
    await answer_box(desk).press("Enter")
    await is_drawn(pictures(desk.bubbles))
    assert await overflow(page) == (0, 0)


async def test_files_have_names_and_can_be_read_in_light_and_dark(sends: Desk) -> None:
    """As chips, in messages, on the phone and while they are dragged, at a desk and at phone width."""
    page = sends.page
    await drop(box(sends), PICTURE, DOCUMENT)
    await is_marked(await sends.reply("All of it"), DELIVERED)
    await drop(sends.page.locator("#phone"), TABLE, DOCUMENT)
    await answer_box(sends).press("Enter")
    await expect(sends.replies.last.get_by_test_id("file")).not_to_have_count(0)
    await drop(box(sends), PICTURE, DOCUMENT)
    await drop(sends.page.locator("#phone"), DOCUMENT)
    faint = []
    for size in (DESK, PHONE):
        await page.set_viewport_size(size)
        for pane in ("slack", "phone") if size == PHONE else ("slack",):
            await page.evaluate("pane => document.querySelector(`.tabs [data-pane=${pane}]`).click()", pane)
            assert NAMELESS.findall(await page.locator("body").aria_snapshot()) == []
            for scheme in ("light", "dark"):
                await page.emulate_media(color_scheme=scheme)
                faint += [f"{scheme}, {size['width']} wide: {text}" for text in await page.evaluate(CONTRAST)]
    assert faint == []
