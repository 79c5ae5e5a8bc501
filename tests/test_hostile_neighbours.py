"""Answers without end, without measure and beside the question: each call ends in its time, and none is believed."""

import asyncio
import gzip
import itertools
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from uuid import UUID

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from bot.errors import CallFailed, NotSent, Uncertain
from bot.sendblue.client import Sendblue
from bot.slack.notifier import Notifier
from bot.slack.wording import Post
from sandbox.serving import serving
from tests.conftest import CUSTOMER, KEY, LINE, SECRET, TOKEN
from tests.making import a_send

NOW, NO_TIME = datetime(2026, 11, 20, tzinfo=UTC), timedelta(0)
TEXT = a_send(UUID(int=1), UUID(int=2), CUSTOMER, LINE, "Table at eight?", NOW, NOW)
LISTED = {
    "message_handle": "h",
    "is_outbound": True,
    "status": "SENT",
    "content": TEXT.words.text,
    "to_number": CUSTOMER,
    "from_number": LINE,
}
"""As it stands in Sendblue's list."""
Answering = Callable[[Request], Awaitable[Response]]


def always(body: object) -> Answering:
    async def answered(_: Request) -> Response:
        return JSONResponse(body)

    return answered


@asynccontextmanager
async def neighbour(answered: Answering) -> AsyncIterator[str]:
    routes = [Route("/{path:path}", answered, methods=["GET", "POST"])]
    async with serving(Starlette(routes=routes)) as url:
        yield url


@asynccontextmanager
async def sendblue(url: str, *, timeout: float = 10) -> AsyncIterator[Sendblue]:
    async with Sendblue(url, KEY, SECRET, timeout=timeout, clock=lambda: NOW, region="US") as client:
        yield client


@asynccontextmanager
async def slack(url: str, *, timeout: float = 10) -> AsyncIterator[Notifier]:
    async with Notifier(f"{url}/api", TOKEN, timeout=timeout) as client:
        yield client


@asynccontextmanager
async def trickling() -> AsyncIterator[str]:
    """Somebody who sends a byte ten times a second and never comes to an end."""

    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
            while not writer.is_closing():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.1)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0.15)  # whoever trickles notices


@pytest.mark.alone
async def test_a_call_ends_in_its_time_whatever_trickles() -> None:
    """httpx's own limits are for each read: one such answer stopped all asking for ever."""
    async with trickling() as url, sendblue(url, timeout=1) as client, slack(url, timeout=1) as notifier:
        began = time.monotonic()
        with pytest.raises(Uncertain) as doubt:
            await client.submit(TEXT, "https://bot.example.com/cb")
        assert doubt.value.code == "timeout"
        with pytest.raises(NotSent):
            await client.status("h")
        with pytest.raises(Uncertain):
            await notifier.post("C1", Post("Hi", []), id="1")
        assert time.monotonic() - began < 6


@pytest.mark.parametrize(("said", "wait"), [("30", 30), ("0", 1), ("99999", 3600), ("soon", 1), ("-5", 1), ("Â²", 1)])
async def test_how_long_a_busy_slack_makes_us_wait_is_no_more_than_we_can_read(said: str, wait: int) -> None:
    async def busy(_: Request) -> Response:
        return JSONResponse({"ok": False, "error": "ratelimited"}, 429, {"retry-after": said})

    async with neighbour(busy) as url, slack(url) as notifier:
        with pytest.raises(NotSent) as refused:
            await notifier.post("C1", Post("Hi", []), id="1")
        assert refused.value.retry_after == wait


@pytest.mark.parametrize("teams", ["T0", 5, ["T1", ["T2"], 5, None, ""], {"teams": ["T1"]}])
async def test_who_somebody_is_can_be_read_whatever_stands_beside_it(teams: object) -> None:
    for grid in ({"teams": teams}, teams):
        for team in ("T0", teams):
            user = {"id": "U1", "team_id": team, "enterprise_user": grid}
            async with neighbour(always({"ok": True, "user": user})) as url, slack(url) as notifier:
                assert (await notifier.person("U1")).teams <= {"T0", "T1"}


@pytest.mark.parametrize("users", [None, 5, "U1", {"U1": True}, [["U1"], {"U1": 1}]])
async def test_nobody_is_in_a_group_whose_list_cannot_be_read(users: object) -> None:
    async with neighbour(always({"ok": True, "users": users})) as url, slack(url) as notifier:
        assert await notifier.members("S1") == set()


def _bomb(_: Request) -> Response:
    squeezed = gzip.compress(b" " * 64 * 1024 * 1024)
    return Response(squeezed, headers={"content-encoding": "gzip", "content-type": "application/json"})


def _flood(_: Request) -> Response:
    return Response(b'{"ok": true, "x": "' + b"x" * 20_000_000 + b'"}', media_type="application/json")


@pytest.mark.parametrize("made", [_bomb, _flood])
async def test_an_answer_is_read_no_further_than_it_may_be_long(made: Callable[[Request], Response]) -> None:
    async def answered(request: Request) -> Response:
        assert request.headers["accept-encoding"] == "identity"
        return made(request)

    async with neighbour(answered) as url, sendblue(url) as client, slack(url) as notifier:
        with pytest.raises(Uncertain):
            await client.submit(TEXT, "https://bot.example.com/cb")
        with pytest.raises(NotSent):
            await client.status("h")
        with pytest.raises(Uncertain):
            await notifier.post("C1", Post("Hi", []), id="1")


async def test_pages_that_dawdle_take_no_longer_together_than_two_calls() -> None:
    pages = itertools.count()

    async def slowly(_: Request) -> Response:
        await asyncio.sleep(0.15)
        page = [LISTED | {"message_handle": f"h{next(pages)}"}]
        return JSONResponse({"data": page, "pagination": {"hasMore": True}})

    async with neighbour(slowly) as url, sendblue(url, timeout=0.2) as client:
        with pytest.raises(NotSent, match="no_answer"):
            await client.sent_like(TEXT, NO_TIME)
    assert next(pages) <= 4


async def test_a_list_that_ignores_where_to_begin_ends() -> None:
    page = {"data": [LISTED | {"message_handle": f"h{number}"} for number in range(100)]}
    async with neighbour(always(page)) as url, sendblue(url) as client:
        assert len(await client.sent_like(TEXT, NO_TIME)) == 100


@pytest.mark.parametrize(("minutes", "found"), [(0, 1), (4, 1), (50, 0)])
async def test_what_was_sent_before_is_no_evidence_by_sendblue_s_own_clock(minutes: int, found: int) -> None:
    theirs = NOW + timedelta(hours=3)  # three hours ahead of ours
    sent = theirs - timedelta(minutes=minutes)
    item = LISTED | {"date_sent": sent.isoformat()}

    async def answered(_: Request) -> Response:
        return JSONResponse({"data": [item]}, headers={"Date": format_datetime(theirs, usegmt=True)})

    async with neighbour(answered) as url, sendblue(url) as client:
        assert len(await client.sent_like(TEXT, NO_TIME)) == found


async def test_a_list_without_end_is_no_answer() -> None:
    numbers = itertools.count()

    async def answered(_: Request) -> Response:
        return JSONResponse({"data": [{"message_handle": f"h{next(numbers)}"} for _ in range(100)]})

    async with neighbour(answered) as url, sendblue(url) as client:
        with pytest.raises(NotSent):
            await client.sent_like(TEXT, NO_TIME)


async def test_a_history_whose_pages_repeat_themselves_ends() -> None:
    page = {"ok": True, "messages": [{"ts": "1.0"}, "x", None], "response_metadata": {"next_cursor": "more"}}
    async with neighbour(always(page)) as url, slack(url) as notifier:
        assert await notifier.find("C1", id="1", age=NO_TIME, thread_ts=None) is None


async def test_a_history_whose_pages_dawdle_ends_before_anybody_else_looks() -> None:
    cursors = itertools.count()

    async def slowly(_: Request) -> Response:
        await asyncio.sleep(0.15)
        number = next(cursors)
        return JSONResponse(
            {"ok": True, "messages": [{"ts": f"{number}.0"}], "response_metadata": {"next_cursor": f"c{number}"}}
        )

    async with neighbour(slowly) as url, slack(url, timeout=0.3) as client:
        with pytest.raises(NotSent, match="no_answer"):
            await client.find("C1", id="1", age=NO_TIME, thread_ts=None)
    assert next(cursors) <= 4


async def test_a_history_without_end_is_no_answer() -> None:
    numbers = itertools.count()

    async def answered(_: Request) -> Response:
        page = {"ok": True, "messages": [{"ts": f"{next(numbers)}.0", "metadata": 5}]}
        return JSONResponse(page | {"response_metadata": {"next_cursor": "more"}})

    async with neighbour(answered) as url, slack(url) as notifier:
        with pytest.raises(NotSent):
            await notifier.find("C1", id="1", age=NO_TIME, thread_ts=None)


@pytest.mark.parametrize(
    "body",
    [{"ok": True}, {"ok": True, "ts": "1.0"}, {"ok": True, "channel": "C1"}, {"ok": True, "ts": 5, "channel": "C1"}],
)
async def test_a_post_of_which_slack_does_not_say_where_it_stands_is_looked_for(body: Any) -> None:
    async with neighbour(always(body)) as url, slack(url) as notifier:
        with pytest.raises(Uncertain):
            await notifier.post("C1", Post("Hi", []), id="1")


@pytest.mark.parametrize(
    "body", [{"ok": True}, {"ok": True, "user": None}, {"ok": True, "user": {"id": "U2"}}, {"ok": True, "user": "U1"}]
)
async def test_nobody_is_permitted_on_another_s_account(body: Any) -> None:
    async with neighbour(always(body)) as url, slack(url) as notifier:
        with pytest.raises(NotSent):
            await notifier.person("U1")


@pytest.mark.parametrize("charset", ["utf-8", "latin-1", "no-such-charset", "utf-7", "\xff"])
async def test_an_answer_in_any_charset_crashes_nothing(charset: str) -> None:
    async def answered(_: Request) -> Response:
        return Response(
            b'{"ok": true, "x": "\xff\xfe"}', headers={"content-type": f"application/json; charset={charset}"}
        )

    async with neighbour(answered) as url, slack(url) as notifier, sendblue(url) as client:
        with pytest.raises(CallFailed):
            await notifier.post("C1", Post("Hi", []), id="1")
        with pytest.raises(CallFailed):
            await client.status("h")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    asked: list[str] = []

    async def answered(request: Request) -> Response:
        asked.append(request.url.path)
        return RedirectResponse("/elsewhere", status)

    async with neighbour(answered) as url, slack(url) as notifier, sendblue(url) as client:
        for call in (
            notifier.post("C1", Post("Hi", []), id="1"),
            notifier.answer(f"{url}/answer", "Hi"),
            client.submit(TEXT, "https://bot.example.com/cb"),
            client.status("h"),
        ):
            with pytest.raises(CallFailed):
                await call
    assert "/elsewhere" not in asked
    assert len(asked) == 4


async def test_a_whole_answer_of_the_largest_kind_is_read() -> None:
    others = [LISTED | {"message_handle": f"h{number}", "content": "\U0001f600" * 9_000} for number in range(14)]
    page = json.dumps({"data": [*others, LISTED]})
    assert len(page) > 1_500_000

    async def answered(_: Request) -> Response:
        return Response(page, media_type="application/json")

    async with neighbour(answered) as url, sendblue(url) as client:
        assert [report.handle for report in await client.sent_like(TEXT, NO_TIME)] == ["h"]


async def test_of_large_answers_two_are_held_at_a_time_and_small_ones_go_past_them() -> None:
    over = asyncio.Event()

    async def answered(request: Request) -> Response:
        asked = f"{request.url} {await request.body()!r}"

        async def pieces() -> AsyncIterator[bytes]:
            yield b'{"ok": false, "error": "x", "status": "SENT", "message_handle": "h", "more": "'
            yield b"x" * (10 if "small" in asked else 400_000)
            if "stuck" in asked:
                await over.wait()
            yield b'"}'

        return StreamingResponse(pieces(), media_type="application/json")

    async with neighbour(answered) as url, sendblue(url) as client, slack(url) as notifier:
        for ask in (client.status, notifier.join):
            over.clear()
            stuck = [asyncio.ensure_future(ask("stuck")) for _ in range(2)]
            await asyncio.sleep(0.3)
            large = asyncio.ensure_future(ask("large"))
            await asyncio.gather(ask("small"), return_exceptions=True)
            assert not large.done()
            over.set()
            await asyncio.gather(large, *stuck, return_exceptions=True)
