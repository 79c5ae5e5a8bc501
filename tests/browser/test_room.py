"""There is room for what matters on a small desk: no title is cut, nothing lies over something else."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.desk import Desk
from tests.browser.measures import cut, overlapping

pytestmark = pytest.mark.asyncio(loop_scope="session")

SMALL, USUAL, LARGE = {"width": 1280, "height": 720}, {"width": 1366, "height": 768}, {"width": 1440, "height": 900}
TITLES = "h1, h2, h3, .tagline, .pane-head p, .pane-head button, .channel-head p, .channel-title, .fault-title"
VISIBLE_FAULTS = """() => {
  const list = document.getElementById("fault-list").getBoundingClientRect();
  const head = document.querySelector("#fault-list h3").getBoundingClientRect();
  return [...document.querySelectorAll(".fault")].map((row) => row.getBoundingClientRect())
    .filter((row) => row.top >= head.bottom - 1 && row.bottom <= list.bottom + 1).length;
}"""


async def visible_faults(page: Page) -> int:
    """How many switches are in sight as a whole, without scrolling."""
    return int(await page.evaluate(VISIBLE_FAULTS))


@pytest.mark.parametrize("size", [SMALL, USUAL, LARGE], ids=lambda size: f"{size['width']}x{size['height']}")
async def test_no_title_is_cut_and_no_two_meet(desk: Desk, size):
    page = desk.page
    await page.set_viewport_size(size)
    await desk.text("Table at eight?")
    await expect(desk.status).to_contain_text("Delivered")
    assert await cut(page, TITLES) == []
    await desk.switch_on("sendblue-lose_callbacks", "sendblue-sms")
    await expect(page.locator("#fault-count")).to_have_text("2 on")
    assert await cut(page, TITLES) == []
    for pane in ("#pane-faults", "#pane-traffic", "#pane-phone"):
        head = f"{pane} .pane-head"
        assert await overlapping(page, f"{head} h2", f"{head} p", f"{head} select", f"{head} button") == []
    assert await overlapping(page, ".lane-head span:not(.lanes)", ".lane-head b", apart=6) == []


@pytest.mark.parametrize("width", [900, 1024, 1180])
async def test_narrower_desks_cut_no_title_of_a_pane_either(desk: Desk, width: int):
    page = desk.page
    await page.set_viewport_size({"width": width, "height": 720})
    await desk.switch_on("sendblue-lose_callbacks", "sendblue-sms")
    await expect(page.locator("#fault-count")).to_have_text("2 on")
    assert await cut(page, ".pane-head h2, .pane-head p, .pane-head button, .fault-title") == []
    for pane in ("#pane-faults", "#pane-traffic", "#pane-phone"):
        head = f"{pane} .pane-head"
        assert await overlapping(page, f"{head} h2", f"{head} p", f"{head} select", f"{head} button") == []
    assert await overlapping(page, ".lane-head span:not(.lanes)", ".lane-head b", apart=3) == []


async def test_the_columns_of_the_traffic_log_stand_under_their_names(desk: Desk):
    """The party's name is above the end of its arrows."""
    await desk.page.set_viewport_size(SMALL)
    await desk.text("Table at eight?")
    await expect(desk.status).to_contain_text("Delivered")
    middles = await desk.page.evaluate("""() => {
      const middle = (element) => { const box = element.getBoundingClientRect(); return box.left + box.width / 2; };
      const dot = (party) => middle(document.querySelector(`.dot.from-${party}`));
      const names = [...document.querySelectorAll(".lanes b")].map(middle);
      return ["slack", "bot", "sendblue"].map((party, place) => Math.abs(dot(party) - names[place]));
    }""")
    assert max(middles) < 2


@pytest.mark.parametrize(("size", "least"), [(SMALL, 12), (USUAL, 12)], ids=["1280x720", "1366x768"])
async def test_most_of_the_faults_are_in_sight_and_the_rest_a_scroll_away(desk: Desk, size, least):
    page = desk.page
    await page.set_viewport_size(size)
    await expect(page.locator("#fault-hint")).to_have_text("No text gets lost, and none goes out twice.")
    assert await visible_faults(page) >= least
    await page.locator(".fault").last.scroll_into_view_if_needed()
    await expect(page.locator(".fault").last).to_be_in_viewport(ratio=1)
    await desk.switch_on("sendblue-hang_after_accept")
    await expect(page.locator("#fault-hint")).to_have_text(
        "Sendblue never answers: one bubble, never two. "
        "Lose the callbacks as well, and the thread admits its doubt until the bot finds out."
    )
    assert await cut(page, "#fault-hint") == []
    await page.locator("#fault-list").evaluate("list => list.scrollTo(0, 0)")
    assert await visible_faults(page) >= least - 4
