"""Figure 4. Convergence under Slack's limit: a burst of news over five channels, until every thread shows its end."""

import asyncio
import math
import random
import time
from collections import defaultdict

from benchmarks.callback_requests import STATUSES, callback
from benchmarks.databases import Sql, seed
from benchmarks.figures import Figure, Goal, Measured
from benchmarks.load import load
from benchmarks.run import Run
from benchmarks.scale import CLIENTS, SLOT_INTERVAL
from benchmarks.servers import Server, bot, calls, floor
from bot.domain.delivery import News
from bot.storage.database import open_database

_CHANNELS = 5
_QUIET = 1  # seconds without a post: it is over
_PATIENCE = 120  # seconds


async def measure(run: Run) -> list[Figure]:
    """Measure both engines, and the peer, which has none."""
    ours: dict[str, list[float]] = defaultdict(list)
    peers: list[float] = []
    posts: dict[str, list[int]] = defaultdict(list)
    each = {"POST_INTERVAL": str(SLOT_INTERVAL), "CHANNELS": str(_CHANNELS)}
    for number in range(run.scale.rounds):
        for engine in run.engines:
            took, posted = await _ours(run, engine, number)
            ours[engine].append(took)
            posts[engine].append(posted)
        with floor("post_each:app", run.folder, run.neighbours.url, changes=each) as peer:
            peers.append((await _burst(run, peer, number))[0])
    callbacks = run.scale.converging * len(STATUSES)
    for engine, counts in posts.items():
        run.notes.append(f"Convergence, {engine}: {min(counts)}–{max(counts)} replies for {callbacks} callbacks.")
    theirs = Measured(tuple(peers), "s")
    return [
        figure for engine, took in ours.items() for figure in _figures(run, engine, Measured(tuple(took), "s"), theirs)
    ]


async def _ours(run: Run, engine: str, number: int) -> tuple[float, int]:
    url = run.engines[engine]()
    await asyncio.to_thread(seed, url, run.scale.converging, channels=_CHANNELS)
    with bot(run.folder, run.neighbours.url, url, {"SLACK_POST_INTERVAL": str(SLOT_INTERVAL)}) as ours:
        seen = await _burst(run, ours, number)
    _check_told(url, run.scale.converging)
    return seen


def _figures(run: Run, engine: str, ours: Measured, theirs: Measured) -> list[Figure]:
    count = run.scale.converging
    least = Measured((math.ceil(count / _CHANNELS) * SLOT_INTERVAL,), "s")
    name = f"4 {count} × {len(STATUSES)} statuses in a burst, {engine}"
    return [
        Figure(name, ours, least, None, Goal("<=", 1.15 if engine == "SQLite" else 1.2), "one post a message"),
        Figure(name, ours, None, theirs, None, "one post per callback"),
    ]


async def _burst(run: Run, server: Server, number: int) -> tuple[float, int]:
    """Return the seconds from the first callback to the last reply, and how many replies there were."""
    await calls(run.neighbours)
    shuffled = iter(_shuffled(run.scale.converging, random.Random(number)))  # noqa: S311 - no secret
    seen = run.checked(await load([server.port], shuffled, clients=CLIENTS))
    replies: list[float] = []
    quiet_since = deadline = time.monotonic()
    while time.monotonic() < min(quiet_since + _QUIET, deadline + _PATIENCE):
        await asyncio.sleep(0.1)
        new = [at for at, path, _, thread in await calls(run.neighbours) if path == "/chat.postMessage" and thread]
        replies += new
        quiet_since = time.monotonic() if new else quiet_since
    return max(replies) - min(seen.sent_at), len(replies)


def _shuffled(count: int, chance: random.Random) -> list[bytes]:
    """Each send's statuses in their order, the sends mixed at random."""
    turns = [number for number in range(count) for _ in STATUSES]
    chance.shuffle(turns)
    left = {number: iter(STATUSES) for number in range(count)}
    return [callback(number, next(left[number])) for number in turns]


_TOLD = Sql("SELECT count(*) AS many FROM sends WHERE told & :end <> 0")


def _check_told(url: str, count: int) -> None:
    database = open_database(url)
    told = database.read(lambda tx: tx.ask(_TOLD, end=News.READ).value())
    database.close()
    if told != count:
        raise ValueError(f"only {told} of {count} threads show their end")
