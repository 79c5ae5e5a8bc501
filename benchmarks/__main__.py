"""`python -m benchmarks`: measure everything, print one table."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

import click
import uvloop

from benchmarks import (
    callbacks,
    catching_up,
    commands,
    convergence,
    distance,
    files,
    footprint,
    happy,
    inbound,
    news,
    page,
    polling,
    replies,
    scaling,
    steps,
    waiting,
)
from benchmarks.figures import Figure, table
from benchmarks.flush import measure as flushes
from benchmarks.load import generator
from benchmarks.run import Run, opened
from benchmarks.scale import QUICK, WHOLE, Scale
from benchmarks.servers import OTHER_CORES

MEASURES: Mapping[str, Callable[[Run], Awaitable[list[Figure]]]] = {
    "commands": commands.measure,
    "callbacks": callbacks.measure,
    "news": news.measure,
    "distance": distance.measure,
    "convergence": convergence.measure,
    "waiting": waiting.measure,
    "polling": polling.measure,
    "footprint": footprint.measure,
    "scaling": scaling.measure,
    "happy": happy.measure,
    "steps": steps.measure,
    "inbound": inbound.measure,
    "catching_up": catching_up.measure,
    "replies": replies.measure,
    "files": files.measure,
}


@click.command()
@click.option("--quick", is_flag=True, help="Small and once, in under a minute: shows that everything runs.")
@click.option(
    "--only", type=click.Choice([*MEASURES]), multiple=True, help="Measure this alone (several times: these)."
)
@click.option("--write", is_flag=True, help="Write the results into docs/performance.md, too.")
def main(*, quick: bool, only: tuple[str, ...], write: bool) -> None:
    """Measure the bot against floors and peers, side by side."""
    if write and (quick or only):
        raise click.UsageError("--write takes a whole run: leave out --quick and --only.")
    where = page.machine()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        figures, notes = runner.run(_measure(QUICK if quick else WHOLE, only or tuple(MEASURES)))
    found = page.results(where, table(figures), notes)
    click.echo(found)
    if quick:
        click.echo("Quick: one small round, so neither these amounts nor what they meet mean much.")
    if write:
        page.PAGE.write_text(page.between_marks(page.PAGE.read_text(), "figures", found))


async def _measure(scale: Scale, names: Sequence[str]) -> tuple[list[Figure], list[str]]:
    figures: list[Figure] = []
    with opened(scale) as run:
        os.sched_setaffinity(0, OTHER_CORES)
        run.notes += flushes(run.folder)
        for name in names:
            started = time.monotonic()
            click.echo(f"{name} ...", err=True, nl=False)
            figures += await MEASURES[name](run)
            click.echo(f" {time.monotonic() - started:.0f} s", err=True)
        run.notes.append(f"Load generator: {generator()}, at most {run.busiest:.0%} of one core busy.")
        return figures, run.notes


if __name__ == "__main__":
    main()
