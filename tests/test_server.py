"""Whoever says nothing, or too much, is shown out; everybody else is served."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from uvicorn.server import ServerState

from bot.server import KEEP_ALIVE, LARGEST_HEAD, PatientProtocol, configured

WHOLE = b"POST / HTTP/1.1\r\nHost: bot\r\nContent-Length: 3\r\n\r\nabc"


class Hasty(PatientProtocol):
    within = 0.4


@asynccontextmanager
async def door(*, keep_alive: float = 5) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Serve an app that answers with what it was sent, slowly if asked; connect to it. keep_alive: seconds."""

    async def echo(request: Request) -> Response:
        body = await request.body()
        await asyncio.sleep(1 if body == b"slo" else 0)
        return PlainTextResponse(body)

    config = configured(Starlette(routes=[Route("/", echo, methods=["POST"])]))
    config.timeout_keep_alive = keep_alive  # type: ignore[assignment]
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: Hasty(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()
        await asyncio.gather(*state.tasks, return_exceptions=True)
        await asyncio.sleep(0)


async def all_of(reader: asyncio.StreamReader) -> bytes:
    """What comes until the connection is closed."""
    answer = b""
    async with asyncio.timeout(5):
        try:
            while data := await reader.read(65536):
                answer += data
        except ConnectionError:
            pass
    return answer


@pytest.mark.parametrize("said", [b"", WHOLE[:20], WHOLE[:-1]], ids=["nothing", "half a head", "no end of the body"])
async def test_whoever_does_not_finish_a_request_is_shown_out(said: bytes) -> None:
    async with door() as (reader, writer):
        writer.write(said)
        assert await all_of(reader) == b""


async def test_the_second_request_of_a_connection_has_its_time_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async with door() as (reader, writer):
        for _ in range(3):
            writer.write(WHOLE)
            assert (await reader.readuntil(b"abc")).startswith(b"HTTP/1.1 200")
            await asyncio.sleep(0.25)
        writer.write(WHOLE[:-1])
        assert await all_of(reader) == b""


async def test_an_answer_may_take_longer_than_a_request() -> None:
    async with door() as (reader, writer):
        writer.write(WHOLE[:-3] + b"slo")
        assert (await reader.readuntil(b"slo")).startswith(b"HTTP/1.1 200")


async def test_a_head_may_not_be_too_large_and_a_body_may() -> None:
    async with door() as (reader, writer):
        body = b"a" * (4 * LARGEST_HEAD)
        writer.write(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert (await reader.readuntil(body)).startswith(b"HTTP/1.1 200")
        writer.write(b"POST / HTTP/1.1\r\nX-A: " + b"a" * (2 * LARGEST_HEAD))
        assert (await all_of(reader)).startswith(b"HTTP/1.1 400")


async def test_an_idle_connection_is_kept_longer_than_whoever_forwards_requests_keeps_it() -> None:
    """Heroku's router closes it after 90 s, Caddy after 120 s; here a hundredth of that."""
    assert configured(Starlette()).timeout_keep_alive == KEEP_ALIVE
    async with door(keep_alive=KEEP_ALIVE / 100) as (reader, writer):
        for pause in (0, 0.9, 1.2):
            await asyncio.sleep(pause)
            writer.write(WHOLE)
            async with asyncio.timeout(1):
                assert await reader.readuntil(b"abc")
        async with asyncio.timeout(3):
            assert await reader.read() == b""  # and then it is closed


async def test_a_few_requests_ahead_are_answered_in_their_order() -> None:
    async with door() as (reader, writer):
        writer.write(WHOLE.replace(b"abc", b"slo") + 5 * WHOLE)
        answers = [await reader.readuntil(body) for body in (b"slo", *[b"abc"] * 5)]
        assert all(b"HTTP/1.1 200" in answer for answer in answers)


async def test_requests_ahead_without_end_do_not_pile_up() -> None:
    async with door() as (reader, writer):
        writer.write(20_000 * WHOLE)
        assert (await all_of(reader)).count(b"HTTP/1.1 200") < 20


async def test_half_a_request_that_came_with_the_end_of_another_is_not_waited_for_either() -> None:
    async with door(keep_alive=60) as (reader, writer):
        writer.write(WHOLE + WHOLE[:20])
        async with asyncio.timeout(3):
            assert (await reader.read()).count(b"HTTP/1.1") == 1


async def test_what_is_no_http_at_all_is_one_line_in_the_log_and_not_one_each(logged: Callable[[], str]) -> None:
    for _ in range(5):
        async with door() as (reader, writer):
            writer.write(b"\x16\x03\x01 no HTTP\r\n\r\n")
            assert (await all_of(reader)).startswith(b"HTTP/1.1 400")
    assert logged().count("Invalid HTTP request received.") == 1
