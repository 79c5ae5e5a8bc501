"""Being somebody else: a second member, who may text customers, a guest and an outsider, who may not."""

import re

import httpx
import pytest
from playwright.async_api import Locator, expect

from tests.browser.desk import Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")

BUTTON = {"type": "button", "action_id": "sandbox_only", "text": {"type": "plain_text", "text": "Press me"}}


def actor(desk: Desk) -> Locator:
    return desk.page.get_by_label("Act as")


async def test_one_can_be_ana_a_second_member_a_guest_or_an_outsider(desk: Desk):
    await expect(actor(desk).locator("option")).to_have_text(["Ana", "Ben", "Gil (guest)", "Sam (outsider)"])
    await expect(actor(desk)).to_have_value("U0ANA")


async def test_a_second_member_texts_a_customer_under_their_own_name(desk: Desk):
    await actor(desk).select_option("Ben")
    await desk.text("From Ben, with care")
    await expect(desk.root).to_contain_text("@Ben to")
    await expect(desk.status).to_contain_text("Delivered")
    await desk.type(f"Ben was here, {desk.number}")
    await expect(desk.page.locator('#messages [data-author="U0BEN"]').last).to_contain_text("Ben was here")


@pytest.mark.parametrize("channel", ["C0GENERAL", "G0TEAM"])
async def test_a_guest_is_refused_and_only_the_guest_is_told(desk: Desk, channel: str):
    await desk.page.get_by_test_id(f"channel-{channel}").click()
    await actor(desk).select_option("Gil (guest)")
    await desk.text("Free drinks for everybody")
    await expect(desk.whisper).to_contain_text("Not sent: guests may not text customers.")
    await expect(desk.whisper).to_contain_text("Only visible to you")
    assert desk.sent == desk.roots == []
    assert desk.world.slack.ephemerals[-1].user == "U0GUEST"
    for name in ("Ana", "Ben"):
        await actor(desk).select_option(name)
        await expect(desk.page.locator("#messages")).not_to_contain_text("guests may not text customers")
    await actor(desk).select_option("Gil (guest)")
    await expect(desk.whisper).to_contain_text("guests may not text customers")


async def test_what_is_whispered_to_ana_stays_hidden_from_the_others(desk: Desk):
    await actor(desk).select_option("Ben")
    await desk.world.slack.type(f"/imessage {desk.number}", user="U0ANA")
    assert "there is no text" in desk.world.slack.ephemerals[-1].text
    await desk.type("/imessage help")
    await expect(desk.whisper).to_contain_text("/imessage")
    await expect(desk.page.locator("#messages")).not_to_contain_text(desk.number)
    await actor(desk).select_option("Ana")
    await expect(desk.whisper).to_contain_text(desk.number)


async def test_buttons_are_clicked_by_whom_one_is(desk: Desk):
    token = desk.world.bot.settings["SLACK_BOT_TOKEN"]
    post = {"text": "A button", "blocks": [{"type": "actions", "elements": [BUTTON]}]}
    place = desk.page.url.rstrip("/")
    async with httpx.AsyncClient(verify=False, headers={"Authorization": f"Bearer {token}"}) as bot:
        opened = await bot.post(f"{place}/slack/api/conversations.open", json={"users": "U0GUEST"})
        post["channel"] = opened.json()["channel"]["id"]
        assert (await bot.post(f"{place}/slack/api/chat.postMessage", json=post)).json()["ok"]
    await actor(desk).select_option("Gil (guest)")
    await desk.page.get_by_test_id(f"channel-{post['channel']}").click()
    async with desk.page.expect_response("**/control/click"):
        await desk.page.get_by_role("button", name="Press me").click()
    row = desk.page.locator('[data-testid="traffic-row"][data-from="slack"]').last
    await row.get_by_role("button").click()
    await expect(row).to_contain_text("U0GUEST")
    await expect(row).to_contain_text("sandbox_only")


async def test_each_sees_their_own_conversations(desk: Desk):
    """Ana and Ben have one with each other, named after the other; the guest has none with either."""
    between = desk.page.get_by_test_id("channel-D0ANABEN")
    await expect(between).to_contain_text("Ben")
    await between.click()
    await actor(desk).select_option("Ben")
    await expect(desk.page.locator("#channel-name")).to_have_text(re.compile("Ana$"))
    await expect(desk.composer).to_have_attribute("placeholder", "Message Ana, or type /imessage")
    await expect(desk.page.locator('[data-testid^="channel-D0BOT"]')).to_have_attribute(
        "data-testid", "channel-D0BOTU0BEN"
    )
    await actor(desk).select_option("Gil (guest)")
    await expect(between).to_have_count(0)
    await expect(desk.page.locator("#channel-name")).to_contain_text("general")
    await expect(desk.page.locator('[data-testid^="channel-D0BOT"]')).to_have_attribute(
        "data-testid", "channel-D0BOTU0GUEST"
    )


async def test_a_scene_is_played_by_ana(desk: Desk):
    await actor(desk).select_option("Gil (guest)")
    await desk.page.get_by_role("button", name="Scenes", exact=True).click()
    await desk.page.get_by_role("button", name="A channel without the bot").click()
    await expect(actor(desk)).to_have_value("U0ANA")
    await expect(desk.whisper).to_contain_text("Not sent: I'm not in this channel.")
    await expect(desk.page.get_by_test_id("scene")).to_contain_text("Every promise was kept")
