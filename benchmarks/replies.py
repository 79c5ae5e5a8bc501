"""Figure 12. Intake of typed events: signature, Bolt, read, judged, stored with a full flush to disk → 200."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from contextlib import closing

from benchmarks.databases import Sql, seed
from benchmarks.figures import Figure, Goal, Measured
from benchmarks.inbound_requests import CUSTOMERS
from benchmarks.load import Load, load
from benchmarks.reply_requests import NOTE, TEXT, replies
from benchmarks.run import WAYS, Run
from benchmarks.scale import CLIENTS
from benchmarks.servers import Server, bot, floor
from bot.storage.database import open_database

_RULE = {"THREAD_REPLIES": "send"}

_MOST_PER_SECOND = 6_000  # more events than any of them answers
_WARM = 200
_KINDS: Mapping[str, tuple[str, int, str]] = {
    "texts": (TEXT, CUSTOMERS, "out"),
    "notes": (NOTE, CUSTOMERS // 10, "note"),
}
"""Kind → what is typed, in how many threads, and as what it is stored.

Of notes only the first in each thread has more stored than its key.
"""
_GOALS: Mapping[str, Mapping[str, float]] = {
    "SQLite": {"texts": 0.4, "notes": 0.6},
    "PostgreSQL": {"texts": 0.15, "notes": 0.3},
}


async def measure(run: Run) -> list[Figure]:
    """Measure every way of serving."""
    with floor("bare_bolt:before_response", run.folder) as bare:
        return [figure for way in run.scale.ways for figure in await _measure(run, way, bare)]


async def _measure(run: Run, way: str, bare: Server) -> list[Figure]:
    engine, changes = WAYS[way]
    seen: dict[str, list[Load]] = defaultdict(list)
    for _ in range(run.scale.rounds):
        for kind in _KINDS:
            url = run.engines[engine]()
            await asyncio.to_thread(seed, url, CUSTOMERS)
            seen[f"floor {kind}"].append(await _burst(run, bare, kind))
            with bot(run.folder, run.neighbours.url, url, {**_RULE, **changes}) as ours:
                seen[f"ours {kind}"].append(burst := await _burst(run, ours, kind))
            _check_stored(url, kind, _WARM + burst.answers)
    return [figure for kind in _KINDS for figure in _figures(way, kind, _GOALS[engine][kind], seen)]


async def _burst(run: Run, server: Server, kind: str) -> Load:
    text, threads, _ = _KINDS[kind]
    await load([server.port], replies(_WARM, text, threads=threads), clients=CLIENTS)
    prepared = replies(int(run.scale.burst * _MOST_PER_SECOND), text, threads=threads)
    return run.checked(await load([server.port], prepared, clients=CLIENTS, seconds=run.scale.burst))


_STORED = Sql("SELECT count(*) FROM messages WHERE origin = 'typed' AND direction = :direction")


def _check_stored(url: str, kind: str, count: int) -> None:
    """Raise ValueError if fewer are stored: what is held, or in no thread of ours, would be answered sooner."""
    with closing(open_database(url)) as database:
        stored = database.read(lambda tx: tx.ask(_STORED, direction=_KINDS[kind][2]).value())
    if stored < count:
        raise ValueError(f"of {count} that were typed {stored} are stored")


def _figures(way: str, kind: str, of_floor: float, seen: Mapping[str, list[Load]]) -> list[Figure]:
    ours, bare = seen[f"ours {kind}"], seen[f"floor {kind}"]
    rate, floor_rate = (Measured(tuple(one.rate for one in rounds), "/s") for rounds in (ours, bare))
    p99, floor_p99 = (Measured(tuple(one.milliseconds(0.99) for one in rounds), "ms") for rounds in (ours, bare))
    title, against = f"12 intake of typed {kind}, {way}", "bare Bolt, before response"
    return [
        Figure(f"{title}: {CLIENTS} clients", rate, floor_rate, None, Goal(">=", of_floor), against),
        Figure(f"{title}: p99, {CLIENTS} clients", p99, floor_p99, None, Goal("<=", 2), against),
    ]
