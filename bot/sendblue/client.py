"""The calls to Sendblue, over one httpx client. No call is ever repeated here: a retry is a row with a due time."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx

from bot import metrics
from bot.domain.clock import Clock
from bot.domain.message import Message, Report
from bot.errors import NotSent, Refused, Uncertain, UnreadableReport
from bot.network import proxy_for, trusted
from bot.sendblue import account, wire

R = TypeVar("R")


class Sendblue:
    """One account.

    timeout: seconds for a whole call. Sendblue was seen to take 13 s, and a short timeout only makes false doubt.
    """

    def __init__(self, url: str, key_id: str, secret: str, *, timeout: float, clock: Clock) -> None:
        self._clock = clock
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"sb-api-key-id": key_id, "sb-api-secret-key": secret},
            proxy=proxy_for(url),
            verify=trusted() if url.startswith("https:") else False,  # http: only on this machine
            trust_env=False,  # `bot.network` reads it
            timeout=httpx.Timeout(timeout, connect=min(5, timeout)),
            # An idle connection may be closed by the other side just as we use it, which looks like a text that
            # may have gone out. A new connection costs a tenth of a second, a doubt costs a person's attention.
            limits=httpx.Limits(keepalive_expiry=1),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def send(self, message: Message, callback_url: str) -> Report:
        """Submit a message, once.

        Raises:
            Refused, NotSent, Uncertain: see `wire.parse_answer`; NotSent also when no connection came about.
        """
        with metrics.call("sendblue", "send-message"):
            answer = await self._post("/api/send-message", wire.submission(message, callback_url))
            return wire.parse_answer(answer.status_code, answer.content, now=self._clock(), media_url=message.media_url)

    async def status(self, handle: str) -> Report:
        """Return what `GET /api/status` says about a handle.

        Raises:
            Refused: Sendblue does not know the handle, or says no.
            NotSent: no usable answer; ask again later.
        """
        return self._report(await self._get("/api/status", {"handle": handle}))

    async def message(self, handle: str) -> Report:
        """Return one message with its channel and error, which `/api/status` leaves out. Raises as `status`."""
        return self._report(await self._get(f"/api/v2/messages/{quote(handle, safe='')}", {}))

    async def sent_to(self, recipient: str, line: str, since: datetime) -> list[wire.Listed]:
        """Return outbound messages from a line to a recipient, oldest first. Raises as `status`.

        The vendor's list lags behind by a minute and more: presence proves, absence does not.
        """
        found: list[wire.Listed] = []
        while True:
            page = await self._page(recipient, line, since, offset=len(found))
            found += page
            if len(page) < _PAGE:
                return found

    async def lines(self) -> list[str]:
        """Return the account's lines, as Sendblue spells them. Raises as `status`."""
        return _read(account.parse_lines, await self._get("/api/lines", {}))

    async def line_states(self) -> dict[str, str]:
        """Return line → ONLINE, OFFLINE, DEGRADED or another word. Raises as `status`."""
        return _read(account.parse_line_states, await self._get("/api/v2/lines/state", {}))

    async def webhooks(self) -> list[account.Hook]:
        """Return every webhook of the account, whoever registered it. Raises as `status`."""
        return _read(account.parse_webhooks, await self._get("/api/account/webhooks", {}))

    async def register(self, url: str, secret: str) -> None:
        """Have news of every text sent to a URL, too. Look first: Sendblue adds it again each time.

        Raises:
            Refused: a clear no.
            NotSent, Uncertain: it may be registered or not; look again.
        """
        answer = await self._post("/api/account/webhooks", account.registration(url, secret))
        if answer.is_client_error and answer.status_code not in (408, 409, 429):
            raise Refused(f"http_{answer.status_code}")
        if not answer.is_success:
            raise Uncertain(f"http_{answer.status_code}")

    async def _post(self, path: str, body: Mapping[str, Any]) -> httpx.Response:
        began = False

        async def note(event: str, info: Mapping[str, Any]) -> None:
            nonlocal began  # a proxy is asked to connect us first
            began |= event == "http11.send_request_headers.started" and info["request"].method != b"CONNECT"

        try:
            request = self._http.build_request("POST", path, json=body, extensions={"trace": note})
        except (httpx.InvalidURL, ValueError, TypeError) as error:  # UnicodeError is a ValueError
            raise NotSent("unbuildable") from error
        try:
            return await self._http.send(request)
        except (httpx.LocalProtocolError, httpx.UnsupportedProtocol) as error:  # refused before a byte was written
            raise NotSent("unbuildable") from error
        except httpx.HTTPError as error:
            if not began:
                raise NotSent("proxy_refused" if isinstance(error, httpx.ProxyError) else "no_connection") from error
            raise Uncertain("timeout" if isinstance(error, httpx.TimeoutException) else "connection_lost") from error

    async def _page(self, recipient: str, line: str, since: datetime, *, offset: int) -> list[wire.Listed]:
        params = {
            "is_outbound": "true",
            "to_number": recipient,
            "from_number": line,
            "created_at_gte": since.isoformat().replace("+00:00", "Z"),
            "order_by": "createdAt",
            "order_direction": "asc",
            "limit": str(_PAGE),
            "offset": str(offset),
        }
        try:
            return wire.parse_list((await self._get("/api/v2/messages", params)).content, now=self._clock())
        except UnreadableReport as error:
            raise NotSent("unreadable_answer") from error

    def _report(self, answer: httpx.Response) -> Report:
        try:
            return wire.parse_report(answer.content, source="poll", now=self._clock())
        except UnreadableReport as error:
            raise NotSent("unreadable_answer") from error

    async def _get(self, path: str, params: Mapping[str, str]) -> httpx.Response:
        with metrics.call("sendblue", _method(path)):
            try:
                answer = await self._http.get(path, params=params)
            except httpx.HTTPError as error:
                raise NotSent("no_answer") from error
            if answer.is_success:
                return answer
            if answer.status_code in (408, 429) or not answer.is_client_error:
                raise NotSent(f"http_{answer.status_code}")
            raise Refused(f"http_{answer.status_code}")


def _method(path: str) -> str:
    """What a metric may call a GET: without the handle."""
    name = path.removeprefix("/api/").removeprefix("v2/")
    return "messages/{handle}" if name.startswith("messages/") else name


def _read(parse: Callable[[bytes], R], answer: httpx.Response) -> R:
    try:
        return parse(answer.content)
    except UnreadableReport as error:
        raise NotSent("unreadable_answer") from error


_PAGE = 100
