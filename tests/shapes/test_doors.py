"""Every shape at our doors, over HTTP: none ends in a 5xx, texts anybody by surprise, or shows in the log."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from bot.domain.message import Request
from handlers.parsing import parse_command
from tests.conftest import Stage, until
from tests.shapes import FOLDER, SENDBLUE, names, raw
from tests.statements import asking

WEBHOOK, SIGNED = "/sendblue/webhook", {"sb-signing-secret": "webhook-secret"}
JSON = {"content-type": "application/json"}

ENVELOPES = {
    "event": 200,
    "event_from_a_shared_channel": 200,
    "url_verification": 200,
    "app_rate_limited": 200,
    "no_object_list": 400,
    "no_object_number": 400,
    "no_object_text": 400,
}

NO_NUMBER, NOT_ONE = "I need a phone number first", "that is not a number I can text"
TAKEN = "Got it"
COMMANDS = {
    "empty": "/imessage",
    "help": "/imessage",
    "on_a_grid": "/imessage",
    "usage_hint": TAKEN,
    "in_a_direct_message": TAKEN,
    "in_a_private_channel": TAKEN,
    "linked_number": TAKEN,
    "smart_quotes": TAKEN,
    "long_dash": TAKEN,
    "skin_tone": TAKEN,
    "escapes": TAKEN,
    "escaped_mentions": NOT_ONE,
    "older_mention": NOT_ONE,
    "raw_mention": NO_NUMBER,
    "linked_mail": NO_NUMBER,
    "ssl_check": "",
}
"""Shape → what its answer says."""
TEXTS = {
    "usage_hint": "your message",
    "linked_number": "Hi",
    "smart_quotes": "Ben’s ‘table’",
    "long_dash": "Hi",
    "skin_tone": "Hi 👋🏼",
    "escapes": "& <b>",
}
"""Shape → what the customer would read."""

CLICKS = {
    "resend": 200,
    "leave": 200,
    "forged_value": 200,
    "on_an_ephemeral": 200,
    "on_a_grid": 200,
    "unknown_button": 404,
    "view_submission": 404,
    "view_submission_with_response_url": 404,
    "view_closed": 404,
    "global_shortcut": 404,
    "message_shortcut": 404,
    "block_suggestion": 404,
}
"""Shape → its answer. What the manifest does not ask for, Bolt does not know."""


@pytest.fixture
async def watched(open_stage: Callable[..., Any], logged: Callable[[], str]) -> Any:
    """A stage with no text yet; afterwards nothing private and no surprise is in the log."""
    yield await open_stage(sendblue_webhook_secret=SIGNED["sb-signing-secret"], stale_after=60.0, repoll_interval=60.0)
    said = logged()
    assert "Traceback" not in said
    assert not [private for private in PRIVATE if private in said]


def _private(value: Any, name: str = "") -> set[str]:
    """The texts and numbers in a shape."""
    if isinstance(value, dict):
        return set().union(*(_private(item, name) for name, item in value.items()))
    if isinstance(value, list):
        return set().union(*(_private(item, name) for item in value))
    return {value} if name in _PRIVATE and isinstance(value, str) and len(value) > 5 else set()


_PRIVATE = {"content", "text", "number", "from_number", "error_detail", "secret", "globalSecret", "media_url"}
PRIVATE = set().union(*(_private(json.loads(path.read_bytes())) for path in FOLDER.glob("*/*/*.json")), {"5550100"})


def history(stage: Stage) -> list[tuple[str, str]]:
    assert stage.app is not None
    return [tuple(row) for row in stage.app.database.read(asking("SELECT source, word FROM reports ORDER BY id"))]


def asked(stage: Stage) -> list[str]:
    """What was asked of Sendblue, but for its lists of what came in to a line and went out from it."""
    calls = stage.sendblue.calls
    return [call.method for call in calls if "is_outbound" not in call.params or "to_number" in call.params]


async def sent(stage: Stage, status: int = 202, answer: str = "accepted") -> str:
    """Send a text that Sendblue answers with this shape; return the path for its reports."""
    stage.sendblue.faults.answers.append((status, json.loads(raw("sendblue/answers", answer))))
    await stage.text("Table for two at eight?", to="+15550100001")
    posted = await until(lambda: [call for call in stage.sendblue.calls if call.method == "POST /api/send-message"])
    await until(lambda: history(stage))
    return str(posted[0].params["status_callback"]).removeprefix(stage.url)


@pytest.mark.parametrize("way", ["callback", "webhook"])
async def test_a_text_goes_its_way_in_the_vendor_s_own_words(watched: Stage, way: str) -> None:
    url = await sent(watched)
    path, headers = (url, JSON) if way == "callback" else (WEBHOOK, SIGNED | JSON)
    body = raw("sendblue/reports", "callback_delivered")
    assert (await watched.callback(body, path=path, headers=headers)).status_code == 200
    await until(lambda: any("Delivered as iMessage" in text for text in watched.replies()))


async def test_what_customers_do_is_shown_and_is_no_news_of_a_text(watched: Stage, logged: Callable[[], str]) -> None:
    """What names no message is no news at one door, and unreadable at the other."""
    url = await sent(watched)
    await until(lambda: "report_applied" in logged())
    before, learnt = history(watched), logged().count("report_applied")
    for name in names("sendblue/inbound"):
        body = raw("sendblue/inbound", name)
        assert (await watched.callback(body, path=WEBHOOK, headers=SIGNED | JSON)).status_code == 200, name
    assert history(watched) == before
    for name in names("sendblue/inbound"):
        body = raw("sendblue/inbound", name)
        expected = 400 if name in ("typing_indicator", "server_sent_event") else 200
        assert (await watched.callback(body, path=url, headers=JSON)).status_code == expected, name
    assert logged().count("report_applied") == learnt
    assert len(asked(watched)) == 1
    await until(lambda: any("Eight works" in reply for reply in watched.replies()))


async def test_what_customers_write_is_never_taken_for_a_text_in_doubt(watched: Stage) -> None:
    url = await sent(watched, 502, "http_502_indeterminate")
    await until(watched.replies)
    for name in set(names("sendblue/inbound")) - {"receive_echo_of_ours"}:
        await watched.callback(raw("sendblue/inbound", name), path=url, headers=JSON)
    assert len(watched.replies()) == 1
    await watched.callback(raw("sendblue/reports", "callback_delivered"), path=url, headers=JSON)
    await until(lambda: "Delivered" in watched.shown())


@pytest.mark.parametrize("kind", SENDBLUE)
async def test_nothing_sendblue_can_say_makes_its_doors_stumble(watched: Stage, kind: str) -> None:
    url = await sent(watched)
    for name in names(kind):
        for path, headers, expected in (
            (url, JSON, (200, 400)),
            (WEBHOOK, SIGNED | JSON, (200,)),
            (WEBHOOK, JSON, (401,)),
        ):
            answer = await watched.callback(raw(kind, name), path=path, headers=headers)
            assert answer.status_code in expected, (path, name)


@pytest.mark.parametrize("retry", [None, 1])
async def test_every_event_is_answered_and_texts_nobody(watched: Stage, retry: int | None) -> None:
    envelope = json.loads(raw("slack/envelopes", "event"))
    for name in names("slack/events"):
        event = envelope | {"event": json.loads(raw("slack/events", name)), "event_id": f"Ev{name}"}
        assert (await watched.slack.send_event(event, retry)).status == 200, name
    assert asked(watched) == []


@pytest.mark.parametrize(("name", "status"), ENVELOPES.items())
async def test_every_envelope_is_answered_and_texts_nobody(watched: Stage, name: str, status: int) -> None:
    answer = await watched.slack._hands.send(raw("slack/envelopes", name).decode(), "application/json", None)
    assert answer.status == status
    assert (answer.body == {"challenge": "3eZbrw1aB"}) is (name == "url_verification")
    assert asked(watched) == []


async def test_every_command_is_answered_and_another_workspace_s_texts_nobody(watched: Stage) -> None:
    for name, said in COMMANDS.items():
        answer = await watched.slack._hands.send_form(json.loads(raw("slack/commands", name)))
        assert (answer.status, answer.failure) == (200, None), name
        assert said in answer.text, name
    await until(lambda: len(history(watched)) == list(COMMANDS.values()).count(TAKEN))
    assert asked(watched) == []


@pytest.mark.parametrize(("name", "text"), TEXTS.items())
def test_a_command_s_text_is_what_the_person_meant(name: str, text: str) -> None:
    typed = json.loads(raw("slack/commands", name))["text"]
    asked = parse_command(typed, region="US", lines=["+15550100900"])
    assert isinstance(asked, Request)
    assert (asked.recipient, asked.text) == ("+15550100001", text)


async def test_every_click_is_answered_and_texts_nobody(watched: Stage) -> None:
    for name, status in CLICKS.items():
        answer = await watched.slack._hands.send_form({"payload": raw("slack/clicks", name).decode()})
        assert answer.status == status, name
        if status == 404:
            assert answer.body == json.loads(raw("slack/ours", "unhandled_request"))
    assert asked(watched) == []
