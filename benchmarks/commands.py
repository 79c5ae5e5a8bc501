"""Figure 1. Command ack: a signed slash command → stored with a full flush to disk → 200."""

from collections import defaultdict

from benchmarks.command_requests import commands
from benchmarks.figures import Figure, Goal, Measured
from benchmarks.load import load
from benchmarks.run import WAYS, Run
from benchmarks.scale import CLIENTS
from benchmarks.servers import Server, bot, floor

_MOST_PER_SECOND = 6_000  # more commands than any of them answers


async def measure(run: Run) -> list[Figure]:
    """Measure every way of serving."""
    with (
        floor("bare_bolt:documented", run.folder) as documented,
        floor("bare_bolt:before_response", run.folder) as before_response,
    ):
        floors = (documented, before_response)
        return [figure for way in run.scale.ways for figure in await _measure(run, way, *floors)]


async def _measure(run: Run, way: str, documented: Server, before_response: Server) -> list[Figure]:
    engine, changes = WAYS[way]
    seen: dict[str, list[float]] = defaultdict(list)
    for _ in range(run.scale.rounds):
        with bot(run.folder, run.neighbours.url, run.engines[engine](), changes) as ours:
            await _alone(run, {"ours": ours, "documented": documented}, seen)
            await _crowded(run, {"ours": ours, "floor": before_response}, seen)
    return _figures(way, engine, {name: tuple(rounds) for name, rounds in seen.items()})


async def _alone(run: Run, servers: dict[str, Server], seen: dict[str, list[float]]) -> None:
    for name, server in servers.items():
        await load([server.port], commands(30), clients=1)  # warm
        one = run.checked(await load([server.port], commands(1_500), clients=1, seconds=run.scale.burst))
        seen[f"{name} p50"].append(one.milliseconds(0.5))


async def _crowded(run: Run, servers: dict[str, Server], seen: dict[str, list[float]]) -> None:
    for name, server in servers.items():
        await load([server.port], commands(200), clients=CLIENTS)
        prepared = commands(int(run.scale.burst * _MOST_PER_SECOND))
        many = run.checked(await load([server.port], prepared, clients=CLIENTS, seconds=run.scale.burst))
        seen[f"{name} rate"].append(many.rate)
        seen[f"{name} p99"].append(many.milliseconds(0.99))


def _figures(way: str, engine: str, seen: dict[str, tuple[float, ...]]) -> list[Figure]:
    ms = {name: Measured(rounds, "ms") for name, rounds in seen.items() if not name.endswith("rate")}
    rate = {name: Measured(rounds, "/s") for name, rounds in seen.items() if name.endswith("rate")}
    of_floor = 0.6 if engine == "SQLite" else 0.5
    bolt, quick_bolt = "bare Bolt, as documented", "bare Bolt, before response"
    title = f"1 command ack, {way}"
    return [
        Figure(f"{title}: p50, 1 client", ms["ours p50"], ms["documented p50"], None, Goal("<=", 0.15), bolt),
        Figure(
            f"{title}: {CLIENTS} clients", rate["ours rate"], rate["floor rate"], None, Goal(">=", of_floor), quick_bolt
        ),
        Figure(f"{title}: p99, {CLIENTS} clients", ms["ours p99"], ms["floor p99"], None, Goal("<=", 2), quick_bolt),
    ]
