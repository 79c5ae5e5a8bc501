"""Figure 11. A night away: thousands of messages are read from Sendblue's list, and memory does not grow with them."""

import asyncio
import time

import httpx

from benchmarks.databases import seed
from benchmarks.figures import Figure, Goal, Measured
from benchmarks.inbound_requests import CUSTOMERS
from benchmarks.run import Run
from benchmarks.servers import Server, bot, pretend_neighbours, watch_memory

_STORED = 'bluethread_inbound_total{result="new",source="list"} '
_PATIENCE = 600  # seconds
_SAMPLES = 0.25  # seconds


async def measure(run: Run) -> list[Figure]:
    """Measure both engines, at the same time: the pages come at the bot's own pace."""
    return list(await asyncio.gather(*(_measure(run, engine) for engine in run.engines)))


async def _measure(run: Run, engine: str) -> Figure:
    count, url = run.scale.inbound, run.engines[engine]()
    await asyncio.to_thread(seed, url, CUSTOMERS)
    with (
        pretend_neighbours(run.folder, {"INBOUND": str(count)}) as neighbours,
        bot(run.folder, neighbours.url, url) as ours,
    ):
        started = time.monotonic()
        await asyncio.sleep(run.scale.settled)
        watching = asyncio.create_task(watch_memory(ours, _SAMPLES))
        await _all_stored(ours, count)
        took = time.monotonic() - started
        watching.cancel()
        memory = await watching
    run.notes.append(
        f"Catching up, {engine}: {count:,} messages in {took:.0f} s, memory {memory[0]:.1f} MiB at its start, "
        f"{memory[len(memory) // 2]:.1f} MiB at half, {memory[-1]:.1f} MiB at its end."
    )
    grown = Measured((max(memory) - min(memory),), "MiB")
    return Figure(f"11 catching up with {count:,}, {engine}: memory, most − least", grown, goal=Goal("<=", 10, "ours"))


async def _all_stored(server: Server, count: int) -> None:
    """Wait until the bot has stored that many messages from the list."""
    stored, deadline = 0, time.monotonic() + _PATIENCE
    async with httpx.AsyncClient(base_url=server.url) as http:
        while stored < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"only {stored} of {count} messages are stored")
            await asyncio.sleep(_SAMPLES)
            lines = (await http.get("/metrics")).text.splitlines()
            stored = next((int(float(line.removeprefix(_STORED))) for line in lines if line.startswith(_STORED)), 0)
