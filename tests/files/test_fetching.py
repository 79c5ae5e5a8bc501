"""A file is fetched whole and from where it may come from, or not at all; nothing of it outlives its use."""

import asyncio
import gzip
import io
import shlex
import shutil
import socket
import ssl
import subprocess
import threading
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.errors import CallFailed, NotSent, Refused
from bot.files import fetching
from bot.files.fetching import Fetcher
from bot.files.sources import Source, origin_of
from bot.files.taken import Disk
from bot.network import trusted
from tests.conftest import until

JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0" + b"\1" * 5000
LARGEST = 100_000
SECRET = "xoxb-secret"
Write = Callable[[bytes], Awaitable[None]]


class Server:
    """A server on loopback. serve: writes the answer. Then it hangs up."""

    def __init__(self, serve: Callable[[Write], Awaitable[None]]) -> None:
        self._serve = serve
        self.asked: list[str] = []
        self.answering: list[asyncio.Task[Any] | None] = []
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def write(data: bytes) -> None:
            writer.write(data)
            await writer.drain()

        self.answering.append(asyncio.current_task())
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
            await self._serve(write)
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    @property
    def source(self) -> Source:
        return Source(frozenset({origin_of(self.url)}))


@asynccontextmanager
async def serving(serve: Callable[[Write], Awaitable[None]] | bytes, **options: Any) -> AsyncIterator[Server]:
    async def written(write: Write) -> None:
        assert isinstance(serve, bytes)
        await write(serve)

    server = Server(written if isinstance(serve, bytes) else serve)
    async with await asyncio.start_server(server.answer, "127.0.0.1", 0, **options) as listening:
        scheme, port = "https" if options else "http", listening.sockets[0].getsockname()[1]
        server.url = f"{scheme}://127.0.0.1:{port}/secret-path/a.jpg?sig=%2B%3d+x"
        yield server
        await until(lambda: all(task and task.done() for task in server.answering))


def answer(body: bytes = JPEG, status: int = 200, **headers: object) -> bytes:
    lines = {"Content-Length": len(body)} | {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
    return f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + body


@pytest.fixture
def disk() -> Disk:
    return Disk(10 * LARGEST)


@pytest.fixture
async def fetcher(disk: Disk, tmp_path: Path) -> AsyncIterator[Fetcher]:
    async with Fetcher(disk, deadline=20, folder=tmp_path) as fetcher:
        yield fetcher
    assert list(tmp_path.iterdir()) == []
    await disk.take(10 * LARGEST, 1)  # all of it was given back


async def failing(fetcher: Fetcher, server: Server, source: Source | None = None, **options: Any) -> CallFailed:
    """Return how a fetch fails. Whatever is logged of it, no URL, name or key is in it."""
    options = {"largest": LARGEST, "headers": {"Authorization": f"Bearer {SECRET}"}} | options
    with pytest.raises((Refused, NotSent)) as failed:
        await fetcher.fetch(server.url, source or server.source, **options)
    said = "".join(traceback.format_exception(failed.value)) + repr(failed.value)
    assert "secret-path" not in said
    assert SECRET not in said
    return failed.value


async def test_a_file_is_fetched_whole(fetcher: Fetcher) -> None:
    async with serving(answer(Content_Type="text/html")) as server:
        for _ in range(2):
            with await fetcher.fetch(
                server.url, server.source, largest=len(JPEG), headers={"Authorization": f"Bearer {SECRET}"}
            ) as taken:
                assert (taken.size, taken.kind.extension, taken.file.read()) == (len(JPEG), "jpg", JPEG)
            await until(lambda file=taken.file: file.closed)
    for asked in server.asked:
        assert asked.startswith("GET /secret-path/a.jpg?sig=%2B%3d+x HTTP/1.1\r\n"), "a signature is sent as it is"
        assert f"Authorization: Bearer {SECRET}\r\n" in asked
        assert "Accept-Encoding: identity\r\n" in asked


async def test_the_name_chooses_only_among_types_that_begin_alike(fetcher: Fetcher) -> None:
    async with serving(answer(b"a,b\n1,2\n")) as server:
        with await fetcher.fetch(server.url, server.source, largest=LARGEST, name="table.csv") as taken:
            assert taken.kind.extension == "csv"


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        *((status, "file_gone", Refused) for status in (403, 404, 410)),
        *((status, "file_host", Refused) for status in (301, 302, 303, 307, 308)),
        *((status, f"http_{status}", Refused) for status in (201, 204, 206, 400, 401, 418)),
        *((status, f"http_{status}", NotSent) for status in (408, 425, 429, 500, 503)),
    ],
)
async def test_whether_another_try_may_help(fetcher: Fetcher, status: int, code: str, error: type[CallFailed]) -> None:
    async with serving(answer(b"", status, Location="/another")) as server:
        failed = await failing(fetcher, server)
    assert (type(failed), failed.code) == (error, code)
    assert len(server.asked) == 1, "no redirect is followed"


@pytest.mark.parametrize(
    ("said", "wait"),
    [("30", 30), ("0", 1), ("9" * 400, 3600), ("soon", None), ("-5", None), ("\xb2", None), (None, None)],
)
async def test_a_busy_server_says_how_long_to_wait(fetcher: Fetcher, said: str | None, wait: float | None) -> None:
    async with serving(answer(b"", 503, Retry_After=said)) as server:
        failed = await failing(fetcher, server)
    assert isinstance(failed, NotSent)
    assert failed.retry_after == wait


async def test_what_is_declared_too_large_is_not_begun(fetcher: Fetcher) -> None:
    async with serving(answer(b"", Content_Length=LARGEST + 1)) as server:  # and nothing comes
        failed = await failing(fetcher, server)
    assert (type(failed), failed.code) == (Refused, "file_too_large")


@pytest.mark.parametrize("encoding", ["chunked", None])
async def test_what_turns_out_too_large_is_given_up(fetcher: Fetcher, encoding: str | None) -> None:
    async def endless(write: Write) -> None:
        await write(answer(b"", Content_Length=None, Transfer_Encoding=encoding))
        while True:
            await write(b"2710\r\n" + b"x" * 10_000 + b"\r\n")

    for sent in (endless, answer(b"x" * (LARGEST + 1), Content_Length=None)):
        async with serving(sent) as server:
            failed = await failing(fetcher, server)
        assert (type(failed), failed.code) == (Refused, "file_too_large")


@pytest.mark.parametrize("body", [b"x" * LARGEST, b"x"])
async def test_what_does_not_say_its_size_is_fetched_as_well(fetcher: Fetcher, body: bytes) -> None:
    async with serving(answer(body, Content_Length=None)) as server:
        with await fetcher.fetch(server.url, server.source, largest=LARGEST) as taken:
            assert taken.size == len(body)


EMPTY = [answer(b""), answer(b"0\r\n\r\n", Content_Length=None, Transfer_Encoding="chunked")]


@pytest.mark.parametrize("nothing", EMPTY)
async def test_an_empty_file_is_none(fetcher: Fetcher, nothing: bytes) -> None:
    async with serving(nothing) as server:
        failed = await failing(fetcher, server)
    assert (type(failed), failed.code) == (Refused, "file_empty")


CUT = [answer(Content_Length=9000), answer(b"ff\r\nabc", Content_Length=None, Transfer_Encoding="chunked")]


@pytest.mark.parametrize("part", CUT)
async def test_a_part_of_a_file_is_not_taken_for_the_whole(fetcher: Fetcher, part: bytes) -> None:
    async with serving(part) as server:
        failed = await failing(fetcher, server)
    assert (type(failed), failed.code) == (NotSent, "file_cut")


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"])
async def test_who_does_not_answer_is_unreachable(fetcher: Fetcher, said: bytes) -> None:
    async with serving(said) as server:
        failed = await failing(fetcher, server)
    assert (type(failed), failed.code) == (NotSent, "file_unreachable")


async def test_where_nobody_listens_is_unreachable(fetcher: Fetcher) -> None:
    async with serving(answer()) as server:
        pass
    assert (await failing(fetcher, server)).code == "file_unreachable"


@pytest.mark.parametrize("sent", [b"", answer(b"x", Content_Length=100)])
async def test_who_falls_silent_is_left(disk: Disk, sent: bytes) -> None:
    left = asyncio.Event()

    async def silent(write: Write) -> None:
        await write(sent)
        await left.wait()

    async with serving(silent) as server, Fetcher(disk, deadline=60, idle=0.1) as fetcher:
        async with asyncio.timeout(20):
            failed = await failing(fetcher, server)
        left.set()
    assert (type(failed), failed.code) == (NotSent, "file_slow")


async def test_who_trickles_is_left_at_the_deadline(disk: Disk) -> None:
    async def trickling(write: Write) -> None:
        await write(answer(b"", Content_Length=1000))
        while True:
            await write(b"x")
            await asyncio.sleep(0.02)

    async with serving(trickling) as server, Fetcher(disk, deadline=0.3, idle=10) as fetcher:
        failed = await failing(fetcher, server)
    assert (type(failed), failed.code) == (NotSent, "file_slow")


async def test_what_comes_compressed_is_not_inflated(fetcher: Fetcher) -> None:
    small = gzip.compress(b"\0" * 10_000_000)
    async with serving(answer(small, Content_Encoding="gzip")) as server:
        with await fetcher.fetch(server.url, server.source, largest=LARGEST) as taken:
            assert (taken.size, taken.kind.extension) == (len(small), "gz")


# -- the disk


async def test_a_file_has_no_name_at_any_time(fetcher: Fetcher, tmp_path: Path) -> None:
    """So whatever kills the process, nothing stays."""
    held: list[int] = []

    async def half_and_half(write: Write) -> None:
        await write(answer(JPEG[:3000], Content_Length=len(JPEG)))
        await until(lambda: any(str(tmp_path) in file for file in _open_files()))
        held.append(len(list(tmp_path.iterdir())))
        await write(JPEG[3000:])

    async with serving(half_and_half) as server:
        with await fetcher.fetch(server.url, server.source, largest=LARGEST):
            held.append(len(list(tmp_path.iterdir())))
    assert held == [0, 0]
    await until(lambda: not any(str(tmp_path) in file for file in _open_files()))


def _open_files() -> list[str]:
    folder = Path("/proc/self/fd")
    if not folder.exists():
        pytest.skip("only Linux says which files a process has open")
    found = []
    for file in folder.iterdir():
        with suppress(OSError):
            found.append(str(file.readlink()))
    return found


async def test_a_cancelled_fetch_leaves_nothing(fetcher: Fetcher, tmp_path: Path) -> None:
    begun, left = asyncio.Event(), asyncio.Event()

    async def half(write: Write) -> None:
        await write(answer(JPEG[:3000], Content_Length=len(JPEG)))
        begun.set()
        await left.wait()

    async with serving(half) as server:
        fetching = asyncio.ensure_future(fetcher.fetch(server.url, server.source, largest=LARGEST))
        await begun.wait()
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching
        left.set()
    await until(lambda: not any(str(tmp_path) in file for file in _open_files()))


async def test_nobody_waits_while_the_system_gives_back_the_space_of_a_file(
    monkeypatch: pytest.MonkeyPatch, fetcher: Fetcher, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path, closed_in = tmp_path_factory.mktemp("elsewhere") / "file", []

    class Noting(io.BufferedRandom):
        def close(self) -> None:
            if not self.closed:
                closed_in.append(threading.get_ident())
            super().close()

    monkeypatch.setattr(fetching, "TemporaryFile", lambda **_: Noting(io.FileIO(path, "w+")))
    async with serving(answer()) as server:
        with await fetcher.fetch(server.url, server.source, largest=LARGEST) as taken:
            assert taken.file.read() == JPEG
        await until(lambda: closed_in)
    assert threading.get_ident() not in closed_in


async def test_a_full_disk_is_no_room(monkeypatch: pytest.MonkeyPatch, fetcher: Fetcher) -> None:
    monkeypatch.setattr(fetching, "TemporaryFile", lambda **_: Path("/dev/full").open("w+b"))  # noqa: SIM115
    async with serving(answer()) as server:
        failed = await failing(fetcher, server)
    assert (type(failed), failed.code) == (NotSent, "no_room")


async def test_without_a_folder_there_is_no_room(disk: Disk, tmp_path: Path) -> None:
    async with serving(answer()) as server, Fetcher(disk, deadline=5, folder=tmp_path / "none") as fetcher:
        assert (await failing(fetcher, server)).code == "no_room"


async def test_a_file_waits_for_room_until_another_is_closed(tmp_path: Path) -> None:
    disk = Disk(len(JPEG))
    async with serving(answer()) as server, Fetcher(disk, deadline=20, folder=tmp_path) as fetcher:
        first = await fetcher.fetch(server.url, server.source, largest=LARGEST)
        second = asyncio.ensure_future(fetcher.fetch(server.url, server.source, largest=LARGEST))
        await until(lambda: len(server.asked) == 2)
        assert not (await asyncio.wait({second}, timeout=0.1))[0]
        first.close()
        first.close()
        with await second as taken:
            assert taken.size == len(JPEG)
            with pytest.raises(NotSent) as none:
                await disk.take(1, 0.01)
            assert none.value.code == "no_room"


async def test_a_large_one_is_not_passed_by_small_ones_for_ever() -> None:
    disk, order = Disk(10), []
    await disk.take(6, 1)

    async def take(size: int) -> None:
        await disk.take(size, 10)
        order.append(size)

    async with asyncio.TaskGroup() as group:
        for size in (8, 2):
            group.create_task(take(size))
        await asyncio.sleep(0)
        disk.give_back(6)
    assert order == [8, 2]


async def test_what_never_has_room_is_too_large(tmp_path: Path) -> None:
    async with serving(answer()) as server, Fetcher(Disk(10), deadline=20, folder=tmp_path) as fetcher:
        failed = await failing(fetcher, server)
    assert (type(failed), failed.code) == (Refused, "file_too_large")


# -- addresses


class Names(AbstractResolver):
    """A name server that gives these answers, one after the other."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        self.asked.append(host)
        found = self._answers.pop(0) if self._answers else []
        if not found:
            raise socket.gaierror("no such name")
        kinds = [socket.AF_INET6 if ":" in one else socket.AF_INET for one in found]
        return [
            ResolveResult(hostname=host, host=one, port=port, family=kind, proto=0, flags=0)
            for one, kind in zip(found, kinds, strict=True)
        ]

    async def close(self) -> None:
        pass


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The addresses to which connections are tried; none comes about."""
    tried: list[Any] = []

    async def tried_and_failed(addr_infos: list[Any], **_: Any) -> None:
        tried.extend(info[4][:2] for info in addr_infos)
        raise OSError

    monkeypatch.setattr(aiohttp.connector.aiohappyeyeballs, "start_connection", tried_and_failed)
    return tried


FILE = "https://files.example/a.jpg"
HOST = Source(hosts=("files.example",))
PUBLIC = "93.184.215.14"


@pytest.mark.parametrize(
    "addresses",
    [
        *(["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["::ffff:127.0.0.1"], ["64:ff9b::a00:1"], ["fe80::1%2"]),
        *(["::1"], [PUBLIC, "10.0.0.1"], ["2606:2800:21f::1", "::1"]),
    ],
)
async def test_a_name_with_a_private_address_is_not_called(
    disk: Disk, connections: list[Any], addresses: list[str]
) -> None:
    async with Fetcher(disk, deadline=5, resolver=Names(addresses, addresses)) as fetcher:
        for source in (HOST, Source(any_public=True)):
            with pytest.raises(Refused) as refused:
                await fetcher.fetch(FILE, source, largest=1)
            assert refused.value.code == "file_host"
    assert connections == []


async def test_the_connection_goes_to_the_address_that_was_checked(disk: Disk, connections: list[Any]) -> None:
    names = Names([PUBLIC], ["127.0.0.1"])
    async with Fetcher(disk, deadline=5, resolver=names) as fetcher:
        with pytest.raises(NotSent) as failed:
            await fetcher.fetch(FILE, HOST, largest=1)
        assert failed.value.code == "file_unreachable"
        assert (connections, names.asked) == ([(PUBLIC, 443)], ["files.example"])
        with pytest.raises(Refused) as refused:
            await fetcher.fetch(FILE, HOST, largest=1)
        assert refused.value.code == "file_host"
    assert connections == [(PUBLIC, 443)]


async def test_an_origin_may_have_a_private_address(disk: Disk) -> None:
    names = Names(["127.0.0.1"], ["127.0.0.1"])
    async with serving(answer(Set_Cookie="a=b")) as server, Fetcher(disk, deadline=5, resolver=names) as fetcher:
        url = server.url.replace("127.0.0.1", "files.example")
        for _ in range(2):
            with await fetcher.fetch(url, Source(frozenset({origin_of(url)})), largest=LARGEST) as taken:
                assert taken.size == len(JPEG)
    assert names.asked == ["files.example"] * 2
    assert not any("Cookie" in asked for asked in server.asked), "what one answer leaves is not told in another"


# -- proxies and certificates


@pytest.mark.parametrize(("answers", "asked"), [([], True), ([PUBLIC], True), (["10.0.0.1"], False)])
async def test_a_proxy_is_asked_unless_the_name_is_a_private_one_here(
    monkeypatch: pytest.MonkeyPatch, disk: Disk, answers: list[str], asked: bool
) -> None:
    names = Names(answers, ["127.0.0.1"])
    async with serving(answer(b"", 502)) as proxy, Fetcher(disk, deadline=5, resolver=names) as fetcher:
        monkeypatch.setenv("HTTPS_PROXY", origin_of(proxy.url).replace("127.0.0.1", "proxy.example"))
        with pytest.raises(NotSent if asked else Refused) as failed:
            await fetcher.fetch(FILE, HOST, largest=1, headers={"Authorization": SECRET})
    assert failed.value.code == ("file_unreachable" if asked else "file_host")
    assert [one.partition(" HTTP")[0] for one in proxy.asked] == ["CONNECT files.example:443"] * asked
    assert not any(SECRET in one for one in proxy.asked)


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificate")
async def test_only_trusted_certificates_are_believed(
    monkeypatch: pytest.MonkeyPatch, disk: Disk, tmp_path: Path
) -> None:
    made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=a -days 2"
    made += " -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out certificate.pem"
    subprocess.run(shlex.split(made), cwd=tmp_path, check=True, capture_output=True)
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(answer(), ssl=own))
        fetcher = await stack.enter_async_context(Fetcher(disk, deadline=5))
        assert (await failing(fetcher, server)).code == "file_unreachable"
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        trusted.cache_clear()
        stack.callback(trusted.cache_clear)
        believing = await stack.enter_async_context(Fetcher(disk, deadline=5))
        with await believing.fetch(server.url, server.source, largest=LARGEST) as taken:
            assert taken.size == len(JPEG)
