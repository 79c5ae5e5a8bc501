"""Figure 13. Copying files: memory, speed, and what the doors answer meanwhile; on SQLite, with the bot's defaults."""

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx

from benchmarks.command_requests import commands
from benchmarks.figures import Figure, Goal, Measured
from benchmarks.load import Load, load
from benchmarks.run import Run
from benchmarks.servers import Server, bot, floor, pretend_neighbours
from benchmarks.settings import PLACE

_MIB = 20  # of each file
_WAYS: Mapping[str, str] = {"in": "phone → Slack", "out": "Slack → phone"}
_SOMEBODY = "U0ANA"  # of the sandbox's Slack
_CLIENTS, _PAUSE = 4, 0.02  # seconds; far less than the bot can take: at its limit it has no time for files either
_SHARES: Mapping[float, Goal | None] = {0.5: None, 0.99: Goal("<=", 1.5)}
_PATIENCE = 600  # seconds


@dataclass(frozen=True, slots=True)
class _Copied:
    """What files took that were copied. rate: MiB a second. worked: milliseconds of processor for each MiB."""

    rate: float
    worked: float


async def measure(run: Run) -> list[Figure]:
    """Measure memory and speed with one bot, the doors with another: what commands leave behind is no file's."""
    return [*await _copying(run), *await _answering(run)]


@asynccontextmanager
async def _met(run: Run) -> AsyncIterator[tuple[Server, Server, httpx.AsyncClient]]:
    """Run a bot in whose thread with a customer files can be sent, neighbours, and a client of theirs."""
    with ExitStack() as stack:
        size = {"FILE_SIZE": str(_MIB << 20)}
        neighbours = stack.enter_context(pretend_neighbours(run.folder, size, "file_neighbours:app"))
        os.setpriority(os.PRIO_PROCESS, neighbours.process.pid, 10)  # so that the generator, beside them, can measure
        settings = _between(neighbours) | {"INBOX_CHANNEL": PLACE, "THREAD_REPLIES": "send"}
        ours = stack.enter_context(bot(run.folder, neighbours.url, run.engines["SQLite"](), settings))
        fresh = httpx.Limits(max_keepalive_connections=0)  # an idle connection may be closed just as it is used
        async with httpx.AsyncClient(base_url=neighbours.url, timeout=_PATIENCE, limits=fresh) as http:
            await _post(http, "/meet", {"url": ours.url})
            await asyncio.sleep(run.scale.settled)
            yield ours, neighbours, http


def _between(neighbours: Server) -> dict[str, str]:
    return {"SLACK_API_URL": f"{neighbours.url}/slack/api/", "SENDBLUE_API_URL": f"{neighbours.url}/sendblue"}


async def _post(http: httpx.AsyncClient, url: str, body: Mapping[str, object]) -> httpx.Response:
    return (await http.post(url, json=body)).raise_for_status()


async def _copying(run: Run) -> list[Figure]:
    seen: dict[tuple[str, str], list[_Copied]] = defaultdict(list)
    async with _met(run) as (ours, neighbours, http):
        with floor("pass_on:app", run.folder, neighbours.url, changes=_between(neighbours)) as bare:
            rest = ours.memory
            ours.forget_peak()
            for _ in range(run.scale.rounds):
                for way in _WAYS:
                    files = {"way": way, "count": run.scale.files}
                    seen["ours", way].append(await _timed(run, ours, http, "/send", files))
                    made = {"way": way, "urls": (await _post(http, "/make", files)).json()}
                    seen["floor", way].append(await _timed(run, bare, http, f"{bare.url}/copy", made))
            most = ours.peak
    count = f"{run.scale.rounds * run.scale.files} files of {_MIB} MiB each way"
    run.notes.append(f"Copying {count}: memory {rest:.1f} MiB at rest before, at most {most:.1f} MiB.")
    figures = [
        Figure(f"13 {count}: memory, most − at rest", Measured((most - rest,), "MiB"), goal=Goal("<=", 30, "ours"))
    ]
    for way in _WAYS:
        figures += _speeds(run, way, seen["ours", way], seen["floor", way])
    return figures


async def _timed(run: Run, server: Server, http: httpx.AsyncClient, url: str, body: Mapping[str, object]) -> _Copied:
    """Have files copied by a server."""
    mib, started, worked = run.scale.files * _MIB, time.monotonic(), server.worked
    await _post(http, url, body)
    return _Copied(mib / (time.monotonic() - started), 1000 * (server.worked - worked) / mib)


def _speeds(run: Run, way: str, ours: Sequence[_Copied], bare: Sequence[_Copied]) -> list[Figure]:
    rate, bare_rate = (Measured(tuple(one.rate for one in copied), "MiB/s") for copied in (ours, bare))
    worked, bare_worked = (Measured(tuple(one.worked for one in copied), "ms") for copied in (ours, bare))
    run.notes.append(f"{_WAYS[way]}: {60 * rate.median / _MIB:,.0f} files of {_MIB} MiB a minute.")
    name, against = f"13 files, {_WAYS[way]}", "passed on as they come"
    return [
        Figure(name, rate, bare_rate, against=against),
        Figure(f"{name}: processor time for each MiB", worked, bare_worked, against=against),
    ]


async def _answering(run: Run) -> list[Figure]:
    seen: dict[tuple[str, str], list[Load]] = defaultdict(list)
    async with _met(run) as (ours, _, http):
        for _ in range(run.scale.rounds):
            for way in _WAYS:
                copied, started = asyncio.Event(), time.monotonic()
                asking = asyncio.create_task(_ask(ours, copied))
                await _post(http, "/send", {"way": way, "count": run.scale.files // 2})
                copied.set()
                seen["busy", way].append(run.checked(await asking))
                took = time.monotonic() - started
                await asyncio.sleep(run.scale.settled)
                seen["quiet", way].append(run.checked(await _ask(ours, asyncio.Event(), seconds=took)))
    return [figure for way in _WAYS for figure in _answers(way, seen["busy", way], seen["quiet", way])]


async def _ask(server: Server, end: asyncio.Event, seconds: float = _PATIENCE) -> Load:
    """Send commands until the end."""
    return await load([server.port], _commands(end), clients=_CLIENTS, seconds=seconds, pause=_PAUSE)


def _commands(end: asyncio.Event) -> Iterator[bytes]:
    while not end.is_set():
        yield from commands(1, PLACE, _SOMEBODY)


def _answers(way: str, busy: Sequence[Load], quiet: Sequence[Load]) -> Iterator[Figure]:
    for share, goal in _SHARES.items():
        ours, alone = (Measured(tuple(one.milliseconds(share) for one in loads), "ms") for loads in (busy, quiet))
        name = f"13 command ack while files go {_WAYS[way]}: p{share * 100:.0f}"
        yield Figure(name, ours, alone, None, goal, "no files")
