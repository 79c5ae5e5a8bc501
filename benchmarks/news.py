"""Figure 3. News to Slack: something received → reply in the thread requested, while the channel's slot is free."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from statistics import median

from benchmarks.callback_requests import callbacks, root_ts
from benchmarks.callbacks import bare_rate
from benchmarks.databases import seed
from benchmarks.figures import Figure, Goal, Measured, percentile
from benchmarks.inbound_requests import webhooks
from benchmarks.load import load
from benchmarks.run import Run
from benchmarks.servers import Server, bot, calls, floor

_WARM = 20  # of each kind of news
_PAUSE = 0.025  # seconds between an answer and the next callback, so that news comes singly
_RELAY_PAUSE = 0.005
_PATIENCE = 30  # seconds
_CHANNELS = 5
_QUICK_MACHINE = 20_000  # callbacks a second that a bare route answers

_SHARES = (0.5, 0.99)
_AMOUNTS: Mapping[str, tuple[float, ...]] = {"SQLite": (3, 6), "PostgreSQL": (4, 8)}
"""Engine → goals for these shares, in milliseconds. On a slower machine they would say more of it than of the bot."""
_RATIOS: Mapping[str, float] = {"SQLite": 7, "PostgreSQL": 9}


_NEWS: Mapping[str, Callable[[int], Iterator[bytes]]] = {
    "callback": lambda count: callbacks(range(count), ("DELIVERED",)),
    "inbound": lambda count: webhooks(0, count, customers=count),
}
"""What is received → that many of it, each about another thread."""


async def measure(run: Run) -> list[Figure]:
    """Measure both engines."""
    rate = median([await bare_rate(run) for _ in range(run.scale.rounds)])
    quick = rate >= _QUICK_MACHINE
    run.notes.append(f"News → reply has a goal in {'ms' if quick else '×'}: a bare route answers {rate:,.0f}/s.")
    figures = []
    for received in _NEWS:
        for engine in run.engines:
            figures += await _measure(run, engine, received, quick=quick)
    return figures


async def _measure(run: Run, engine: str, received: str, *, quick: bool) -> list[Figure]:
    ours_seen, floor_seen = [], []
    relay = {"POST_INTERVAL": "0", "CHANNELS": str(_CHANNELS)}
    with floor("post_each:app", run.folder, run.neighbours.url, changes=relay) as relaying:
        for _ in range(run.scale.rounds):
            url = run.engines[engine]()
            await asyncio.to_thread(seed, url, run.scale.news + _WARM, channels=_CHANNELS)
            with bot(run.folder, run.neighbours.url, url, {"SLACK_POST_INTERVAL": "0"}) as ours:
                ours_seen.append(await _delays(run, ours, received, _PAUSE))
            floor_seen.append(await _delays(run, relaying, received, _RELAY_PAUSE))
    figures = []
    for share, amount in zip(_SHARES, _AMOUNTS[engine], strict=True):
        ours_at = Measured(tuple(percentile(delays, share) for delays in ours_seen), "ms")
        floor_at = Measured(tuple(percentile(delays, share) for delays in floor_seen), "ms")
        name = f"3 {received} → reply, {engine}: p{share * 100:.0f}"
        goal = Goal("<=", amount, "ours") if quick else Goal("<=", _RATIOS[engine])
        figures.append(Figure(name, ours_at, floor_at, None, goal, "relay that stores nothing"))
    return figures


async def _delays(run: Run, server: Server, received: str, pause: float) -> list[float]:
    """Milliseconds, one for each thread after the warm ones."""
    count = run.scale.news + _WARM
    await calls(run.neighbours)
    seen = run.checked(await load([server.port], _NEWS[received](count), clients=1, pause=pause))
    replied = await _replies(run.neighbours, count)
    asked = {root_ts(number): at for number, at in enumerate(seen.sent_at) if number >= _WARM}
    return [1000 * (replied[thread] - at) for thread, at in asked.items()]


async def _replies(neighbours: Server, count: int) -> dict[str, float]:
    """Return when the first reply in each thread was requested, once all have one."""
    found: dict[str, float] = {}
    deadline = time.monotonic() + _PATIENCE
    while len(found) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"only {len(found)} of {count} threads got a reply")
        await asyncio.sleep(0.1)
        for at, path, _, thread in await calls(neighbours):
            if path == "/chat.postMessage" and thread:
                found.setdefault(thread, at)
    return found
