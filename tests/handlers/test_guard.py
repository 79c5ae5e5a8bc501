"""Slack's door: only what Slack signed gets in, and nothing makes it stumble."""

import hmac
import json
import time
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bot.app import App, _bolt
from handlers.guard import LARGEST_FROM_SLACK, Guard, form_fields
from handlers.http import Counted, read_body
from tests.conftest import SIGNING, Stage, settings_for, until

FORM = "application/x-www-form-urlencoded"


def signed(body: bytes, *, at: float | None = None, kind: str = FORM) -> dict[str, str]:
    timestamp = str(int(at if at is not None else time.time()))
    digest = hmac.new(SIGNING.encode(), b"v0:" + timestamp.encode() + b":" + body, "sha256").hexdigest()
    return {"x-slack-request-timestamp": timestamp, "x-slack-signature": f"v0={digest}", "content-type": kind}


async def post(stage: Stage, body: bytes, headers: dict[str, Any]) -> httpx.Response:
    async with httpx.AsyncClient(verify=False) as http:
        return await http.post(f"{stage.url}/slack/events", content=body, headers=headers)


PIECES = ("a", "B", "=", "&", "+", "%", "%2", "%3D", "%26", "%C3%BC", "%FF", "ü", ";", " ", "\0")


@given(st.lists(st.sampled_from(PIECES)))
def test_a_form_is_read_as_the_standard_library_reads_it(pieces: list[str]) -> None:
    body = "".join(pieces)
    assert form_fields(body) == dict(parse_qsl(body, keep_blank_values=True))


COMMAND = urlencode(
    {
        "command": "/imessage",
        "text": "+14155552671 Hi",
        "team_id": "T1",
        "channel_id": "C0GENERAL",
        "user_id": "U0ANA",
        "trigger_id": "1.2.3",
        "response_url": "http://127.0.0.1:1/r",
    }
).encode()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-slack-request-timestamp": "abc", "x-slack-signature": "v0=1"},
        {"x-slack-request-timestamp": "9" * 400, "x-slack-signature": "v0=1"},
        {"x-slack-request-timestamp": "-1", "x-slack-signature": "v0=1"},
        {"x-slack-request-timestamp": "²", "x-slack-signature": "v0=1"},
        {"x-slack-request-timestamp": str(int(time.time())), "x-slack-signature": "v0=ü"},
        {"x-slack-request-timestamp": str(int(time.time())), "x-slack-signature": "v0=" + "0" * 64},
    ],
)
async def test_the_unsigned_stay_out(stage: Stage, headers: dict[str, str]) -> None:
    raw = {name: value.encode() for name, value in headers.items()}
    answer = await post(stage, COMMAND, raw)
    assert answer.status_code == 401
    assert stage.roots() == []


async def test_an_old_request_stays_out(stage: Stage) -> None:
    assert (await post(stage, COMMAND, signed(COMMAND, at=time.time() - 301))).status_code == 401


async def test_a_changed_body_stays_out(stage: Stage) -> None:
    assert (await post(stage, COMMAND + b"!", signed(COMMAND))).status_code == 401


async def test_a_forged_request_leaves_no_body_in_the_logs(stage: Stage, logged: Callable[[], str]) -> None:
    await post(stage, COMMAND, {**signed(COMMAND), "x-slack-signature": "v0=" + "0" * 64})
    assert "unsigned_request_refused" in logged()
    assert "4155552671" not in logged()


@pytest.mark.parametrize("chunked", [True, False])
async def test_a_huge_body_is_cut_off(stage: Stage, *, chunked: bool) -> None:
    async def pieces() -> Any:
        for _ in range(100):
            yield b"x" * 65_536

    content = pieces() if chunked else b"x" * 2_000_000
    async with httpx.AsyncClient(verify=False) as http:
        answer = await http.post(f"{stage.url}/slack/events", content=content)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xff\xfe", FORM),
        (b"[1]", "application/json"),
        (b"5", "application/json"),
        (b'"x"', "application/json"),
        (b"{", "application/json"),
        (b"", "application/json"),
        (b"payload={", FORM),
        (b"payload=[1]", FORM),
        (b"payload=5", FORM),
        (b"[" * 100_000, "application/json"),
        (b'{"event": "text"}', "application/json"),
        (b'{"authorizations": 5}', "application/json"),
        (b'{"type": "event_callback", "event": {"type": "unheard_of"}}', "application/json"),
        (b'{"type": "app_rate_limited"}', "application/json"),
        (b"command=%2Fimessage", FORM),
        (b"command=%2Fimessage&text=%FF%FE&channel_id=C1&user_id=U1", FORM),
        (b"command=%2Fimessage&text=%2B14155552671+hi", FORM),
        (b"command=%2Funknown&text=hi", FORM),
        (COMMAND, "application/x-www-form-urlencoded; charset=nonsense"),
        (COMMAND, "text/plain"),
    ],
)
async def test_nothing_signed_but_malformed_ends_in_a_5xx(stage: Stage, body: bytes, kind: str) -> None:
    assert (await post(stage, body, signed(body, kind=kind))).status_code < 500


@pytest.mark.parametrize("nonsense", [None, 5, True, "text", [], [5], [[]]])
@pytest.mark.parametrize(
    ("kind", "field"),
    [("view_submission", "view"), ("view_closed", "view"), ("block_actions", "actions"), ("block_actions", "view")],
)
async def test_a_view_or_actions_of_a_wrong_shape_are_unreadable(
    stage: Stage, kind: str, field: str, nonsense: Any
) -> None:
    body = urlencode({"payload": json.dumps({"type": kind, field: nonsense})}).encode()
    answer = await post(stage, body, signed(body))
    assert (answer.status_code, answer.text) == (400, "unreadable\n")


def event(kind: str, **fields: Any) -> bytes:
    return json.dumps({"type": kind, "team_id": "T1", "api_app_id": "A1", "event_id": "Ev1", **fields}).encode()


CLICK = {
    "type": "block_actions",
    "team": {"id": "T1"},
    "user": {"id": "U0ANA"},
    "response_url": "http://127.0.0.1:1/r",
    "actions": [{"type": "button", "action_id": "leave", "block_id": "b", "value": "0" * 32, "action_ts": "1.2"}],
}
ANSWERED = {
    "a challenge": (event("url_verification", challenge="c-1"), "application/json", '{"challenge": "c-1"}'),
    "a check of the certificate": (b"ssl_check=1&token=t", FORM, ""),
    "an event": (event("event_callback", event={"type": "message", "text": "payload"}), "application/json", ""),
    "an event of our own": (event("event_callback", event={"type": "message", "bot_id": "B1"}), "application/json", ""),
    "events held back": (event("app_rate_limited"), "application/json", ""),
    "a click": (urlencode({"payload": json.dumps(CLICK)}).encode(), FORM, ""),
    "a command": (COMMAND, FORM, "Got it"),
}


@pytest.mark.parametrize(("body", "kind", "said"), ANSWERED.values(), ids=ANSWERED)
async def test_whatever_slack_sends_is_answered_if_it_signed_it(
    stage: Stage, body: bytes, kind: str, said: str
) -> None:
    assert (await post(stage, body, {"content-type": kind})).status_code == 401
    forged = signed(body, kind=kind) | {"x-slack-signature": "v0=" + "0" * 64}
    assert (await post(stage, body, forged)).status_code == 401
    answer = await post(stage, body, signed(body, kind=kind))
    assert answer.status_code == 200
    assert said in answer.text
    assert (answer.text == "") is (said == "")


async def test_a_click_reaches_its_button(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stage.app is not None
    decided: list[tuple[Any, ...]] = []

    async def decide(*what: Any) -> None:
        decided.append(what)

    monkeypatch.setattr(stage.app.deciding, "decide", decide)
    body = urlencode({"payload": json.dumps(CLICK)}).encode()
    assert (await post(stage, body, signed(body))).status_code == 200
    [(send_id, choice, click)] = decided
    assert (send_id, choice, click.who) == (UUID(int=0), "leave", "U0ANA")


@pytest.mark.parametrize(
    "words", ["payload", "payload=1", "&payload={}", "a payload & more=%7B", "Gleis 9¾ 🚆 + payload"]
)
async def test_a_customer_s_text_with_the_word_payload_is_no_click(stage: Stage, words: str) -> None:
    answer = await stage.text(words)
    assert "Got it" in answer.text
    [bubble] = await until(stage.bubbles)
    assert bubble.content == words


async def test_only_post_is_answered(stage: Stage) -> None:
    assert (await stage.get("/slack/events")).status_code == 405


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("type", "event", "payload", "authorizations", "team", "user", "enterprise", "challenge"),
                    *("view", "actions"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=JSON, as_form=st.booleans())
async def test_no_signed_json_whatever_makes_it_stumble(stage: Stage, value: Any, *, as_form: bool) -> None:
    text = json.dumps(value)
    body = urlencode({"payload": text}).encode() if as_form else text.encode()
    answer = await post(stage, body, signed(body, kind=FORM if as_form else "application/json"))
    assert answer.status_code < 500, (body, answer.text)


async def test_work_is_woken_only_once_the_answer_is_on_its_way(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    app = App(settings)
    answering = Counted("slack", Guard(_bolt(app), SIGNING, app.announce.set).events)
    headers = [(name.encode(), value.encode()) for name, value in signed(COMMAND).items()]
    said = b""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": COMMAND, "more_body": False}

    async def send(event: MutableMapping[str, Any]) -> None:
        nonlocal said
        said += event.get("body", b"")
        assert not app.announce.is_set()

    async with app.open(working=False):
        await answering({"type": "http", "headers": headers}, receive, send)
        assert b"Got it" in said
        assert app.announce.is_set()


async def test_a_body_in_tiny_pieces_costs_no_more_than_its_length() -> None:
    """Copied whole with each piece, half a megabyte in single bytes took minutes of processor."""
    pieces = iter([b"x"] * (200 * 1024))

    async def receive() -> dict[str, object]:
        piece = next(pieces, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    started = time.process_time()
    body = await read_body({}, receive, largest=LARGEST_FROM_SLACK)
    assert len(body) == 200 * 1024
    assert time.process_time() - started < 1
