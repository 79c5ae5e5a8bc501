"""Whatever comes to whichever door: a clear no at most, never a 5xx, never a traceback, nothing of it in the logs."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Stage, until

METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "BREW")
TYPES = (
    "application/json",
    "application/x-www-form-urlencoded",
    "application/json; charset=utf-16",
    "multipart/form-data",
    "x",
)
DEEP = [b"[" * 20_000, b'{"a":' * 20_000, b'{"status":' * 3_000 + b"1" + b"}" * 3_000]
BODIES = st.one_of(
    st.binary(max_size=300),
    st.sampled_from(
        [*DEEP, b"a" * 70_000, b"\xff\xfe" * 50, b"payload=" + b"%7B" * 5_000, b"&" * 5_000, b'{"status": 1e999}']
    ),
)
NAMES = (
    *("content-type", "sb-signing-secret", "x-slack-signature", "x-slack-request-timestamp", "x-slack-retry-num"),
    *("authorization", "accept-encoding", "transfer-encoding-x", "cookie", "content-encoding", "range", "expect-x"),
)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=60)
HEADERS = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(TYPES) | VALUES, max_size=4)
PATHS = st.one_of(
    st.sampled_from(
        ["/slack/events", "/sendblue/webhook", "/healthz", "/readyz", "/metrics", "/", "//", "/sendblue/status/a/b"]
    ),
    st.text(st.sampled_from("abc/%2F.~é\\?#&= "), max_size=40).map(lambda text: f"/{text}"),
)
MARK = "zebra-4155550177"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(method=st.sampled_from(METHODS), path=PATHS, headers=HEADERS, body=BODIES, query=st.text(max_size=30))
async def test_nothing_whatever_makes_a_door_stumble(
    talkative: tuple[Stage, Callable[[], str]], method: str, path: str, headers: dict[str, str], body: bytes, query: str
) -> None:
    stage, _ = talkative
    for spoilt in (path, stage.bubbles()[0].status_callback.removeprefix(stage.url)):
        async with httpx.AsyncClient(verify=False) as http:
            raw = {name: value.strip().encode("latin-1") for name, value in headers.items()}
            answer = await http.request(
                method, stage.url + spoilt, content=body, headers=raw, params={"nonce": query, "q": MARK}
            )
        assert answer.status_code < 500, (method, spoilt, headers, body, answer.text)


@pytest.fixture
async def talkative(open_stage: Any, logged: Callable[[], str]) -> Any:
    """A stage with a text, all of whose doors are open; afterwards nothing private and no surprise is in the log."""
    stage: Stage = await open_stage(sendblue_webhook_secret="webhook-secret", metrics_token="count")
    await stage.text(MARK)
    await until(stage.bubbles)
    yield stage, logged
    said = logged()
    assert "Traceback" not in said
    assert MARK not in said
    assert not any(body[:200].decode() in said for body in DEEP)
