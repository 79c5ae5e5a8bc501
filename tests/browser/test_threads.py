"""What people do in a thread, and what the app shows them there. The app is played by hand: no text is sent."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Locator, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.serving import serving
from sandbox.slack import SlackMessage
from tests.browser.desk import Desk
from tests.browser.test_manners import CONTRAST, NAMELESS, PHONE, overflow

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLACE = "C0GENERAL"


class AppByHand:
    """The app: its calls are made by the test, and it answers a press on any button but "leave" with a dialog."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.root = ""
        self.payloads: list[dict[str, Any]] = []
        self.complaint = ""

    async def call(self, method: str, **params: object) -> dict[str, Any]:
        token = self._desk.world.bot.settings["SLACK_BOT_TOKEN"]
        async with httpx.AsyncClient(verify=False, headers={"Authorization": f"Bearer {token}"}) as http:
            url = f"{self._desk.page.url.rstrip('/')}/slack/api/{method}"
            answer: dict[str, Any] = (await http.post(url, json={"channel": PLACE, **params})).json()
        assert answer["ok"], answer
        return answer

    async def ask(self, user: str) -> None:
        """Ask one person privately in the thread."""
        words = {"type": "section", "text": plain(f"Send it, {user}?")}
        buttons = [{"type": "button", "action_id": name, "text": plain(name.title())} for name in ("send", "leave")]
        blocks = [words, {"type": "actions", "elements": buttons}]
        await self.call("chat.postEphemeral", user=user, thread_ts=self.root, text="Send it?", blocks=blocks)

    async def take(self, request: Request) -> Response:
        fields = parse_qs((await request.body()).decode())
        if "payload" not in fields:
            return Response()
        self.payloads.append(json.loads(fields["payload"][0]))
        gesture = self.payloads[-1]
        if gesture["type"] == "view_submission" and self.complaint:
            return JSONResponse({"response_action": "errors", "errors": {"words": self.complaint}})
        if gesture["type"] == "block_actions" and gesture["actions"][0]["action_id"] != "leave":
            await self.call("views.open", trigger_id=gesture["trigger_id"], view=dialog())
        return Response()


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def dialog() -> dict[str, Any]:
    element = {"type": "plain_text_input", "action_id": "text", "multiline": True, "initial_value": "Eight works"}
    block = {"type": "input", "block_id": "words", "label": plain("Correction"), "element": element}
    return {"type": "modal", "title": plain("Send a correction"), "submit": plain("Send"), "blocks": [block]}


@pytest_asyncio.fixture(loop_scope="session")
async def app(desk: Desk) -> AsyncIterator[AppByHand]:
    """The app with a root of its own, whose thread is open."""
    played, slack = AppByHand(desk), desk.world.slack
    real, slack.post_interval = (slack.app_url, slack.post_interval), 0
    async with serving(Starlette(routes=[Route("/", played.take, methods=["POST"])])) as url:
        slack.app_url = url
        played.root = (await played.call("chat.postMessage", text=f"Texting {desk.masked}"))["ts"]
        await opened(desk, played)
        yield played
        slack.app_url, slack.post_interval = real


async def opened(desk: Desk, app: AppByHand) -> None:
    """Open the thread from its root, which has no reply yet."""
    root = desk.page.get_by_test_id(f"message-{app.root}")
    await root.hover()
    await root.get_by_role("button", name="Reply in thread").click()
    await expect(desk.root).to_be_visible()


def box(desk: Desk) -> Locator:
    return desk.page.get_by_label("Reply in the thread")


def said(desk: Desk, app: AppByHand) -> list[SlackMessage]:
    return desk.world.slack.replies(PLACE, app.root)


async def test_a_reply_is_typed_with_its_lines_and_mentions_and_stands_under_its_author(desk: Desk, app: AppByHand):
    await desk.act_as("Ben")
    await box(desk).press_sequentially("@bluethread ask")
    await box(desk).press("Shift+Enter")
    await box(desk).press_sequentially("@Ana <first> & :wave:")
    await box(desk).press("Enter")
    await expect(desk.replies).to_contain_text("Ben")
    await expect(desk.replies.locator(".mention")).to_have_text(["@bluethread", "@Ana"])
    await expect(desk.replies).to_contain_text("<first> &")
    await expect(desk.replies.get_by_role("img", name="wave")).to_be_visible()
    [stored] = said(desk, app)
    assert stored.text == "<@U0BLUE> ask\n<@U0ANA> &lt;first&gt; &amp; :wave:"
    assert stored.user == "U0BEN"
    await expect(box(desk)).to_have_value("")


async def test_a_reply_can_stand_in_the_channel_too(desk: Desk, app: AppByHand):
    await desk.page.get_by_label("Also send to #general").check()
    await desk.reply(f"For everybody, {desk.number}")
    await expect(desk.page.get_by_test_id("broadcast").filter(has_text=desk.number)).to_contain_text("replied to")
    await expect(desk.page.get_by_label("Also send to #general")).not_to_be_checked()


async def test_a_command_in_a_thread_is_refused_and_stays_in_the_box(desk: Desk, app: AppByHand):
    await box(desk).fill("/imessage help")
    await box(desk).press("Enter")
    await expect(desk.page.get_by_test_id("toast")).to_contain_text("Slack takes no commands in a thread")
    await expect(box(desk)).to_have_value("/imessage help")
    assert said(desk, app) == []
    desk.complaints.clear()  # the browser writes down every HTTP 400 by itself


async def test_reactions_stand_under_their_message_with_a_name(desk: Desk, app: AppByHand):
    shown = await desk.reply("Eight works")
    for name in ("double_vertical_bar", "white_check_mark"):
        await app.call("reactions.add", name=name, timestamp=said(desk, app)[0].ts)
    await expect(shown.get_by_role("img", name="pause, by Bluethread")).to_be_visible()
    await expect(shown.get_by_role("img", name="check mark, by Bluethread")).to_be_visible()
    await expect(shown.get_by_test_id("reaction")).to_have_text(["1", "1"])


async def test_a_private_question_is_seen_by_its_person_alone_until_it_is_answered(desk: Desk, app: AppByHand):
    await desk.reply("Eight works")
    await app.ask("U0ANA")
    await expect(desk.question).to_contain_text("Only visible to you")
    await expect(desk.page.locator("#messages")).not_to_contain_text("Send it, U0ANA?")
    await desk.act_as("Ben")
    await expect(desk.question).to_have_count(0)
    await desk.act_as("Ana")
    async with desk.page.expect_response("**/control/click"):
        await desk.question.get_by_role("button", name="Leave").click()
    assert app.payloads[-1]["container"]["thread_ts"] == app.root
    async with httpx.AsyncClient(verify=False) as http:
        await http.post(app.payloads[-1]["response_url"], json={"delete_original": True})
    await expect(desk.question).to_have_count(0)


async def test_ones_own_message_is_edited_and_deleted_by_the_keyboard(desk: Desk, app: AppByHand):
    press, shown = desk.page.keyboard.press, await desk.reply("@Ben, seven works")
    await shown.get_by_role("button", name="Edit message").focus()
    await press("Enter")
    editor = shown.get_by_role("textbox", name="Edit message")
    await expect(editor).to_be_focused()
    await expect(editor).to_have_value("@Ben, seven works")
    await editor.fill("@Ben, eight works")
    await press("Enter")
    await expect(shown).to_contain_text("eight works(edited)")
    assert said(desk, app)[0].text == "<@U0BEN>, eight works"
    await expect(shown.get_by_role("button", name="Edit message")).to_be_focused()
    await press("Tab")
    await press("Enter")
    await desk.page.get_by_role("button", name="Delete", exact=True).click()
    await expect(desk.replies).to_have_count(0)
    assert said(desk, app)[0].deleted


async def test_an_edit_can_be_left_and_survives_what_happens_meanwhile(desk: Desk, app: AppByHand):
    shown = await desk.reply("Seven works")
    await shown.get_by_role("button", name="Edit message").click()
    editor = shown.get_by_role("textbox", name="Edit message")
    await editor.fill("Half of a thought")
    await app.call("reactions.add", name="eyes", timestamp=said(desk, app)[0].ts)
    await expect(shown.get_by_test_id("reaction")).to_be_visible()
    await expect(editor).to_have_value("Half of a thought")
    await expect(editor).to_be_focused()
    await desk.page.keyboard.press("Escape")
    await expect(shown).to_contain_text("Seven works")
    await expect(desk.root).to_be_visible()  # Escape left the edit, not the thread
    assert not said(desk, app)[0].edited


async def test_nobody_is_offered_to_change_what_others_wrote(desk: Desk, app: AppByHand):
    shown = await desk.reply("Seven works")
    await expect(shown.get_by_role("button")).to_have_count(2)
    await desk.act_as("Ben")
    await expect(shown.get_by_role("button")).to_have_count(0)


async def test_a_dialog_is_filled_in_complains_and_is_handed_in(desk: Desk, app: AppByHand):
    await desk.reply("Seven works")
    await app.ask("U0ANA")
    app.complaint = "That is too late."
    await desk.question.get_by_role("button", name="Send").click()
    shown = desk.page.get_by_role("dialog", name="Send a correction")
    words = shown.get_by_label("Correction")
    await expect(words).to_have_value("Eight works")
    await expect(words).to_be_focused()
    await words.fill("Nine works")
    await shown.get_by_role("button", name="Send").click()
    await expect(shown.get_by_role("alert")).to_have_text("That is too late.")
    app.complaint = ""
    await words.fill("Eight it is")
    await shown.get_by_role("button", name="Send").click()
    await expect(shown).to_be_hidden()
    assert app.payloads[-1]["view"]["state"]["values"]["words"]["text"]["value"] == "Eight it is"


async def test_a_dialog_is_left_by_escape_and_hands_nothing_in(desk: Desk, app: AppByHand):
    await desk.reply("Seven works")
    await app.ask("U0ANA")
    await desk.question.get_by_role("button", name="Send").click()
    shown = desk.page.get_by_role("dialog", name="Send a correction")
    await expect(shown).to_be_visible()
    await desk.page.keyboard.press("Escape")
    await expect(shown).to_be_hidden()
    await expect(desk.root).to_be_visible()
    assert (desk.world.slack.views, app.payloads[-1]["type"]) == ([], "block_actions")


async def test_it_fits_a_phone_has_names_and_contrasts(desk: Desk, app: AppByHand):
    shown = await desk.reply("@Ben, is Seven fine?")
    await app.call("reactions.add", name="lock", timestamp=said(desk, app)[0].ts)
    await app.ask("U0ANA")
    await desk.page.set_viewport_size(PHONE)
    await expect(box(desk)).to_be_in_viewport()
    await expect(desk.page.get_by_label("Reply as")).to_be_in_viewport()
    await shown.get_by_role("button", name="Edit message").focus()
    faint = []
    for again in (False, True):
        if again:
            await desk.question.get_by_role("button", name="Send").click()
            await expect(desk.page.get_by_role("dialog")).to_be_in_viewport(ratio=1)
        assert await overflow(desk.page) == (0, 0)
        assert NAMELESS.findall(await desk.page.locator("body").aria_snapshot()) == []
        for scheme in ("light", "dark"):
            await desk.page.emulate_media(color_scheme=scheme)
            faint += await desk.page.evaluate(CONTRAST)
    assert faint == []
    await desk.page.keyboard.press("Escape")
