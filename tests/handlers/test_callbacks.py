"""Sendblue's door: strangers and garbage are refused, everything understood is answered 200, after it was stored."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bot.errors import NotStored
from tests.conftest import Stage, until


@pytest.fixture
async def sent(stage: Stage) -> Stage:
    """A stage with one text under way that reports nothing by itself."""
    stage.sendblue.faults.lose_callbacks = True
    stage.sendblue.faults.stay = "QUEUED"
    await stage.text()
    await until(lambda: stage.roots() and stage.bubbles())
    return stage


def report(stage: Stage, status: str = "DELIVERED", **fields: Any) -> dict[str, Any]:
    return {"message_handle": stage.bubbles()[0].handle, "status": status, "service": "iMessage", **fields}


async def test_a_delivery_is_told(sent: Stage) -> None:
    assert (await sent.callback(report(sent))).status_code == 200
    await until(lambda: any("Delivered as iMessage" in text for text in sent.replies()))


async def test_form_encoded_reports_are_understood(sent: Stage) -> None:
    body = urlencode(report(sent)).encode()
    answer = await sent.callback(body, headers={"content-type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 200
    await until(lambda: any("Delivered as iMessage" in text for text in sent.replies()))


async def test_lower_case_and_nested_words_are_understood(sent: Stage) -> None:
    await sent.callback(report(sent, status={"status": "delivered"}))
    await until(lambda: any("Delivered" in text for text in sent.replies()))


async def test_the_same_report_many_times_is_told_once(sent: Stage) -> None:
    for _ in range(5):
        assert (await sent.callback(report(sent))).status_code == 200
    await until(lambda: "Delivered" in sent.shown())
    assert len(sent.replies()) == 1


async def test_a_late_sent_does_not_hide_a_delivery(sent: Stage) -> None:
    await sent.callback(report(sent))
    await until(lambda: "Delivered" in sent.shown())
    assert (await sent.callback(report(sent, "SENT"))).status_code == 200
    await sent.get("/readyz")
    assert "Delivered" in sent.shown()


@pytest.mark.parametrize("word", ["SUCCESS", "TIMEOUT", "DOWNGRADED", "OK", "RECEIVED", "Zustellung läuft"])
async def test_unknown_words_change_nothing_and_are_kept(sent: Stage, word: str) -> None:
    assert (await sent.callback(report(sent, word))).status_code == 200
    assert "Sending" in sent.shown()


async def test_a_report_about_another_handle_is_not_news_of_this_text(sent: Stage) -> None:
    assert (await sent.callback(report(sent, message_handle="another"))).status_code == 200
    await sent.get("/readyz")
    assert "Sending" in sent.shown()


async def test_one_message_cannot_take_anothers_handle(sent: Stage) -> None:
    first = sent.bubbles()[0]
    await sent.text("Second", to="+14155550000")
    second = await until(lambda: next((b for b in sent.bubbles() if b.number == "+14155550000"), None))
    async with httpx.AsyncClient(verify=False) as http:
        answer = await http.post(second.status_callback, json={"message_handle": first.handle, "status": "DELIVERED"})
    assert answer.status_code == 200
    assert not any("Delivered" in text for text in sent.replies())


@pytest.mark.parametrize(
    "spoil", [lambda url: url[:-1] + ("0" if url[-1] != "0" else "1"), lambda url: url[:-2], lambda url: url + "é"]
)
async def test_a_wrong_token_is_refused(sent: Stage, spoil: Any) -> None:
    async with httpx.AsyncClient(verify=False) as http:
        answer = await http.post(spoil(sent.bubbles()[0].status_callback), json=report(sent))
    assert answer.status_code == 404
    assert "Sending" in sent.shown()


@pytest.mark.parametrize("path", ["/sendblue/status/x/y", "/sendblue/status/" + "0" * 32 + "/t", "/sendblue/status"])
async def test_a_made_up_address_is_refused(stage: Stage, path: str) -> None:
    assert 400 <= (await stage.callback({"status": "SENT"}, path=path)).status_code < 500


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/sendblue/status/{id}/{token}", 405),
        ("PUT", "/sendblue/status/{id}/{token}", 405),
        ("POST", "/sendblue/status/{id}/{token}/", 307),
        ("POST", "/sendblue/status/{id}/{token}/more", 404),
        ("POST", "//sendblue/status/{id}/{token}", 404),
        ("POST", "/sendblue/status/{id}/", 404),
        ("POST", "/sendblue/status//{token}", 404),
        ("POST", "/sendblue/status/{id}/%2F{token}", 404),
        ("POST", "/sendblue/status/{id}/{token}?more=1", 200),
        ("POST", "/sendblue/status/%7B{id}%7D/{token}", 200),
    ],
)
async def test_only_a_post_to_the_whole_address_is_heard(sent: Stage, method: str, path: str, status: int) -> None:
    *_, send_id, token = sent.bubbles()[0].status_callback.split("/")
    async with httpx.AsyncClient(verify=False) as http:
        url = sent.url + path.format(id=send_id, token=token)
        answer = await http.request(method, url, json=report(sent))
    assert answer.status_code == status
    assert answer.headers["content-length"] == str(len(answer.content))


async def test_a_surprise_is_answered_500_and_tells_nothing(sent: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sent.app is not None

    async def surprising(*_: object) -> None:
        raise ZeroDivisionError("private")

    monkeypatch.setattr(sent.app.tracking, "apply", surprising)
    answer = await sent.callback(report(sent))
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")


async def test_only_the_right_or_no_secret_header_is_accepted(open_stage: Any) -> None:
    stage = await open_stage(sendblue_webhook_secret="shared-secret")
    stage.sendblue.faults.stay = "QUEUED"
    await stage.text()
    await until(stage.bubbles)
    for header, expected in (("wrong", 401), ("ü", 401), ("shared-secret", 200)):
        answer = await stage.callback(report(stage), headers={"sb-signing-secret": header.encode()})
        assert answer.status_code == expected
    assert (await stage.callback(report(stage))).status_code == 200


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"x"', b"{}", b"\xff", b'{"status": 5e999}', b"[" * 60_000, b'{"a":' * 9_000]
)
async def test_garbage_is_refused_and_changes_nothing(sent: Stage, body: bytes) -> None:
    answer = await sent.callback(body, headers={"content-type": "application/json"})
    assert 200 <= answer.status_code < 500
    assert "Sending" in sent.shown()


async def test_a_body_over_64_kib_is_refused(sent: Stage) -> None:
    assert (await sent.callback(report(sent, content="x" * 65_536))).status_code == 413
    assert (await sent.callback(report(sent, content="x" * 60_000))).status_code == 200


async def test_when_it_cannot_be_stored_sendblue_is_asked_to_come_again(
    sent: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sent.app is not None

    async def full(*_: object) -> None:
        raise NotStored("disk full")

    monkeypatch.setattr(sent.app.tracking, "apply", full)
    assert (await sent.callback(report(sent))).status_code == 503


async def test_it_is_stored_before_it_is_answered(sent: Stage) -> None:
    await sent.callback(report(sent))
    await sent.stop()  # nothing may be waiting in memory
    await sent.start(int(sent.settings.public_url.rpartition(":")[2]))
    await until(lambda: "Delivered" in sent.shown())


async def test_no_token_or_number_reaches_a_log(sent: Stage, logged: Callable[[], str]) -> None:
    await sent.callback(report(sent, number="+14155552671", content="Table at eight?"))
    await until(lambda: "Delivered" in sent.shown())
    assert "report_applied" in logged()
    for private in (sent.bubbles()[0].status_callback.rpartition("/")[2], "4155552671", "Table at eight"):
        assert private not in logged()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    ["status", "service", "was_downgraded", "error_code", "error_message", "date_updated", "number", "data", "error"]
)


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.dictionaries(FIELDS, VALUES, max_size=5))
async def test_no_report_whatever_makes_it_stumble(sent: Stage, fields: dict[str, Any]) -> None:
    body = json.dumps({"message_handle": sent.bubbles()[0].handle, **fields}).encode()
    answer = await sent.callback(body, headers={"content-type": "application/json"})
    assert answer.status_code in (200, 400), (body, answer.text)
