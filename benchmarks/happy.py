"""Figure 8. One text that goes well: how often something is committed for it, and how often Slack is called."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from benchmarks.figures import Figure, Goal, Measured
from benchmarks.run import Run
from sandbox.ports import free_port
from sandbox.server import create_app
from sandbox.serving import serving
from sandbox.world import World, connect, world

_FASTER = 4
"""Times: Slack takes a post each quarter of a second, and two seconds until a text is delivered are half of one."""

_SPAN = 4  # seconds: ticks come every second, so as many of them as beside an idle bot
_MOST_COMMITS, _MOST_CALLS = 8, 3
_HASTY = ("STALE_AFTER", "DOUBT_WINDOW", "SENDBLUE_TIMEOUT", "SENDBLUE_SEND_INTERVAL")
"""Settings of the sandbox for people who do not want to wait; here the bot's defaults."""
_CHANGES = {
    "SLACK_POST_INTERVAL": str(1 / _FASTER),
    "REPOLL_INTERVAL": "600",  # so that no look at what went quiet falls into one of the spans
}


@dataclass(frozen=True, slots=True)
class _Text:
    """What one text led to, beside what an idle bot does. calls: methods of Slack's Web API."""

    commits: int
    calls: Sequence[str]


async def measure(run: Run) -> list[Figure]:
    """Measure both engines, at the same time: only counts matter."""
    engines = list(run.engines)
    found = await asyncio.gather(*(_texts(run, engine) for engine in engines))
    return [figure for engine, texts in zip(engines, found, strict=True) for figure in _figures(run, engine, texts)]


def _figures(run: Run, engine: str, texts: Sequence[_Text]) -> list[Figure]:
    calls = Counter(method for text in texts for method in text.calls)
    told = ", ".join(f"{count / len(texts):g} {method}" for method, count in sorted(calls.items()))
    run.notes.append(f"One text, {engine}: {told}.")
    commits = Measured(tuple(text.commits for text in texts), "commits")
    asked = Measured(tuple(len(text.calls) for text in texts), "calls")
    return [
        Figure(f"8 one text that goes well, {engine}: commits", commits, goal=Goal("<=", _MOST_COMMITS, "ours")),
        Figure(f"8 one text that goes well, {engine}: calls to Slack", asked, goal=Goal("<=", _MOST_CALLS, "ours")),
    ]


async def _texts(run: Run, engine: str) -> list[_Text]:
    async with (
        _sandbox(run.engines[engine]()) as made,
        httpx.AsyncClient(base_url=made.bot.settings["PUBLIC_URL"]) as http,
    ):
        await _text(made, 0)  # what is remembered of people and channels
        return [await _counted(made, http, number) for number in range(1, run.scale.rounds + 1)]


@asynccontextmanager
async def _sandbox(database: str) -> AsyncIterator[World]:
    """Run the real bot between the pretend Slack and Sendblue, time passing faster."""
    async with world(free_port(0)) as made, serving(create_app(made)) as url:
        connect(made, url)
        made.slack.post_interval, made.sendblue.step = 1 / _FASTER, 1 / _FASTER
        kept = {name: value for name, value in made.bot.settings.items() if name not in _HASTY}
        made.bot.settings = kept | _CHANGES | {"DATABASE_URL": database}
        await made.bot.start()
        yield made


async def _counted(made: World, http: httpx.AsyncClient, number: int) -> _Text:
    start = await _commits(http)
    await asyncio.sleep(_SPAN)
    idle = await _commits(http) - start
    called = len(made.slack.calls)
    await _text(made, number)
    calls = [call.method for call in made.slack.calls[called:]]
    return _Text(await _commits(http) - start - 2 * idle, calls)


async def _text(made: World, number: int) -> None:
    """Send one, and wait until all is long over.

    Raises:
        ValueError: it did not go well: nothing was measured.
    """
    answer = await made.slack.type(f"/imessage +1 415 555 26{number:02} Your table for two is ready at eight.")
    await asyncio.sleep(_SPAN)
    [root] = made.slack.messages("C0GENERAL")[number:]
    said = [root.text, *(reply.text for reply in made.slack.replies("C0GENERAL", root.ts))]
    if answer.failure is not None or "delivered" not in "\n".join(said).lower():
        raise ValueError(f"the text was not delivered: {answer.text} {said}")


async def _commits(http: httpx.AsyncClient) -> int:
    lines = (await http.get("/metrics")).text.splitlines()
    return next(int(float(line.split()[1])) for line in lines if line.startswith("bluethread_commit_seconds_count "))
