"""What `python -m bot doctor` looks at and prints. Reads only, so it may run beside the service."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from datetime import timedelta

import click
import uvloop

from bot.errors import BadSettings
from bot.house import House
from bot.listing import printable
from bot.logs import configure_logs
from bot.services import findings
from bot.services.checking import Checking
from bot.services.findings import Finding, skipped
from bot.settings import Settings, load_settings
from bot.storage.database import sqlite_file

NEEDS_SETTINGS = (
    *("database", "schema", "backlog", "callbacks", "Slack token", "Slack scopes", "bot name", "Sendblue keys"),
    *("lines", "account webhook", "PUBLIC_URL", "clock"),
)
"""What is looked at, in the order it is shown, after the settings themselves."""

_SIGNS = {"ok": "✓", "warning": "!", "problem": "✗", "skipped": "–"}
_COLOURS = {"ok": "green", "warning": "yellow", "problem": "red", "skipped": "dim"}


def diagnose(*, fix: bool) -> list[Finding]:
    """Look at everything, in the order of NEEDS_SETTINGS. fix: see `Checking.look`."""
    try:
        settings = load_settings()
    except BadSettings as error:
        return _without_settings(str(error))
    configure_logs(level="ERROR", form=settings.log_format, secrets=settings.secrets)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return [findings.settings_right(), *runner.run(_look(settings, fix=fix))]


def _without_settings(problems: str) -> list[Finding]:
    return [*findings.settings_wrong(problems), *skipped("the settings must be right first", *NEEDS_SETTINGS)]


async def _look(settings: Settings, *, fix: bool) -> list[Finding]:
    house = House(settings)  # only its neighbours: it is not opened, so it takes nothing and does nothing
    checking = Checking(
        house.store,
        house.notifier,
        house.sendblue,
        house.identity,
        public_url=settings.public_url,
        file=sqlite_file(settings.database_url),
        lines=settings.lines,
        webhook_secrets=settings.webhook_secrets,
        patience=timedelta(seconds=300 + settings.repoll_interval),
    )
    async with AsyncExitStack() as stack:
        stack.callback(house.database.close)
        await stack.enter_async_context(house.notifier)
        await stack.enter_async_context(house.sendblue)
        return await checking.look(fix=fix)


def show(found: Sequence[Finding], *, as_json: bool) -> None:
    """Print findings: a table at a terminal, aligned lines elsewhere, or JSON for machines."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # an old locale knows no ✓, and the word stands beside it
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in found], indent=2))
    elif sys.stdout.isatty():
        _print_table(found)
    else:
        _print_lines(found)


def _print_table(found: Sequence[Finding]) -> None:
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table("", "what", "found", "to do", caption=_summary(found), caption_justify="left")
    for one in found:
        words = (_verdict(one), one.name, printable(one.says), one.todo)
        table.add_row(*(Text(word, style=_COLOURS[one.verdict] if not n else "") for n, word in enumerate(words)))
    Console().print(table)


def _print_lines(found: Sequence[Finding]) -> None:
    widest = max(len(one.name) for one in found)
    for one in found:
        click.echo(f"{_verdict(one):<9}  {one.name:<{widest}}  {printable(one.says)}")
        if one.todo:
            click.echo(f"{'':<9}  {'':<{widest}}  → {one.todo}")
    click.echo(_summary(found))


def _verdict(one: Finding) -> str:
    return f"{_SIGNS[one.verdict]} {one.verdict}"


def _summary(found: Sequence[Finding]) -> str:
    counts: Counter[str] = Counter(one.verdict for one in found)
    return ", ".join(f"{counts[word]} {word}" for word in _SIGNS if counts[word])
