"""The tour's scenes as buttons on the page, played with the real bot."""

import pytest
from playwright.async_api import expect

from sandbox.scenes import SCENES
from tests.browser.desk import Desk
from tests.browser.measures import cut
from tests.browser.test_manners import CONTRAST

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_one_click_plays_a_scene_says_what_to_watch_for_and_puts_the_switches_back(desk: Desk):
    page, strip = desk.page, desk.page.get_by_test_id("scene")
    await desk.switch_on("sendblue-sms")
    await expect(strip).to_be_hidden()
    for _ in range(2):  # it can be repeated
        await page.get_by_role("button", name="Scenes", exact=True).click()
        async with page.expect_response("**/control/scene"):
            await page.get_by_role("button", name="All callbacks lost").click()
        desk.world.sendblue.faults.hang_status = True  # the scene is not over before all of it was looked at
        await expect(strip).to_contain_text(
            "All callbacks lost. Watch: no news comes, so the bot asks Sendblue by itself, "
            "and the thread still ends at Delivered."
        )
        await expect(page.get_by_role("button", name="A plain text")).to_be_disabled()
        await page.get_by_role("button", name="Switches", exact=True).click()
        await expect(page.get_by_label("Lose every callback")).to_be_checked()
        await expect(page.get_by_label("Fall back to SMS")).not_to_be_checked()
        desk.world.sendblue.faults.hang_status = False
        await expect(page.get_by_test_id("thread-root")).to_contain_text("Shall we keep your table?")
        await expect(page.get_by_test_id("thread-reply").last).to_contain_text("Delivered as iMessage")
        await expect(strip).to_contain_text("Every promise was kept, and the switches are as they were.")
        await expect(page.get_by_test_id("bubble")).to_have_text(["Shall we keep your table?"])
        await expect(page.get_by_label("Lose every callback")).not_to_be_checked()
        await expect(page.get_by_label("Fall back to SMS")).to_be_checked()
    await strip.get_by_role("button", name="Dismiss").click()
    await expect(strip).to_be_hidden()


async def test_a_scene_is_over_at_once_when_the_bot_is_killed(desk: Desk):
    page, strip = desk.page, desk.page.get_by_test_id("scene")
    await page.get_by_role("button", name="Scenes", exact=True).click()
    await page.get_by_role("button", name="Sendblue never answers").click()
    await expect(page.locator("#fault-count")).to_have_text("3 on")
    await page.get_by_test_id("kill-bot").click()
    await expect(strip).to_contain_text("It was stopped short, as the bot went down.", timeout=5_000)
    await expect(page.locator("#fault-count")).to_be_empty()
    await expect(page.get_by_role("button", name="Opted out before")).to_be_enabled()
    await page.get_by_role("button", name="Opted out before").click()
    await expect(strip).to_contain_text("Every promise was kept")


async def test_a_scene_elsewhere_takes_the_reader_there(desk: Desk):
    """Into the private channel, from which the bot is taken out for it."""
    desk.world.slack.invite("G0SECRET")
    page = desk.page
    await page.get_by_role("button", name="Scenes", exact=True).click()
    await page.get_by_role("button", name="A channel without the bot").click()
    await expect(page.locator("#channel-name")).to_contain_text("secret")
    await expect(desk.whisper).to_contain_text("Not sent: I'm not in this channel.")
    await expect(page.get_by_test_id("scene")).to_contain_text("Every promise was kept")
    assert desk.world.slack.kick("G0SECRET")


async def test_all_scenes_are_in_sight_on_a_small_desk_and_none_is_cut(desk: Desk):
    page = desk.page
    await page.set_viewport_size({"width": 1280, "height": 720})
    await page.get_by_role("button", name="Scenes", exact=True).click()
    buttons = page.locator("#scenes button")
    await expect(buttons).to_have_count(len(SCENES))
    for number in range(len(SCENES)):
        await expect(buttons.nth(number)).to_be_in_viewport(ratio=1)
    assert await cut(page, ".scene-title, #pane-faults .pane-head h2") == []


async def test_all_scenes_stay_in_sight_beside_a_thread_while_one_is_told_of(desk: Desk):
    page = desk.page
    await page.set_viewport_size({"width": 1280, "height": 720})
    await desk.text("Table at eight?")
    await expect(desk.status).to_contain_text("Delivered")
    await page.get_by_role("button", name="Scenes", exact=True).click()
    longest = max(SCENES.items(), key=lambda scene: len(scene[0] + scene[1].watch))
    told = {"title": longest[0], "watch": longest[1].watch, "broken": [], "channel": "C0GENERAL", "user": "U0ANA"}
    for state in ("playing", "stopped"):
        desk.world.board.say("scene", told | {"state": state})
        await expect(page.locator(f'#scene[data-state="{state}"]')).to_be_visible()
        for number in range(len(SCENES)):
            await expect(page.locator("#scenes button").nth(number)).to_be_in_viewport(ratio=1)
        assert await cut(page, ".scene-title") == []


async def test_at_phone_width_a_scene_leads_to_slack_where_it_is_to_be_seen(desk: Desk):
    page = desk.page
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.reload()
    await page.get_by_role("button", name="Faults").click()
    await page.get_by_role("button", name="Scenes", exact=True).click()
    await page.get_by_role("button", name="Opted out before").click()
    await expect(page.get_by_test_id("scene")).to_contain_text("Watch: nothing reaches the phone")
    await expect(desk.composer).to_be_visible()
    await expect(page.locator('#messages [data-author="bot"]').last).to_contain_text("the customer has opted out")
    await expect(page.get_by_test_id("scene")).to_contain_text("Every promise was kept")


async def test_what_a_scene_shows_can_be_read_in_light_and_dark(desk: Desk):
    """However it went, with every customer opted out and faults counted on the tab."""
    page = desk.page
    await desk.world.sendblue.customer_says(desk.number, "STOP")
    desk.world.sendblue.faults.lose_callbacks = True
    await page.get_by_role("button", name="Scenes", exact=True).click()
    told = {"title": "A scene", "watch": "The sky.", "broken": ["the moon is red"], "channel": "C0GENERAL"}
    faint = []
    for size in ({"width": 1280, "height": 720}, {"width": 390, "height": 844}):
        await page.set_viewport_size(size)
        for state in ("playing", "kept", "broken", "stopped"):
            desk.world.board.say("scene", told | {"state": state, "user": "U0ANA"})
            await expect(page.locator(f'#scene[data-state="{state}"]')).to_be_visible()
            for pane in ("faults", "phone") if size["width"] < 900 else ("",):
                await page.evaluate("pane => document.querySelector(`[data-pane=${pane}]`)?.click()", pane or "slack")
                for scheme in ("light", "dark"):
                    await page.emulate_media(color_scheme=scheme)
                    faint += [
                        f"{state}, {scheme}, {size['width']} wide: {text}" for text in await page.evaluate(CONTRAST)
                    ]
    assert faint == []
