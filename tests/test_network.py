"""Calls leave through the proxy that the environment names, and what a proxy refuses was not sent."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from bot.errors import CallFailed, NotSent, Uncertain
from bot.network import network_problems, proxy_for, trusted
from bot.sendblue.client import Sendblue
from bot.services.reaching import Identity, reach
from bot.slack.notifier import Notifier
from bot.slack.wording import Post
from tests.conftest import CUSTOMER, KEY, LINE, SECRET, TOKEN, Stage
from tests.making import a_send, changed

PROXY = "http://proxy.example:3128"
NOW = datetime(2026, 11, 20, tzinfo=UTC)
TEXT = a_send(UUID(int=1), UUID(int=2), CUSTOMER, LINE, "Table at eight?", NOW, NOW)


# -- which proxy


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "https://slack.com", None),
        ({"HTTPS_PROXY": PROXY}, "https://slack.com", PROXY),
        ({"https_proxy": PROXY}, "https://slack.com", PROXY),
        ({"HTTPS_PROXY": "proxy.example:3128"}, "https://slack.com", PROXY),
        ({"HTTPS_PROXY": " "}, "https://slack.com", None),
        ({"HTTP_PROXY": PROXY}, "https://slack.com", None),
        ({"HTTP_PROXY": PROXY}, "http://slack.com", PROXY),
        ({"ALL_PROXY": PROXY}, "https://slack.com", PROXY),
        ({"ALL_PROXY": "http://other:1", "https_proxy": PROXY}, "https://slack.com", PROXY),
        *(({"ALL_PROXY": PROXY}, url, None) for url in ("http://127.0.0.1:3000", "http://[::1]:1", "http://localhost")),
    ],
)
def test_the_proxy_is_the_one_of_the_environment(monkeypatch, environment, url, proxy):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(url) == proxy


@pytest.mark.parametrize(
    ("listed", "url", "direct"),
    [
        ("slack.com", "https://slack.com", True),
        ("slack.com", "https://hooks.slack.com", True),
        (".slack.com", "https://hooks.slack.com", True),
        ("*.slack.com", "https://hooks.slack.com", True),
        ("slack.com", "https://notslack.com", False),
        ("SLACK.com , example.org", "https://slack.com", True),
        ("slack.com:443", "https://slack.com:443", True),
        ("slack.com:443", "https://slack.com", True),
        ("slack.com:8443", "https://slack.com:443", False),
        ("*", "https://slack.com", True),
        ("10.0.0.0/8", "https://10.1.2.3", True),
        ("10.0.0.0/8", "https://11.1.2.3", False),
        ("10.1.2.3", "https://10.1.2.3", True),
        ("::1,[::1]", "https://slack.com", False),
        ("[2001:db8::1]", "https://[2001:db8::1]:443", True),
        ("2001:db8::1", "https://[2001:db8::1]", True),
        (",, ,", "https://slack.com", False),
        ("[::", "https://slack.com", False),
    ],
)
@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_what_no_proxy_lists_is_called_directly(monkeypatch, name, listed, url, direct):
    monkeypatch.setenv("ALL_PROXY", PROXY)
    monkeypatch.setenv(name, listed)
    assert (proxy_for(url) is None) is direct


@pytest.mark.parametrize("kind", ["socks5://proxy:1", "socks5h://proxy:1", "https://proxy:1", "http://", "http://[::1"])
def test_a_proxy_that_cannot_be_used_is_named(monkeypatch, kind):
    monkeypatch.setenv("ALL_PROXY", kind)
    [problem] = network_problems(["https://slack.com/api", "https://hooks.slack.com"])
    assert problem.startswith("ALL_PROXY: must be like http://proxy.example.com:3128")
    assert network_problems(["http://127.0.0.1:1"]) == []


def test_certificates_of_a_company_are_trusted(monkeypatch, tmp_path):
    own = tmp_path / "own.pem"
    own.write_bytes(_a_certificate())
    monkeypatch.setenv("SSL_CERT_FILE", str(own))
    trusted.cache_clear()
    try:
        assert network_problems([]) == []
        assert len(trusted().get_ca_certs()) >= 1
    finally:
        trusted.cache_clear()


def _a_certificate() -> bytes:
    [first, *_] = trusted().get_ca_certs(binary_form=True)
    return ssl.DER_cert_to_PEM_cert(first).encode()


# -- what a proxy does


@dataclass
class Proxy:
    """A proxy on loopback.

    refuses: the status it answers everything with. breaks: what it says before it hangs up. Else all goes to `to`,
    whatever the host.
    """

    refuses: int = 0
    to: int = 0
    asked: list[str] = field(default_factory=list)

    breaks: bytes | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        first, _, rest = head.partition(b"\r\n")
        method, target, _ = first.decode().split(" ")
        self.asked.append(f"{method} {target}")
        if self.breaks is not None:
            writer.write(self.breaks)
        elif self.refuses:
            writer.write(f"HTTP/1.1 {self.refuses} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        else:
            path = "/" + target.split("/", 3)[3]
            there, back = await asyncio.open_connection("127.0.0.1", self.to)
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
            body = await reader.readexactly(length)
            back.write(f"{method} {path} HTTP/1.1\r\nConnection: close\r\n".encode() + rest + body)
            writer.write(await there.read())
            back.close()
        await writer.drain()
        writer.close()


@asynccontextmanager
async def proxied(monkeypatch: pytest.MonkeyPatch, **options: Any) -> AsyncIterator[Proxy]:
    proxy = Proxy(**options)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    for name in ("HTTPS_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, address)
    async with server:
        yield proxy


async def _send(scheme: str) -> Any:
    async with Sendblue(
        f"{scheme}://sendblue.example", KEY, SECRET, timeout=5, clock=lambda: NOW, region="US"
    ) as sendblue:
        return await sendblue.submit(TEXT, "https://bot.example.com/callback")


async def _post(scheme: str) -> Any:
    async with Notifier(f"{scheme}://slack.example/api", TOKEN) as notifier:
        return await notifier.post("C0GENERAL", Post("Hi", []), id="1")


async def _answer(scheme: str) -> Any:
    async with Notifier(f"{scheme}://slack.example/api", TOKEN) as notifier:
        return await notifier.answer(f"{scheme}://hooks.example/commands/1", "Hi")


@pytest.mark.parametrize("refuses", [407, 403, 503])
@pytest.mark.parametrize("call", [_send, _post, _answer])
async def test_what_a_proxy_does_not_let_through_was_not_sent(
    monkeypatch: pytest.MonkeyPatch, call: Callable[[str], Awaitable[Any]], refuses: int
) -> None:
    async with proxied(monkeypatch, refuses=refuses) as proxy:
        with pytest.raises(NotSent):
            await call("https")
    assert [asked.partition(" ")[0] for asked in proxy.asked] == ["CONNECT"]


@pytest.mark.parametrize("breaks", [b"", b"HTTP/1.1 200", b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
@pytest.mark.parametrize("call", [_send, _post, _answer])
async def test_a_proxy_that_breaks_before_it_connects_us_makes_no_doubt(
    monkeypatch: pytest.MonkeyPatch, call: Callable[[str], Awaitable[Any]], breaks: bytes
) -> None:
    async with proxied(monkeypatch, breaks=breaks) as proxy:
        with pytest.raises(NotSent):
            await call("https")
    assert len(proxy.asked) >= 1


async def test_a_request_that_was_written_makes_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    async with proxied(monkeypatch, breaks=b""):
        for call in (_send, _post):
            with pytest.raises(Uncertain):
                await call("http")


async def test_a_proxy_that_wants_a_password_is_not_sendblue_s_no(monkeypatch: pytest.MonkeyPatch) -> None:
    async with proxied(monkeypatch, refuses=407):
        with pytest.raises(NotSent) as refused:
            await _send("http")
    assert refused.value.code == "proxy_refused"


async def test_slack_sendblue_and_private_answers_take_the_same_way(
    monkeypatch: pytest.MonkeyPatch, stage: Stage
) -> None:
    async with proxied(monkeypatch, to=int(stage.slack.base_url.rpartition(":")[2])) as proxy:
        for call in (_send, _post, _answer):
            with suppress(CallFailed):  # whatever this neighbour says to it
                await call("http")
        assert len(proxy.asked) == 3
        monkeypatch.setenv("NO_PROXY", ".example")
        for call in (_send, _post, _answer):
            with pytest.raises(NotSent):  # there is no such host
                await call("http")
        assert len(proxy.asked) == 3
        assert os.environ["HTTP_PROXY"]  # which the SDK would have taken for itself


async def test_public_url_is_looked_at_from_here_through_the_same_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with proxied(monkeypatch, refuses=403) as proxy:
        who = await reach("https://bot.example", Identity("callback-secret-1", lambda: b""))
    assert who == ("nobody", "the proxy refused the connection")
    assert len(proxy.asked) == 1


async def test_a_request_that_cannot_be_built_was_not_sent(stage: Stage) -> None:
    async with Sendblue(
        stage.settings.sendblue_api_url, KEY, SECRET, timeout=5, clock=lambda: NOW, region="US"
    ) as sendblue:
        with pytest.raises(NotSent) as failed:
            await sendblue.submit(changed(TEXT, text="half an emoji: \ud83d"), "https://bot.example.com/callback")
    assert failed.value.code == "unbuildable"
    assert stage.bubbles() == []
