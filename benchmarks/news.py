"""Figure 3. What travels: something received → what follows from it requested, while its slot is free.

From Sendblue's news and what customers write follows a reply in the thread, from what is typed there a text.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median

from benchmarks.callback_requests import callbacks, root_ts
from benchmarks.callbacks import bare_rate
from benchmarks.databases import seed
from benchmarks.figures import Figure, Goal, Measured, percentile
from benchmarks.inbound_requests import customer, webhooks
from benchmarks.load import load
from benchmarks.reply_requests import replies
from benchmarks.run import Run
from benchmarks.servers import Server, bot, calls, floor

_WARM = 20  # of each kind of news
_PAUSE = 0.025  # seconds between an answer and the next thing that is received, so that they come singly
_LONGER = 0.1  # a text is posted, reported, marked and said on its root
_RELAY_PAUSE = 0.005
_PATIENCE = 30  # seconds
_CHANNELS = 5
_QUICK_MACHINE = 20_000  # callbacks a second that a bare route answers

_SHARES = (0.5, 0.99)
_AMOUNTS: Mapping[str, tuple[float, ...]] = {"SQLite": (3, 6), "PostgreSQL": (4, 8)}
"""Engine → goals for these shares, in milliseconds. On a slower machine they would say more of it than of the bot."""
_RATIOS: Mapping[str, float] = {"SQLite": 7, "PostgreSQL": 9}


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is received, and what is to follow from each: a call of this path that names its place."""

    received: Callable[[int], Iterator[bytes]]  # that many, each about another thread
    path: str = "/chat.postMessage"
    place: Callable[[int], str] = root_ts
    pause: float = _PAUSE
    goals: float = 1  # so many times those of news


_KINDS: Mapping[str, _Kind] = {
    "callback → reply": _Kind(lambda count: callbacks(range(count), ("DELIVERED",))),
    "inbound → reply": _Kind(lambda count: webhooks(0, count, customers=count)),
    "typed → text": _Kind(
        lambda count: replies(count, threads=count, channels=_CHANNELS), "/api/send-message", customer, _LONGER, goals=2
    ),
}
_BOT = {"SLACK_POST_INTERVAL": "0", "SENDBLUE_SEND_INTERVAL": "0", "THREAD_REPLIES": "send"}


async def measure(run: Run) -> list[Figure]:
    """Measure both engines."""
    rate = median([await bare_rate(run) for _ in range(run.scale.rounds)])
    quick = rate >= _QUICK_MACHINE
    run.notes.append(f"What travels has a goal in {'ms' if quick else '×'}: a bare route answers {rate:,.0f}/s.")
    figures = []
    for name in _KINDS:
        for engine in run.engines:
            figures += await _measure(run, engine, name, quick=quick)
    return figures


async def _measure(run: Run, engine: str, kind: str, *, quick: bool) -> list[Figure]:
    ours_seen, floor_seen = [], []
    relay = {"POST_INTERVAL": "0", "CHANNELS": str(_CHANNELS)}
    with floor("post_each:app", run.folder, run.neighbours.url, changes=relay) as relaying:
        for _ in range(run.scale.rounds):
            url = run.engines[engine]()
            await asyncio.to_thread(seed, url, run.scale.news + _WARM, channels=_CHANNELS)
            with bot(run.folder, run.neighbours.url, url, _BOT) as ours:
                ours_seen.append(await _delays(run, ours, _KINDS[kind], _KINDS[kind].pause))
            floor_seen.append(await _delays(run, relaying, _KINDS[kind], _RELAY_PAUSE))
    figures = []
    for share, amount in zip(_SHARES, _AMOUNTS[engine], strict=True):
        ours_at = Measured(tuple(percentile(delays, share) for delays in ours_seen), "ms")
        floor_at = Measured(tuple(percentile(delays, share) for delays in floor_seen), "ms")
        name = f"3 {kind}, {engine}: p{share * 100:.0f}"
        bound = _KINDS[kind].goals * (amount if quick else _RATIOS[engine])
        goal = Goal("<=", bound, "ours" if quick else "ratio")
        figures.append(Figure(name, ours_at, floor_at, None, goal, "relay that stores nothing"))
    return figures


async def _delays(run: Run, server: Server, kind: _Kind, pause: float) -> list[float]:
    """Milliseconds, one for each thread after the warm ones."""
    count = run.scale.news + _WARM
    await calls(run.neighbours)
    seen = run.checked(await load([server.port], kind.received(count), clients=1, pause=pause))
    followed = await _called(run.neighbours, kind.path, count)
    asked = {kind.place(number): at for number, at in enumerate(seen.sent_at) if number >= _WARM}
    return [1000 * (followed[place] - at) for place, at in asked.items()]


async def _called(neighbours: Server, path: str, count: int) -> dict[str, float]:
    """Return when the first such call for each place was made, once there is one for all."""
    found: dict[str, float] = {}
    deadline = time.monotonic() + _PATIENCE
    while len(found) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path} was called for {len(found)} of {count} alone")
        await asyncio.sleep(0.1)
        for at, called, _, place in await calls(neighbours):
            if called == path and place:
                found.setdefault(place, at)
    return found
