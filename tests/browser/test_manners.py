"""What one expects of any good page: it fits, it can be read, it minds its own business."""

import re
import struct
import zlib
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import DESK
from tests.browser.desk import Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONTRAST = Path(__file__).with_name("contrast.js").read_text()
PHONE = {"width": 390, "height": 844}
TABS = ("Slack", "Phone", "Faults", "Traffic")
NAMELESS = re.compile(r"^\s*- (?:button|link|textbox|combobox|checkbox|switch|separator|dialog)\b(?! \")", re.MULTILINE)


async def tab(page: Page, name: str) -> None:
    await page.get_by_role("navigation", name="Panes").get_by_role("button", name=name).click()


async def overflow(page: Page) -> tuple[int, int]:
    """By how many pixels the page is wider and higher than its window."""
    root = "document.documentElement"
    wide, high = await page.evaluate(f"[{root}.scrollWidth - innerWidth, {root}.scrollHeight - innerHeight]")
    return wide, high


async def is_dark(page: Page) -> bool:
    painted = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    return max(map(int, re.findall(r"\d+", painted)[:3])) < 60


async def with_everything_on_it(desk: Desk) -> None:
    """Bring a thread, a private answer, a failure, a fault, an open call and an answer of the customer's on screen."""
    await desk.type("/imessage help")
    await desk.text("Table at eight? :wave:")
    await expect(desk.status).to_contain_text("Delivered")
    desk.world.sendblue.faults.fail = "4000"
    await desk.text("--style confetti And one that fails")
    await expect(desk.page.locator(".bubble-status.failed")).to_be_visible()
    await desk.page.get_by_label("Answer as the customer").fill("Yes, please")
    await desk.page.get_by_label("Answer as the customer").press("Enter")
    await desk.page.get_by_test_id("traffic-row").last.get_by_role("button").click()


async def test_on_a_desk_the_page_fills_its_window_and_does_not_scroll(desk: Desk):
    await desk.text("Does it fit?")
    await expect(desk.status).to_contain_text("Delivered")
    assert await overflow(desk.page) == (0, 0)
    for name in ("Slack", "Phone", "Break something", "Real HTTP traffic"):
        await expect(desk.page.get_by_role("region", name=name, exact=True)).to_be_in_viewport(ratio=1)


async def test_at_phone_width_the_same_works_through_tabs(desk: Desk):
    page = desk.page
    await page.set_viewport_size(PHONE)
    await page.reload()  # a thread that was open would cover its channel
    await desk.text("On the go?")
    await expect(desk.announced).to_contain_text("Delivered")
    await desk.announced.get_by_test_id("replies").click()
    await expect(desk.status).to_contain_text("Delivered")
    await expect(desk.composer).to_be_hidden()
    await page.keyboard.press("Escape")
    panes = [page.locator(f"#pane-{name.lower()}") for name in TABS]
    for shown, name in enumerate(TABS):
        await tab(page, name)
        for number, pane in enumerate(panes):
            await expect(pane).to_be_visible(visible=number == shown)
        assert await overflow(page) == (0, 0), name
    await tab(page, "Phone")
    await expect(desk.bubbles).to_have_text(["On the go?"])
    await tab(page, "Faults")
    await desk.switch_on("sendblue-sms")
    await tab(page, "Slack")
    await expect(desk.composer).to_be_in_viewport()


async def test_the_dark_theme_can_be_chosen_and_is_remembered(desk: Desk):
    assert not await is_dark(desk.page)
    await desk.page.get_by_role("button", name="Switch to dark theme").click()
    assert await is_dark(desk.page)
    await desk.page.reload()
    assert await is_dark(desk.page)
    await desk.page.get_by_role("button", name="Switch to light theme").click()
    assert not await is_dark(desk.page)


async def test_no_request_leaves_the_page_and_the_console_stays_clean(desk: Desk):
    """Even where a text holds a picture and a link. (Every other test checks it as well: see `desk`.)"""
    await desk.text("--media https://example.com/menu.png See https://example.com/ <https://example.com/x|here>")
    await expect(desk.bubbles).to_contain_text(["menu.png"])
    await expect(desk.status).to_contain_text("Delivered")
    assert len(desk.requests) > 20
    assert [url for url in desk.requests if not url.startswith(desk.page.url)] == []
    assert desk.complaints == []


async def test_every_control_has_a_name_and_every_text_contrasts(desk: Desk):
    """In light and dark, at a desk and at phone width."""
    page = desk.page
    await with_everything_on_it(desk)
    faint = []
    for size in (DESK, PHONE):
        await page.set_viewport_size(size)
        assert NAMELESS.findall(await page.locator("body").aria_snapshot()) == []
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            faint += [f"{scheme}, {size['width']} wide: {text}" for text in await page.evaluate(CONTRAST)]
    assert faint == []


async def test_pictures_of_a_delivered_text_and_of_a_green_one_in_the_dark(desk: Desk, tmp_path: Path):
    await desk.text("Say cheese")
    await expect(desk.status).to_contain_text("Delivered")
    await desk.page.screenshot(path=tmp_path / "delivered.png")
    await desk.page.get_by_test_id("theme").click()
    await desk.switch_on("sendblue-sms")
    await desk.text("And now in green")
    await expect(desk.tick).to_have_text("Sent as Text Message")
    await desk.page.screenshot(path=tmp_path / "dark.png")
    pictures = [(tmp_path / name).read_bytes() for name in ("delivered.png", "dark.png")]
    assert [_scan_lines(picture) > 400 for picture in pictures] == [True, True]
    assert pictures[0] != pictures[1]


def _scan_lines(png: bytes) -> int:
    """How many different lines of pixels a picture of 1280×800 has: a blank one has two."""
    assert struct.unpack(">II", png[16:24]) == (1280, 800)
    at, packed = 8, b""
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        packed += png[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += length + 12
    pixels = zlib.decompress(packed)
    width = len(pixels) // 800
    return len({pixels[line : line + width] for line in range(0, len(pixels), width)})
