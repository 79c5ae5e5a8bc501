"""Figure 10. Inbound intake: secret, parse, a message in its conversation, its thread due, a flush to disk → 200."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping

from benchmarks.callback_requests import STATUSES
from benchmarks.callbacks import in_turns
from benchmarks.databases import seed
from benchmarks.figures import Figure, Goal, Measured
from benchmarks.inbound_requests import CUSTOMERS, webhooks
from benchmarks.load import Load, load
from benchmarks.run import WAYS, Run
from benchmarks.scale import CLIENTS
from benchmarks.servers import Server, bot, floor

_MOST_PER_SECOND = 12_000  # more messages than any of them stores; and of callbacks
_WARM = 200

_OF_CALLBACKS = 0.8
_OF_FLOOR: Mapping[str, float] = {"SQLite": 0.36 * _OF_CALLBACKS, "PostgreSQL": 0.25 * _OF_CALLBACKS}
"""Engine → the goal: what it is for callbacks, and a fifth less."""


async def measure(run: Run) -> list[Figure]:
    """Measure every way of serving."""
    return [figure for way in run.scale.ways for figure in await _measure(run, way)]


async def _measure(run: Run, way: str) -> list[Figure]:
    engine, changes = WAYS[way]
    seen: dict[str, list[Load]] = defaultdict(list)
    with floor("parsing_route:app", run.folder) as bare:
        for _ in range(run.scale.rounds):
            ours_at, peer_at = run.engines[engine](), run.engines[engine]()
            for url in (ours_at, peer_at):
                await asyncio.to_thread(seed, url, max(CUSTOMERS, _most(run)))
            seen["floor"].append(await _burst(run, bare))
            with bot(run.folder, run.neighbours.url, ours_at, changes) as ours:
                seen["ours"].append(await _burst(run, ours))
                seen["callbacks"].append(await _callbacks(run, ours))
            with floor("commit_each:app", run.folder, database=peer_at) as peer:
                seen["peer"].append(await _burst(run, peer))
    return _figures(way, engine, seen)


def _most(run: Run) -> int:
    return _WARM + int(run.scale.burst * _MOST_PER_SECOND)


async def _burst(run: Run, server: Server) -> Load:
    await load([server.port], webhooks(0, _WARM), clients=CLIENTS)
    prepared = iter(list(webhooks(_WARM, _most(run))))
    return run.checked(await load([server.port], prepared, clients=CLIENTS, seconds=run.scale.burst))


async def _callbacks(run: Run, server: Server) -> Load:
    """The same server, the same weather, and what it takes in otherwise."""
    await load([server.port], in_turns(0, _WARM), clients=CLIENTS)
    prepared = iter(list(in_turns(_WARM, _WARM + _most(run) // len(STATUSES))))
    return run.checked(await load([server.port], prepared, clients=CLIENTS, seconds=run.scale.burst))


def _figures(way: str, engine: str, seen: dict[str, list[Load]]) -> list[Figure]:
    rate = {name: Measured(tuple(one.rate for one in rounds), "/s") for name, rounds in seen.items()}
    p99 = {name: Measured(tuple(one.milliseconds(0.99) for one in rounds), "ms") for name, rounds in seen.items()}
    bare, of_floor = "Starlette that only parses", Goal(">=", _OF_FLOOR[engine])
    name = f"10 inbound intake, {way}: {CLIENTS} clients"
    latency = f"10 inbound intake, {way}: p99, {CLIENTS} clients"
    return [
        Figure(name, rate["ours"], rate["floor"], None, of_floor, bare),
        Figure(name, rate["ours"], None, rate["callbacks"], Goal(">=", _OF_CALLBACKS), "callbacks to the same bot"),
        Figure(name, rate["ours"], None, rate["peer"], None, "a commit each"),
        Figure(latency, p99["ours"], p99["floor"], None, Goal("<=", 2, plus=5), bare),
    ]
