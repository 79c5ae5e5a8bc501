"""Fetch a file by its URL, wherever that may lead: bounded in time, size and place, and never run or believed."""

import asyncio
import socket
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from bot.errors import NotSent, Refused
from bot.files.kinds import HEAD, kind_of
from bot.files.sources import Source, allowed, is_public
from bot.files.taken import Disk, Taken
from bot.network import proxy_for, trusted

_BUSY = frozenset({408, 425, 429})


class PublicOnly(AbstractResolver):
    """Looks names up for connections to the public internet; a name with any other address is refused.

    The connection goes to the addresses that were checked here: nobody asks the name server a second time.
    """

    def __init__(self, resolver: AbstractResolver) -> None:
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if not found:
            raise OSError("the name has no address")
        if not all(is_public(one["host"]) for one in found):
            raise Refused("file_host")
        return found

    async def close(self) -> None:
        await self._resolver.close()


class Fetcher:
    """Fetches files. deadline: seconds for a whole one. idle: seconds without a byte. folder: None is the system's.

    No redirect is followed: Slack's and Sendblue's links need none, and so no token can be sent anywhere else.
    """

    def __init__(
        self,
        disk: Disk,
        *,
        deadline: float,
        idle: float = 30,
        folder: Path | None = None,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._disk, self._deadline, self._idle, self._folder = disk, deadline, idle, folder
        self._resolver = resolver
        self._sessions = AsyncExitStack()

    async def __aenter__(self) -> Self:
        resolver = self._resolver or aiohttp.ThreadedResolver()
        self._guard = PublicOnly(resolver)
        self._anywhere = await self._sessions.enter_async_context(_session(resolver, self._idle))
        self._public = await self._sessions.enter_async_context(_session(self._guard, self._idle))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._sessions.aclose()

    async def fetch(
        self, url: str, source: Source, *, largest: int, name: str = "", headers: Mapping[str, str] | None = None
    ) -> Taken:
        """Fetch a file of at most `largest` bytes. Close what is returned. name: what `kind_of` makes of it.

        Raises Refused: file_gone, file_too_large, file_host, file_empty, http_…; NotSent: file_unreachable, file_slow,
        file_cut, no_room, http_… with how long to wait, if they say so.
        """
        target, anywhere = allowed(url, source)
        with _failures(), ExitStack() as held:
            async with asyncio.timeout(self._deadline):
                proxy = await self._proxy(target, anywhere=anywhere)
                session = self._anywhere if anywhere or proxy else self._public
                async with session.get(target, headers=headers, proxy=proxy, allow_redirects=False) as answer:
                    most = _most(answer, largest)
                    # Whoever sends waits as long as we do, so it may be no longer than we let them be silent.
                    await self._disk.take(most, self._idle)
                    held.callback(self._disk.give_back, most)
                    with _on_disk():
                        file = TemporaryFile(dir=self._folder)  # noqa: SIM115 - see `_close`
                    held.callback(_close, file)
                    size = await _copy(answer.content, file, most)
            with _on_disk():
                file.seek(0)  # writes what is still in memory
                kind = kind_of(file.read(HEAD), name)
                file.seek(0)
            return Taken(file, size, kind, held.pop_all())

    async def _proxy(self, target: URL, *, anywhere: bool) -> str | None:
        """Return the proxy to call through. It looks names up itself, and where it may go is its operator's matter.

        All the same no name goes to it that leads to a private address here; many networks with a proxy know none.
        """
        proxy = proxy_for(str(target))
        if proxy and not anywhere:
            try:
                await self._guard.resolve(str(target.raw_host), 443)
            except OSError:
                return proxy
        return proxy


def _session(resolver: AbstractResolver, idle: float) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        # limit: how many at once is for those to say who fetch. The resolver is asked for each connection.
        connector=aiohttp.TCPConnector(ssl=trusted(), resolver=resolver, use_dns_cache=False, limit=0),
        timeout=aiohttp.ClientTimeout(connect=min(5, idle), sock_read=idle),
        cookie_jar=aiohttp.DummyCookieJar(),
        # Not compressed: a small answer can become a gigabyte. One that comes compressed is kept as it is.
        headers={"Accept-Encoding": "identity"},
        auto_decompress=False,
    )


def _most(answer: aiohttp.ClientResponse, largest: int) -> int:
    """Return how many bytes may come. Raises as `fetch`: none will."""
    status, declared = answer.status, answer.content_length
    if status in (403, 404, 410):
        raise Refused("file_gone")
    if status in _BUSY or status >= 500:
        wait = answer.headers.get("Retry-After", "")
        raise NotSent(f"http_{status}", retry_after=min(max(float(wait), 1), 3600) if wait.isdecimal() else None)
    if 300 <= status < 400:
        raise Refused("file_host")
    if status != 200:
        raise Refused(f"http_{status}")
    if declared is not None and declared > largest:
        raise Refused("file_too_large")
    return largest if declared is None else declared


async def _copy(content: aiohttp.StreamReader, file: BinaryIO, most: int) -> int:
    """Copy what comes, and return its size. Raises as `fetch`.

    A piece has some hundred KiB at most. Writing it to the system's cache takes less time than handing it to a thread.
    """
    size = 0
    async for piece in content.iter_any():
        size += len(piece)
        if size > most:
            raise Refused("file_too_large")
        with _on_disk():
            file.write(piece)
    if not size:
        raise Refused("file_empty")
    return size


def _close(file: BinaryIO) -> None:
    """Close a file in another thread: the system takes milliseconds to give back a large one, and all wait for us."""

    def close() -> None:
        with suppress(OSError):  # what a full disk did not take
            file.close()

    asyncio.get_running_loop().run_in_executor(None, close)


@contextmanager
def _on_disk() -> Iterator[None]:
    try:
        yield
    except OSError:  # full, over a quota, or not to be written
        raise NotSent("no_room") from None


@contextmanager
def _failures() -> Iterator[None]:
    """Say in our errors how a fetch failed. `from None`: those of aiohttp name URLs and hosts."""
    try:
        yield
    except aiohttp.ConnectionTimeoutError:
        raise NotSent("file_unreachable") from None
    except TimeoutError:
        raise NotSent("file_slow") from None
    except aiohttp.ClientPayloadError:
        raise NotSent("file_cut") from None
    except (aiohttp.ClientError, OSError):
        raise NotSent("file_unreachable") from None
