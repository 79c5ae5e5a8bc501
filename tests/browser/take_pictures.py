"""Take README's two pictures of the demo again: `python -m tests.browser.take_pictures`, a quarter of a minute.

It needs Chromium, as the browser tests do, and plays what the pictures show with the real bot: apart from the
customer's photo, nothing in them is drawn or arranged. Fonts are those of the machine; the page asks for Helvetica or
Arial, for which Debian's `fonts-liberation` stands in. Where `pngquant` is installed, the files become a third of the
size. Look at both pictures before you commit them.
"""

import asyncio
import shutil
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, Locator, Page, ViewportSize, async_playwright, expect

from sandbox.ports import free_port
from sandbox.scenes import PHOTO
from sandbox.server import create_app
from sandbox.serving import serving
from sandbox.world import PROJECT, connect, world
from tests.browser.conftest import ARGUMENTS, NO_CHROMIUM, PATIENCE

FOLDER = PROJECT / "docs" / "images"
SIZE: ViewportSize = {"width": 1440, "height": 960}
SCALE = 1.5
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
CUSTOMER = "+1 415 555 2671"
TEXT = "Hi Maya, table for four at eight tonight?"
ANSWER = "Eight is perfect. This table again?"
REPLY = "Yes, it is yours. See you then!"
NOTE = "!Maya is a regular: the window table"


async def pose(page: Page) -> None:
    """Have a text read and answered with a photo, a reply delivered though its callbacks are lost, and a note kept."""
    root = page.get_by_test_id("thread-root")
    status = root.get_by_test_id("root-status")
    await write(page.get_by_test_id("composer"), f"/imessage {CUSTOMER} {TEXT}")
    await expect(root).to_contain_text(TEXT)
    await expect(status).to_contain_text("Delivered")
    await page.get_by_role("button", name="Read it").click()
    await expect(status).to_contain_text("Read as iMessage")
    async with page.expect_file_chooser() as chooser:
        await page.get_by_label("Attach files to the answer").click()
    await (await chooser.value).set_files(PHOTO)
    await write(page.get_by_label("Answer as the customer"), ANSWER)
    last = page.get_by_test_id("thread-reply").last
    await expect(last.get_by_test_id("picture")).to_be_visible()
    await page.get_by_test_id("fault-sendblue-lose_callbacks").check()
    await write(page.get_by_label("Reply in the thread"), REPLY)
    await page.get_by_test_id("thread-ephemeral").get_by_role("button", name="Send", exact=True).click()
    await expect(last.get_by_role("img", name="check mark")).to_be_visible()
    await write(page.get_by_label("Reply in the thread"), NOTE)
    await expect(last.get_by_role("img", name="lock")).to_be_visible()
    await expect(root).to_contain_text("Last: @Ana")  # the root follows some seconds later
    await expect(root).not_to_contain_text("Sen")  # neither Sending nor Sent
    await page.get_by_label("Reply in the thread").blur()
    await page.mouse.move(0, 0)


async def write(box: Locator, words: str) -> None:
    """Type into a box and press Enter."""
    await box.fill(words)
    await box.press("Enter")


async def take(browser: Browser, url: str, folder: Path) -> None:
    """Pose once, and take the light and the dark picture of it."""
    context = await browser.new_context(
        viewport=SIZE, device_scale_factor=SCALE, reduced_motion="reduce", locale="en-US", color_scheme="light"
    )
    page = await context.new_page()
    await page.goto(url)
    await page.locator('[data-testid="bot-state"][data-state="up"]').wait_for()
    await pose(page)
    await expect(page.locator(".root-status.changed")).to_have_count(0)
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme)
        await page.screenshot(path=folder / f"demo-{scheme}.png")
    await context.close()


async def main() -> None:
    """Start the demo as `make demo` does, take the pictures, stop it."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit(NO_CHROMIUM)
    expect.set_options(timeout=PATIENCE)
    async with world(free_port(0)) as made, serving(create_app(made)) as url, async_playwright() as driver:
        connect(made, url)
        await made.bot.start()
        browser = await driver.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        await take(browser, url, FOLDER)
        await browser.close()
        if shutil.which("pngquant"):
            pictures = [FOLDER / f"demo-{scheme}.png" for scheme in SCHEMES]
            await (await asyncio.create_subprocess_exec("pngquant", "--force", "--ext", ".png", *pictures)).wait()
        made.board.close()
        await made.bot.stop()


if __name__ == "__main__":
    asyncio.run(main())
