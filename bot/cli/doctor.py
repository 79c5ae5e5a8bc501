"""`python -m bot doctor`: runs all checks and prints what they found."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from itertools import chain

import click
import uvloop

from bot.app import App
from bot.cli.checks import Finding, Site, clock, database, public_url, sendblue, skipped, slack
from bot.cli.output import COLOUR, print_json, printable
from bot.errors import BadSettings
from bot.logs import configure_logs
from bot.settings import load_settings

NEEDS_SETTINGS = (
    *("database", "schema", "backlog", "callbacks", "Slack token", "Slack scopes", "bot name", "Sendblue keys"),
    *("lines", "account webhook", "PUBLIC_URL", "clock"),
)  # names of the findings, after the settings' own
_SIGNS = {"ok": "✓", "warning": "!", "problem": "✗", "skipped": "–"}
_COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}


def diagnose(*, fix: bool) -> list[Finding]:
    """Check everything. fix: register the account's webhook unless it is registered."""
    try:
        settings = load_settings()
        app = App(settings)  # not opened: it takes nothing and does nothing
    except BadSettings as error:
        todo = "see Settings in README.md, or docs/settings.md"
        wrong = [Finding("settings", "problem", problem, todo) for problem in str(error).splitlines()]
        return [*wrong, *skipped("the settings must be right first", *NEEDS_SETTINGS)]
    configure_logs(level="ERROR", form=settings.log_format, secrets=settings.secrets)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return [Finding("settings", "ok", "all settings are valid"), *runner.run(_check(app, fix=fix))]


async def _check(app: App, *, fix: bool) -> list[Finding]:
    site = Site(app, fix)
    with closing(app.database):
        async with app.notifier, app.sendblue:
            found = await asyncio.gather(database(site), slack(site), sendblue(site), public_url(site))
    return [*chain(*found), clock(site)]


def show(found: Sequence[Finding], *, as_json: bool) -> None:
    if as_json:
        print_json([asdict(one) for one in found])
        return
    widest = max(len(one.name) for one in found)
    for one in found:
        verdict = click.style(f"{_SIGNS[one.verdict]} {one.verdict:<7}", fg=_COLOURS.get(one.verdict))
        click.echo(f"{verdict}  {one.name:<{widest}}  {printable(one.says)}", color=COLOUR)
        if one.todo:
            click.echo(f"{'':<9}  {'':<{widest}}  → {one.todo}")
    counts: Counter[str] = Counter(one.verdict for one in found)
    click.echo(", ".join(f"{counts[verdict]} {verdict}" for verdict in _SIGNS if counts[verdict]))
