"""README's pictures show what the page shows, and the page shows only what works."""

import struct

import pytest
from playwright.async_api import expect

from tests.browser.desk import Desk
from tests.browser.take_pictures import ANSWER, FOLDER, NOTE, REPLY, SCALE, SCHEMES, SIZE, TEXT, pose


@pytest.mark.asyncio(loop_scope="session")
async def test_what_the_pictures_show_claims_nothing_that_does_not_work(desk: Desk):
    """An answer with a photo, a reply with its mark, a note with its own, and boxes to write back in."""
    page = desk.page
    await page.set_viewport_size(SIZE)
    await pose(page)
    await expect(page.get_by_test_id("bubble")).to_have_text([TEXT, ANSWER, REPLY])
    for words in (ANSWER, REPLY, NOTE):
        shown = page.get_by_test_id("thread-reply").filter(has_text=words)
        await expect(shown).to_be_in_viewport(ratio=1)
        await expect(shown.get_by_test_id("reaction").last).to_be_visible(visible=words != ANSWER)
    for place in ("thread", "phone"):
        await expect(page.get_by_test_id(place).get_by_test_id("picture")).to_be_in_viewport(ratio=1)
    await expect(page.get_by_label("Reply in the thread")).to_be_in_viewport(ratio=1)
    await expect(page.get_by_text("Answers appear in the customer’s thread.")).to_be_in_viewport(ratio=1)
    await expect(page.get_by_label("Lose every callback")).to_be_checked()
    await expect(page.get_by_role("button", name="Scenes", exact=True)).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_each_picture_is_as_large_as_the_script_takes_it(scheme: str):
    picture = (FOLDER / f"demo-{scheme}.png").read_bytes()
    assert struct.unpack(">II", picture[16:24]) == (int(SIZE["width"] * SCALE), int(SIZE["height"] * SCALE))
