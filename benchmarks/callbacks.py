"""Figure 2. Callback intake: token, parse, merge, one history row, a full flush to disk → 200."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator

from benchmarks.callback_requests import STATUSES, callback
from benchmarks.databases import seed
from benchmarks.figures import Figure, Goal, Measured
from benchmarks.load import Load, load
from benchmarks.run import WAYS, Run
from benchmarks.scale import CLIENTS
from benchmarks.servers import Server, bot, floor

_MOST_PER_SECOND = 12_000  # more callbacks than any of them stores
_WARM = 50  # sends


async def measure(run: Run) -> list[Figure]:
    """Measure every way of serving."""
    return [figure for way in run.scale.ways for figure in await _measure(run, way)]


async def _measure(run: Run, way: str) -> list[Figure]:
    engine, changes = WAYS[way]
    seen: dict[str, list[Load]] = defaultdict(list)
    sends = _sends(run)
    with floor("parsing_route:app", run.folder) as bare:
        for _ in range(run.scale.rounds):
            ours_at, peer_at = run.engines[engine](), run.engines[engine]()
            for url in (ours_at, peer_at):
                await asyncio.to_thread(seed, url, sends)
            seen["floor"].append(await _burst(run, bare, sends))
            with bot(run.folder, run.neighbours.url, ours_at, changes) as ours:
                seen["ours"].append(await _burst(run, ours, sends))
            with floor("commit_each:app", run.folder, database=peer_at) as peer:
                seen["peer"].append(await _burst(run, peer, sends))
    return _figures(way, engine, seen)


async def bare_rate(run: Run) -> float:
    """Return how many callbacks a second a bare Starlette route answers here, as beside the bot's intake."""
    with floor("parsing_route:app", run.folder) as bare:
        return (await _burst(run, bare, _sends(run))).rate


def _sends(run: Run) -> int:
    return int(run.scale.burst * _MOST_PER_SECOND / len(STATUSES)) + _WARM


async def _burst(run: Run, server: Server, sends: int) -> Load:
    await load([server.port], in_turns(0, _WARM), clients=CLIENTS)
    prepared = iter(list(in_turns(_WARM, sends)))
    return run.checked(await load([server.port], prepared, clients=CLIENTS, seconds=run.scale.burst))


def in_turns(first: int, end: int) -> Iterator[bytes]:
    """Each send's news in its order, thirty-two sends at a time, so that hardly two wait for one row."""
    for start in range(first, end, CLIENTS):
        for status in STATUSES:
            yield from (callback(number, status) for number in range(start, min(start + CLIENTS, end)))


def _figures(way: str, engine: str, seen: dict[str, list[Load]]) -> list[Figure]:
    rate = {name: Measured(tuple(one.rate for one in rounds), "/s") for name, rounds in seen.items()}
    p99 = {name: Measured(tuple(one.milliseconds(0.99) for one in rounds), "ms") for name, rounds in seen.items()}
    of_floor, of_peer = (0.36, 6) if engine == "SQLite" else (0.25, 3)
    bare, each = "Starlette that only parses", "a commit each"
    title = f"2 callback intake, {way}"
    return [
        Figure(f"{title}: {CLIENTS} clients", rate["ours"], rate["floor"], None, Goal(">=", of_floor), bare),
        Figure(f"{title}: {CLIENTS} clients", rate["ours"], None, rate["peer"], Goal(">=", of_peer), each),
        Figure(f"{title}: p99, {CLIENTS} clients", p99["ours"], p99["floor"], None, Goal("<=", 2, plus=5), bare),
    ]
