"""The calls to Sendblue, over one httpx client. No call is ever repeated here: a retry is a row with a due time."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import IO, Any, Self, TypeVar
from urllib.parse import quote

import httpx

from bot import metrics
from bot.domain.clock import Clock, TheirClock
from bot.domain.known import Report
from bot.domain.send import Send
from bot.errors import NotSent, Refused, Uncertain, UnreadableReport
from bot.network import Reading, proxy_for, trusted
from bot.sendblue import wire
from bot.sendblue.inbound import Page, parse_inbound_page

R = TypeVar("R")

_MOST_PAGES = 20
_UPLOAD = 180  # seconds for a file
_SKEW = timedelta(minutes=5)  # between the vendor's machines, and until its clock is known, between its and ours

_PAGINGS: tuple[dict[str, str], ...] = (
    {"order_by": "createdAt", "order_direction": "asc"},
    {"order_by": "created_at", "order_direction": "asc"},
    {},
)
"""How to ask for pages: as the specification says, as the vendor's CLI does, plainly. The first not refused is kept."""


class Sendblue:
    """One account. timeout: seconds for a whole call. Sendblue was seen to take 13; a short one makes false doubt.

    region: for numbers that come without a country's code.
    """

    def __init__(self, url: str, key_id: str, secret: str, *, timeout: float, clock: Clock, region: str) -> None:
        self._clock, self._region = clock, region
        self._timeout = timeout
        self._theirs = TheirClock()
        self._reading = Reading(httpx.ReadError)
        self._paging = 0
        self._http = httpx.AsyncClient(
            base_url=url,
            # Not compressed: a small answer can become a gigabyte, and none of ours needs to be smaller.
            headers={"sb-api-key-id": key_id, "sb-api-secret-key": secret, "accept-encoding": "identity"},
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

    async def submit(self, send: Send, callback_url: str) -> Report:
        """Submit a text, once. Raises as `wire.parse_answer`; NotSent also when no connection came about."""
        with metrics.call("sendblue", "send-message"):
            status, body = await self._post("/api/send-message", wire.submission(send, callback_url))
            return wire.parse_answer(status, body, now=self._clock(), media_url=send.words.media_url)

    async def status(self, handle: str) -> Report:
        """Return what it says about a handle. Raises Refused: a no, or not known there; NotSent: ask again later."""
        return await self._get("/api/status", self._report, {"handle": handle})

    async def message(self, handle: str) -> Report:
        """Return one message with its channel and error, which `/api/status` leaves out. Raises as `status`."""
        return await self._get(f"/api/v2/messages/{quote(handle, safe='')}", self._report)

    async def sent_like(self, send: Send, age: timedelta) -> list[Report]:
        """Return what its list says of texts that may be this one, sent at most `age` ago by its clock. As `status`."""
        try:
            async with asyncio.timeout(2 * self._timeout):
                found = await self._listed_like(send, self._ago(age))
        except TimeoutError as error:
            raise NotSent("no_answer") from error
        since = self._ago(age)  # known better by now
        return [item.report for item in found if item.at is None or item.at >= since]

    def now(self) -> datetime:
        """Return what time its clock says; ours, until it has said so."""
        return self._theirs() or self._clock()

    def _ago(self, age: timedelta) -> datetime:
        return self.now() - age - _SKEW

    async def _listed_like(self, send: Send, since: datetime) -> list[wire.Listed]:
        """Raises as `status`; NotSent also for a part of the list: of equal texts it matters how many there are."""
        seen: set[str] = set()
        found: dict[str, wire.Listed] = {}  # and nothing of all the others, which might be large
        offset = 0
        params = {"is_outbound": "true", "to_number": send.words.recipient, "from_number": send.words.line}
        for _ in range(_MOST_PAGES):
            items, more = await self._listed(wire.parse_page, params, since, offset, limit="15")
            names = [(item.report.handle or f"{offset + place}")[:200] for place, item in enumerate(items)]
            found |= {name: item for name, item in zip(names, items, strict=True) if item.may_be(send)}
            offset += len(names)  # which may be fewer than we asked for
            nothing_new = seen.issuperset(names)
            seen.update(names)
            if more is False or not names or (nothing_new and more is None):
                return list(found.values())
            if nothing_new:
                break
        raise NotSent("list_without_end")

    async def said(self, line: str, since: datetime, *, offset: int, outbound: bool = False) -> Page:
        """Return a page of what its list says came in to a line, or went out from it, oldest first. As `status`."""
        parse = partial(parse_inbound_page, region=self._region, outbound=outbound)
        asked = {"is_outbound": str(outbound).lower(), "from_number" if outbound else "sendblue_number": line}
        return await self._listed(parse, asked, since, offset, limit="25")

    async def _listed(
        self, parse: Callable[..., R], params: Mapping[str, str], since: datetime, offset: int, *, limit: str
    ) -> R:
        place = {"created_at_gte": since.isoformat().replace("+00:00", "Z"), "offset": str(offset)}
        while True:
            asked = self._paging
            how = _PAGINGS[asked] | {"limit": limit} if _PAGINGS[asked] else {}
            try:
                return await self._get(
                    "/api/v2/messages", lambda body: parse(body, now=self._clock()), {**params, **place, **how}
                )
            except Refused as error:
                if error.code not in ("http_400", "http_422") or asked + 1 == len(_PAGINGS):
                    raise
                self._paging = max(self._paging, asked + 1)  # another question may know already

    async def lines(self) -> list[str]:
        """Return the account's lines, as Sendblue spells them. Raises as `status`, like the two below."""
        return await self._get("/api/lines", wire.parse_lines)

    async def line_states(self) -> dict[str, str]:
        return await self._get("/api/v2/lines/state", wire.parse_line_states)

    async def webhooks(self) -> list[wire.Hook]:
        return await self._get("/api/account/webhooks", wire.parse_webhooks)

    async def register(self, url: str, secret: str, kind: str) -> None:
        """Have what a type of webhook hears sent to a URL, too. It adds one at each call, so ask `webhooks` first.

        Raises as `submit`.
        """
        status, _ = await self._post("/api/account/webhooks", wire.registration(url, secret, kind))
        _judge(status)

    async def upload(self, file: IO[bytes], name: str, mimetype: str) -> str:
        """Put a file there; return its address, for `Words.media_url`. Raises NotSent: do it again; Refused.

        It sends nothing by itself, so it may be repeated. Its answer is not published: any 2xx with an address counts.
        """
        file.seek(0)
        with metrics.call("sendblue", "upload-file"):
            request = self._http.build_request("POST", "/api/upload-file", files={"file": (name, file, mimetype)})
            try:
                status, body = await self._read(request, within=_UPLOAD)
            except (httpx.HTTPError, TimeoutError) as error:
                raise NotSent("no_answer") from error
            return wire.parse_upload(status, body)

    async def opt_out(self, customer: str, *, opted_out: bool) -> None:
        """Have Sendblue refuse texts to a customer, or take them again. Raises as `register`."""
        body = {"number": customer, "opted_out": opted_out}
        with metrics.call("sendblue", "contacts/opt-out"):
            status, _ = await self._post("/api/v2/contacts/opt-out", body)
            _judge(status)

    def _report(self, body: bytes) -> Report:
        return wire.parse_report(body, source="poll", now=self._clock())

    async def _get(self, path: str, parse: Callable[[bytes], R], params: Mapping[str, str] | None = None) -> R:
        name = path.removeprefix("/api/").removeprefix("v2/")  # and without the handle
        with metrics.call("sendblue", "messages/{handle}" if name.startswith("messages/") else name):
            try:
                status, body = await self._read(self._http.build_request("GET", path, params=params))
            except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
                raise NotSent("no_answer") from error
            if not 200 <= status < 300:
                no = 400 <= status < 500 and status not in (408, 429)
                raise (Refused if no else NotSent)(f"http_{status}")
        try:
            return parse(body)
        except UnreadableReport as error:
            raise NotSent("unreadable_answer") from error

    async def _post(self, path: str, body: Mapping[str, Any]) -> tuple[int, bytes]:
        began = False

        async def note(event: str, info: Mapping[str, Any]) -> None:
            nonlocal began  # a proxy is asked to connect us first
            began |= event == "http11.send_request_headers.started" and info["request"].method != b"CONNECT"

        try:
            request = self._http.build_request("POST", path, json=body, extensions={"trace": note})
        except (httpx.InvalidURL, ValueError, TypeError) as error:  # UnicodeError is a ValueError
            raise NotSent("unbuildable") from error
        try:
            return await self._read(request)
        except (httpx.LocalProtocolError, httpx.UnsupportedProtocol) as error:  # refused before a byte was written
            raise NotSent("unbuildable") from error
        except (httpx.HTTPError, TimeoutError) as error:
            if not began:
                raise NotSent("proxy_refused" if isinstance(error, httpx.ProxyError) else "no_connection") from error
            late = isinstance(error, httpx.TimeoutException | TimeoutError)
            raise Uncertain("timeout" if late else "connection_lost") from error

    async def _read(self, request: httpx.Request, *, within: float | None = None) -> tuple[int, bytes]:
        """Send a request; return the status and body of its answer. Raises TimeoutError, httpx.HTTPError: not whole."""
        async with asyncio.timeout(within or self._timeout):  # httpx's own limits are for each read, not for all
            answer = await self._http.send(request, stream=True)
            try:
                self._theirs.heard(answer.headers.get("date"))
                return answer.status_code, await self._reading.whole(answer.aiter_raw())
            finally:
                await answer.aclose()


def _judge(status: int) -> None:
    """Raise Refused or Uncertain for an answer that is no yes."""
    if 400 <= status < 500 and status not in (408, 409, 429):
        raise Refused(f"http_{status}")
    if not 200 <= status < 300:
        raise Uncertain(f"http_{status}")
