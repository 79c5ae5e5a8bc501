"""Figure 5, second half. Asking again about what went quiet: flat memory, and no more requests than Sendblue takes."""

import asyncio

from benchmarks.databases import seed
from benchmarks.figures import Figure, Goal, Measured
from benchmarks.run import Run
from benchmarks.servers import bot, calls, pretend_neighbours, watch_memory
from bot.domain.delivery import Delivery

_WINDOW = 10  # seconds, in which Sendblue takes 100 requests
_OFTEN = {"REPOLL_INTERVAL": "5"}  # so that a minute sees a dozen rounds; the pace within them stays the bot's own
_SAMPLES = 0.25  # seconds


async def measure(run: Run) -> list[Figure]:
    """Watch one process on SQLite for a while, with far more quiet sends than it may ask about meanwhile."""
    url, count = run.engines["SQLite"](), run.scale.handles
    await asyncio.to_thread(seed, url, count, delivery=Delivery.SENT, polled=count)
    with pretend_neighbours(run.folder) as neighbours, bot(run.folder, neighbours.url, url, _OFTEN) as ours:
        await asyncio.sleep(run.scale.settled)
        watching = asyncio.create_task(watch_memory(ours, _SAMPLES))
        await asyncio.sleep(run.scale.watch)
        watching.cancel()
        memory = await watching
        times = [at for at, path, _, _ in await calls(neighbours) if path.startswith("/api/")]
    most = max((sum(at <= other < at + _WINDOW for other in times) for at in times), default=0)
    run.notes.append(f"Asking again: {len(times)} requests to Sendblue in {run.scale.watch:g} s.")
    grown = Measured((max(memory) - min(memory),), "MiB")
    return [
        Figure(f"5 {count:,} quiet sends: memory, most − least", grown, goal=Goal("<=", 10, "ours")),
        Figure(
            f"5 {count:,} quiet sends: requests in any {_WINDOW} s",
            Measured((most,), "requests"),
            goal=Goal("<=", 100, "ours"),
        ),
    ]
