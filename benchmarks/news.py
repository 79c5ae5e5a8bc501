"""Figure 3. News to Slack: callback received → reply in the thread requested, while the channel's slot is free."""

import asyncio
import time

from benchmarks.callback_requests import callbacks, message_id
from benchmarks.databases import seed
from benchmarks.figures import Figure, Goal, Measured, percentile
from benchmarks.load import load
from benchmarks.run import Run
from benchmarks.servers import Server, bot, calls, floor

_WARM = 20  # messages
_PAUSE = 0.025  # seconds between an answer and the next callback, so that news comes singly
_RELAY_PAUSE = 0.005
_PATIENCE = 30  # seconds
_CHANNELS = 5


async def measure(run: Run) -> list[Figure]:
    """Measure both engines."""
    return [figure for engine in run.engines for figure in await _measure(run, engine)]


async def _measure(run: Run, engine: str) -> list[Figure]:
    ours_seen, floor_seen = [], []
    relay = {"POST_INTERVAL": "0", "CHANNELS": str(_CHANNELS)}
    with floor("post_each:app", run.folder, run.neighbours.url, changes=relay) as relaying:
        for _ in range(run.scale.rounds):
            url = run.engines[engine]()
            await asyncio.to_thread(seed, url, run.scale.news + _WARM, channels=_CHANNELS)
            with bot(run.folder, run.neighbours.url, url, {"SLACK_POST_INTERVAL": "0"}) as ours:
                ours_seen.append(await _delays(run, ours, _PAUSE))
            floor_seen.append(await _delays(run, relaying, _RELAY_PAUSE))
    figures = []
    for share, most in ((0.5, 5), (0.99, 50)):
        ours_at = Measured(tuple(percentile(delays, share) for delays in ours_seen), "ms")
        floor_at = Measured(tuple(percentile(delays, share) for delays in floor_seen), "ms")
        name = f"3 callback → reply, {engine}: p{share * 100:.0f}"
        figures.append(Figure(name, ours_at, floor_at, None, Goal("<=", most, "ours"), "relay that stores nothing"))
    return figures


async def _delays(run: Run, server: Server, pause: float) -> list[float]:
    """Milliseconds, one for each message after the warm ones."""
    count = run.scale.news + _WARM
    await calls(run.neighbours)
    wanted = callbacks(range(count), ("DELIVERED",))
    seen = run.checked(await load([server.port], wanted, clients=1, pause=pause))
    replied = await _replies(run.neighbours, count)
    asked = {message_id(number).hex: at for number, at in enumerate(seen.sent_at) if number >= _WARM}
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
