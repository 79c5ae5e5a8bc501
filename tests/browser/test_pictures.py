"""README's pictures show what the page shows, and the page shows only what works."""

import struct

import pytest
from playwright.async_api import expect

from tests.browser.desk import Desk
from tests.browser.take_pictures import FOLDER, SCALE, SCHEMES, SIZE, TEXTS, pose


@pytest.mark.asyncio(loop_scope="session")
async def test_what_the_pictures_show_claims_nothing_that_does_not_work(desk: Desk):
    """No answer of a customer's, no way to write into a thread, and a line that says so by the phone."""
    page = desk.page
    await page.set_viewport_size(SIZE)
    await pose(page)
    await expect(page.get_by_test_id("bubble")).to_have_text(list(TEXTS))
    await expect(page.get_by_role("group", name="From the customer")).to_have_count(0)
    await expect(page.get_by_test_id("thread").locator("input, textarea, form")).to_have_count(0)
    await expect(page.get_by_text("Answers are not shown in Slack yet.")).to_be_in_viewport(ratio=1)
    await expect(page.get_by_label("Lose every callback")).to_be_checked()
    await expect(page.get_by_role("button", name="Scenes", exact=True)).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_each_picture_is_as_large_as_the_script_takes_it(scheme: str):
    picture = (FOLDER / f"demo-{scheme}.png").read_bytes()
    assert struct.unpack(">II", picture[16:24]) == (int(SIZE["width"] * SCALE), int(SIZE["height"] * SCALE))
