"""The fault panel and the traffic log, and what must never show in it."""

import httpx
import pytest
from playwright.async_api import expect

from tests.browser.desk import Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_every_fault_can_be_switched_on_and_all_be_cleared_at_once(desk: Desk):
    """The server agrees, each time."""
    fine = desk.world.faults()
    switches = await desk.page.locator('[data-testid^="fault-"]').all()
    for switch in switches:
        _, side, name = (await switch.get_attribute("data-testid") or "").split("-", 2)
        async with desk.page.expect_response(f"**/control/{side}/faults") as answer:
            if await switch.evaluate("field => field.matches('select')"):
                await switch.select_option(index=1)
            else:
                await switch.check()
        assert (await (await answer.value).json())[name] == desk.world.faults()[side][name] != fine[side][name], name
    await expect(desk.page.locator("#fault-count")).to_have_text(f"{len(switches)} on")
    assert len(switches) == 40
    await desk.page.get_by_test_id("clear-faults").click()
    await expect(desk.page.locator("#fault-count")).to_be_empty()
    assert desk.world.faults() == fine
    for switch in switches:
        assert not await switch.evaluate("field => field.matches('select') ? field.value : field.checked")


async def test_the_traffic_log_shows_the_calls_and_never_a_token_or_key(desk: Desk):
    await desk.text("Anything to hide?")
    await expect(desk.status).to_contain_text("Delivered")
    rows = desk.page.get_by_test_id("traffic-row")
    for sender, receiver in (("slack", "bot"), ("bot", "slack"), ("bot", "sendblue"), ("sendblue", "bot")):
        await expect(
            rows.and_(desk.page.locator(f'[data-from="{sender}"][data-to="{receiver}"]')).first
        ).to_be_visible()
    await rows.get_by_role("button").evaluate_all("buttons => buttons.forEach((button) => button.click())")
    shown = await desk.page.locator("#traffic-rows").inner_text()
    for words in ("POST /api/send-message", "/sendblue/status/", "Anything to hide?", "Request", "Answer"):
        assert words in shown
    async with httpx.AsyncClient(verify=False) as http:
        shown += (await http.get(f"{desk.page.url}control/state")).text
    settings = desk.world.bot.settings
    secrets = [value for name, value in settings.items() if name.endswith(("_TOKEN", "_SECRET", "_KEY", "_KEY_ID"))]
    secrets += [(text.status_callback or "").rpartition("/")[2] for text in desk.sent]
    assert len(secrets) == 7
    assert [secret for secret in secrets if not secret or secret in shown] == []


async def test_at_phone_width_the_faults_that_are_on_are_counted_on_their_tab(desk: Desk):
    """In sight from every tab, and in the tab's name for those who cannot see it."""
    page = desk.page
    await page.set_viewport_size({"width": 390, "height": 844})
    badge, tabs = page.get_by_test_id("tab-faults"), page.get_by_role("navigation", name="Panes")
    await expect(tabs.get_by_role("button", name="Faults", exact=True)).to_be_visible()
    await expect(badge).to_be_hidden()
    desk.world.sendblue.faults.sms = True
    desk.world.slack.faults.rate_limited = True
    await expect(badge).to_contain_text("2")
    await expect(tabs.get_by_role("button", name="Faults, 2 on", exact=True)).to_be_visible()
    for pane in ("Phone", "Traffic", "Faults", "Slack"):
        await tabs.get_by_role("button", name=pane).click()
        await expect(badge).to_be_in_viewport(ratio=1)
    await page.reload()
    await expect(badge).to_contain_text("2")
    desk.world.reset_faults()
    await expect(badge).to_be_hidden()
    await expect(tabs.get_by_role("button", name="Faults", exact=True)).to_be_visible()


async def test_a_value_that_the_list_does_not_offer_is_shown_while_it_is_on(desk: Desk):
    delay, refuse = desk.page.get_by_label("Delay callbacks"), desk.page.get_by_label("Sendblue refuses")
    shown = "list => list.selectedOptions[0].textContent"
    desk.world.sendblue.faults.delay_callbacks = 7
    desk.world.sendblue.faults.refuse = "4002"
    await expect(desk.page.locator("#fault-count")).to_have_text("2 on")
    assert [await delay.evaluate(shown), await refuse.evaluate(shown)] == ["7 s", "4002"]
    desk.world.sendblue.faults.delay_callbacks = 5
    await expect(delay).to_have_value("5")
    desk.world.reset_faults()
    await expect(desk.page.locator("#fault-count")).to_be_empty()
    assert [await delay.evaluate(shown), await refuse.evaluate(shown)] == ["off", "off"]
    assert await delay.locator("option").count() == 4
