"""Figure 6. Footprint: memory at rest, with much open, over a long run; the way from nothing to ready."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

from benchmarks.callback_requests import STATUSES, callbacks
from benchmarks.databases import seed
from benchmarks.figures import Figure, Goal, Measured, slope
from benchmarks.load import load
from benchmarks.run import Run
from benchmarks.scale import CLIENTS
from benchmarks.servers import Server, bot, floor, watch_memory
from bot.domain.delivery import Delivery

_SAMPLES = 0.05  # seconds
_COPIES = 10  # of each callback in the long run: Sendblue repeats itself, and what is new gets told meanwhile


async def measure(run: Run) -> list[Figure]:
    """Measure on SQLite: what the engine's server needs is not the bot's."""
    [rest, start] = await _at_rest(run)
    return [rest, start, await _with_much_open(run, rest.ours), await _long_run(run)]


async def _at_rest(run: Run) -> list[Figure]:
    memory: dict[str, list[float]] = {"ours": [], "floor": []}
    start: dict[str, list[float]] = {"ours": [], "floor": []}
    for _ in range(run.scale.rounds):
        with floor("bare_bolt:before_response", run.folder) as bare:
            await _note(run, bare, memory["floor"], start["floor"])
        with bot(run.folder, run.neighbours.url, run.engines["SQLite"]()) as ours:
            await _note(run, ours, memory["ours"], start["ours"])
    rest, born = _measured(memory, "MiB"), _measured(start, "s")
    bare_bolt = "bare Bolt + Starlette"
    return [
        Figure("6 memory at rest", rest["ours"], rest["floor"], None, Goal("<=", 1.5), bare_bolt),
        Figure("6 start to /readyz", born["ours"], born["floor"], None, Goal("<=", 2), bare_bolt),
    ]


async def _note(run: Run, server: Server, memory: list[float], start: list[float]) -> None:
    await asyncio.sleep(run.scale.settled)
    memory.append(server.memory)
    start.append(server.started_in)


def _measured(seen: dict[str, list[float]], unit: str) -> dict[str, Measured]:
    return {name: Measured(tuple(rounds), unit) for name, rounds in seen.items()}


async def _with_much_open(run: Run, rest: Measured) -> Figure:
    count, poll_in, added = run.scale.open_sends, timedelta(hours=1), []
    for nothing_open in rest.rounds:
        url = run.engines["SQLite"]()
        await asyncio.to_thread(seed, url, count, delivery=Delivery.SENT, polled=count, poll_in=poll_in)
        with bot(run.folder, run.neighbours.url, url) as ours:
            await asyncio.sleep(run.scale.settled)
            added.append(ours.memory - nothing_open)
    name = f"6 memory that {count:,} open sends add"
    return Figure(name, Measured(tuple(added), "MiB"), goal=Goal("<=", 10, "ours"))


async def _long_run(run: Run) -> Figure:
    """The slope over the second half: the first fills caches and pools."""
    sends = run.scale.callbacks // len(STATUSES) // _COPIES
    url = run.engines["SQLite"]()
    await asyncio.to_thread(seed, url, sends)
    with bot(run.folder, run.neighbours.url, url, {"SLACK_POST_INTERVAL": "0"}) as ours:
        watching = asyncio.create_task(watch_memory(ours, _SAMPLES))
        seen = run.checked(await load([ours.port], _repeated(sends), clients=CLIENTS))
        watching.cancel()
        memory = await watching
    half = memory[len(memory) // 2 :]
    per_sample = seen.answers / len(memory)
    growth = slope([(number * per_sample / 100_000, value) for number, value in enumerate(half)])
    run.notes.append(
        f"Long run: {seen.answers:,} callbacks at {seen.rate:,.0f}/s, memory {memory[0]:.0f} MiB at its start, "
        f"{half[0]:.0f} MiB at half, {memory[-1]:.0f} MiB at its end."
    )
    name = f"6 memory per 100,000 callbacks, second half of {run.scale.callbacks:,}"
    return Figure(name, Measured((growth,), "MiB"), goal=Goal("<=", 1, "ours"))


def _repeated(sends: int) -> Iterator[bytes]:
    """Ten sends at a time, each status of theirs ten times."""
    for start in range(0, sends, 10):
        for _ in range(_COPIES):
            yield from callbacks(range(start, min(start + 10, sends)))
