"""Figure 7. Scaling out: callbacks a second with several processes on one PostgreSQL."""

import asyncio
from contextlib import ExitStack

from benchmarks.callback_requests import STATUSES, callbacks
from benchmarks.databases import seed
from benchmarks.figures import Figure, Measured
from benchmarks.load import load
from benchmarks.run import Run
from benchmarks.scale import CLIENTS
from benchmarks.servers import ANY_CORE, bot

_MOST_PER_SECOND = 8_000
_WARM = 50  # sends


async def measure(run: Run) -> list[Figure]:
    """Measure with the processes on every core, which they share with the database and the generator."""
    seen: dict[int, list[float]] = {processes: [] for processes in run.scale.processes}
    for _ in range(run.scale.rounds):
        for processes, rates in seen.items():
            rates.append(await _rate(run, processes))
    [(_, alone), *others] = [(processes, Measured(tuple(rates), "/s")) for processes, rates in seen.items()]
    return [
        Figure(f"7 callback intake, {processes} processes on one PostgreSQL", rate, alone, None, None, "1 process")
        for processes, rate in others
    ]


async def _rate(run: Run, processes: int) -> float:
    url = run.engines["PostgreSQL"]()
    count = _WARM + int(run.scale.burst * _MOST_PER_SECOND / len(STATUSES))
    await asyncio.to_thread(seed, url, count)
    with ExitStack() as stack:
        ports = [
            stack.enter_context(bot(run.folder, run.neighbours.url, url, cores=ANY_CORE)).port for _ in range(processes)
        ]
        await load(ports, callbacks(range(_WARM)), clients=CLIENTS)
        prepared = iter(list(callbacks(range(_WARM, count))))
        return run.checked(await load(ports, prepared, clients=CLIENTS, seconds=run.scale.burst)).rate
