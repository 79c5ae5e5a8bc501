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
    assert len(switches) == 17
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
    assert len(secrets) == 6
    assert [secret for secret in secrets if not secret or secret in shown] == []
