"""Strangers who only want to do harm: the doors stay open for everybody else, and nothing is as bad as it sounds."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import psutil
import pytest

from tests.chaos.conftest import LONG, OpenRuin, Ruin

pytestmark = pytest.mark.alone

IDLE, SLOW = 1000, 50
MEBIBYTE = 1024 * 1024


@pytest.fixture
async def bot(open_ruin: OpenRuin) -> Ruin:
    """A bot that Slack reaches without a router between."""
    ruin = await open_ruin()
    ruin.slack.app_url = f"{ruin.bot.url}/slack/events"
    await ruin.bot.start()
    return ruin


def memory(ruin: Ruin) -> float:
    """Return the bot's resident memory in MiB."""
    return psutil.Process(ruin.bot.pid).memory_info().rss / MEBIBYTE


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connected(ruin: Ruin, count: int) -> AsyncIterator[list[Connection]]:
    """Open so many connections and say nothing."""
    port = int(ruin.bot.url.rpartition(":")[2])
    connections: list[Connection] = []
    try:
        for _ in range(count):
            connections.append(await asyncio.open_connection("127.0.0.1", port))  # noqa: PERF401 - close what was opened
        yield connections
    finally:
        for _, writer in connections:
            writer.transport.abort()


async def test_a_thousand_idle_connections_and_fifty_slow_ones_do_not_starve_the_doors(
    bot: Ruin, judge: Callable[[Ruin], None]
) -> None:
    before = memory(bot)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(connected(bot, IDLE))
        slow = await stack.enter_async_context(connected(bot, SLOW))
        await stack.enter_async_context(trickling([writer for _, writer in slow]))
        for number in range(5):
            promise = await bot.ledger.type(f"Text {number} in the crowd")
            assert promise.given
            assert promise.answer.seconds < 3
            await asyncio.sleep(0.2)
        await bot.end()
        assert memory(bot) - before < 60
        assert (await bot.bot.readiness())[0] == 200
    judge(bot)
    assert "Traceback" not in bot.bot.said


async def test_a_process_that_may_open_1024_files_is_not_starved_either(open_ruin: OpenRuin) -> None:
    """The usual limit that a shell or a service manager gives; the hard limit is far above."""
    ruin = await open_ruin(CHAOS_FILES="1024")
    ruin.slack.app_url = f"{ruin.bot.url}/slack/events"
    await ruin.bot.start()
    async with connected(ruin, IDLE + SLOW):
        promise = await ruin.ledger.type("A text in the crowd")
        assert promise.answer.failure is None
        assert promise.given


@asynccontextmanager
async def trickling(writers: list[asyncio.StreamWriter]) -> AsyncIterator[None]:
    """Send requests a few bytes at a time meanwhile, as if the lines were very slow."""
    request = b"POST /slack/events HTTP/1.1\r\nHost: bot\r\nContent-Length: 100000\r\n" + b"X-A: b\r\n" * 1000

    async def trickle() -> None:
        for at in range(0, len(request), 5):
            for writer in writers:
                if not writer.is_closing():
                    writer.write(request[at : at + 5])
            await asyncio.sleep(0.05)

    task = asyncio.create_task(trickle())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.skipif(not LONG, reason="make chaos: waits for the door to lose its patience")
async def test_whoever_says_nothing_for_a_minute_is_shown_out(bot: Ruin) -> None:
    async with connected(bot, 3) as connections:
        connections[1][1].write(b"POST /slack/events HTTP/1.1\r\nHost: bot\r\n")  # half a head
        connections[2][1].write(b"POST /slack/events HTTP/1.1\r\nHost: bot\r\nContent-Length: 9\r\n\r\n")  # no body
        for reader, _ in connections:
            async with asyncio.timeout(70):
                while await reader.read(1000):
                    pass


HUGE = 5 * MEBIBYTE
GARBAGE = random.Random(7).randbytes(4096)
REQUESTS = {
    "a body of 5 MB": b"POST /slack/events HTTP/1.1\r\nHost: b\r\nContent-Length: %d\r\n\r\n" % HUGE + bytes(HUGE),
    "a callback of 5 MB": b"POST /sendblue/status/a/b HTTP/1.1\r\nHost: b\r\nContent-Length: %d\r\n\r\n" % HUGE
    + bytes(HUGE),
    "chunks without end": b"POST /slack/events HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n"
    + (b"10000\r\n" + bytes(0x10000) + b"\r\n") * 80,
    "a header of a million letters": b"POST /slack/events HTTP/1.1\r\nHost: b\r\nX-A: " + b"a" * 10**6 + b"\r\n\r\n",
    "ten thousand headers": b"POST /slack/events HTTP/1.1\r\nHost: b\r\n" + b"X-A: b\r\n" * 10_000 + b"\r\n",
    "a path of a million letters": b"GET /" + b"a" * 10**6 + b" HTTP/1.1\r\nHost: b\r\n\r\n",
    "garbage": GARBAGE,
    "garbage after a request line": b"POST /slack/events HTTP/1.1\r\n" + GARBAGE,
    "garbage as a body": b"POST /slack/events HTTP/1.1\r\nHost: b\r\nContent-Length: 4096\r\n\r\n" + GARBAGE,
    "a length that is none": b"POST /slack/events HTTP/1.1\r\nHost: b\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"POST /slack/events HTTP/1.1\r\nHost: b\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + GARBAGE,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an upgrade": b"GET /slack/events HTTP/1.1\r\nHost: b\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
}


async def test_rubbish_is_refused_or_cut_off(bot: Ruin) -> None:
    before = memory(bot)
    answers = {what: await answer_to(bot, request) for what, request in REQUESTS.items()}
    wrong = {what: answer[:60] for what, answer in answers.items() if answer and not answer.startswith(b"HTTP/1.1 4")}
    assert wrong == {}
    assert memory(bot) - before < 60
    assert (await bot.ledger.type("A text after all that")).given
    assert "Traceback" not in bot.bot.said
    assert '"level": "error"' not in bot.bot.said


async def test_a_header_without_end_does_not_fill_the_memory(bot: Ruin) -> None:
    before = memory(bot)
    async with connected(bot, 1) as [(reader, writer)]:
        try:
            writer.write(b"POST /slack/events HTTP/1.1\r\nHost: b\r\nX-A: ")
            for _ in range(24):
                writer.write(b"a" * MEBIBYTE)
                await writer.drain()
        except ConnectionError:
            pass  # the door was shut: good
        await asyncio.sleep(0.2)
        assert memory(bot) - before < 12
        del reader


async def answer_to(ruin: Ruin, request: bytes) -> bytes:
    """Send a request as it stands; return what came back until the connection was closed, or three seconds long."""
    async with connected(ruin, 1) as [(reader, writer)]:
        answer = b""
        try:
            async with asyncio.timeout(3):
                writer.write(request)
                while data := await reader.read(65536):
                    answer += data
                    if b"\r\n\r\n" in answer:
                        break
        except (TimeoutError, ConnectionError):
            pass
        return answer
