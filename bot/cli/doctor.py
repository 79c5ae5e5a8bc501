"""`python -m bot doctor`: each check asks, judges and says in one place. Only `--fix` changes anything."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain

import click
import uvloop

from bot.app import App
from bot.cli.account import sendblue
from bot.cli.findings import Finding, skipped
from bot.cli.output import COLOUR, print_json, printable
from bot.domain.alarm import ANSWERS, BLOCKED, CALLBACKS
from bot.domain.backlog import Backlog
from bot.errors import BadSettings, CallFailed
from bot.files import heic
from bot.logs import configure_logs
from bot.services.reaching import reach
from bot.settings import load_settings
from bot.slack.notifier import NAME, SCOPES
from bot.storage.backlog import backlog
from bot.storage.database import sqlite_file
from bot.storage.history import ask
from bot.storage.keys import SIGNATURE, first_seen
from bot.storage.schema import condition

Clocks = dict[str, timedelta]  # whose clock → how far ours is ahead of it

_STORED = ("backlog", "inbox", "callbacks", "answers", "blocked lines", "signature")  # those of what is stored
NEEDS_SETTINGS = (
    *("database", "schema", *_STORED),
    *("Slack token", "Slack scopes", "bot name", "Sendblue keys", "lines", "account webhook", "receive webhook"),
    *("PUBLIC_URL", "clock", "HEIC"),
)  # names of the findings, after the settings' own
_LOOKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "red"), "skipped": ("–", None)}


def _compare(clocks: Clocks, whose: str, theirs: datetime | None, began: datetime) -> None:
    """Note how far our clock is ahead, as of the middle of a call; Slack names whole seconds."""
    if theirs is not None:
        clocks[whose] = began + (datetime.now(UTC) - began) / 2 - theirs


async def database(app: App, clocks: Clocks) -> list[Finding]:
    unread = skipped("the database cannot be asked", "schema", *_STORED)
    file, began = sqlite_file(app.settings.database_url), datetime.now(UTC)
    try:
        app.database.check()
        if file is not None:
            file.stat()  # or there is none
    except BadSettings as error:
        says, _, todo = str(error).removeprefix("DATABASE_URL: ").partition("; ")
        return [Finding("database", "problem", says, todo or "correct DATABASE_URL"), *unread]
    except OSError:
        check = "check DATABASE_URL, the current folder and the user you run this as"
        todo = f"`python -m bot serve` creates it; if it exists already, {check}"
        return [Finding("database", "problem", f"there is no file {file} that this user can see", todo), *unread]
    try:
        engine, now, schema = await asyncio.to_thread(ask, app.database, condition)
        _compare(clocks, "the database", now, began)
        answers, (says, _, todo) = Finding("database", "ok", engine), schema.partition(": ")
    except BadSettings as error:
        answers, says = Finding("database", "ok", "the database answers"), str(error).removeprefix("DATABASE_URL: ")
        todo = "deploy the newer version again, or restore the backup from before the upgrade"
    except app.database.error as error:
        todo = "check the address, name, user and password in DATABASE_URL, and that the database runs"
        return [Finding("database", "problem", f"it cannot be read ({type(error).__name__})", todo), *unread]
    if says:
        uncounted = skipped("the schema is not the right one", *_STORED)
        return [answers, Finding("schema", "problem", says, todo), *uncounted]
    return [answers, Finding("schema", "ok", "what this version needs"), *await _waiting(app, clocks)]


async def _waiting(app: App, clocks: Clocks) -> list[Finding]:
    now = datetime.now(UTC) - clocks.get("the database", timedelta(0))  # by its own clock
    try:
        waits = await asyncio.to_thread(ask, app.database, backlog)
        signed = await asyncio.to_thread(ask, app.database, partial(first_seen, name=SIGNATURE))
    except app.database.error as error:
        return skipped(f"the work that waits could not be counted ({type(error).__name__})", *_STORED)
    patience = timedelta(seconds=300 + app.settings.repoll_interval)  # until something is wrong
    late = [(kind, time / timedelta(minutes=1)) for kind, time in waits.behind(now).items() if time > patience]
    due = ", ".join(f"{kind} {count}" for kind, count in waits.due.items() if count)
    work = Finding("backlog", "ok", f"due: {due or 'nothing'}; {sum(waits.open.values())} texts under way")
    if late:
        todo = "check that `python -m bot serve` (or `work`) runs, then look at GET /readyz and the log"
        overdue = ", ".join(f"{kind} for {minutes:.0f} min" for kind, minutes in late)
        work = Finding("backlog", "warning", f"overdue: {overdue} (due now: {due})", todo)
    return [work, _inbox(app, waits.without_place), _callbacks(waits), *_webhook(waits), _signature(signed)]


def _callbacks(waits: Backlog) -> Finding:
    last = f"{waits.last_callback:%Y-%m-%d %H:%M} UTC" if waits.last_callback else ""
    if CALLBACKS in waits.alarms:
        says = f"none arrived {f'since {last}' if last else 'so far'}, although Sendblue has news when asked"
        todo = "see PUBLIC_URL below; the web server in front of the bot must pass on /sendblue/"
        return Finding("callbacks", "warning", says, todo)
    says = f"the last one with news arrived at {last}" if last else "none arrived yet, and none is missing"
    return Finding("callbacks", "ok", says)


def _webhook(waits: Backlog) -> list[Finding]:
    """Say what the webhook does not bring although it should, and what it brought of our lines."""
    answers = Finding("answers", "ok", "the webhook misses none that Sendblue lists")
    if ANSWERS in waits.alarms:
        says = "the webhook brings none, although Sendblue lists some when asked; they appear late"
        answers = Finding("answers", "warning", says, "see PUBLIC_URL and the receive webhook below")
    blocked = sorted(key.removeprefix(BLOCKED) for key in waits.alarms if key.startswith(BLOCKED))
    lines = Finding("blocked lines", "ok", "Sendblue has reported none")
    if blocked:
        says = f"Sendblue reported {', '.join(blocked)}: texts from there may not arrive"
        lines = Finding("blocked lines", "problem", says, "ask Sendblue's support")
    return [answers, lines]


def _signature(since: datetime | None) -> Finding:
    says = "Sendblue has signed nothing that it sent to the webhook so far"
    if since is not None:
        says = f"Sendblue signs what it sends to the webhook: seen first at {since:%Y-%m-%d %H:%M} UTC"
    return Finding("signature", "ok", f"{says}; the bot checks the secret, not a signature")


def _inbox(app: App, waiting: int) -> Finding:
    says, todo = "there is no channel for customers whom nobody has texted", "set INBOX_CHANNEL to a channel id"
    if app.settings.inbox:
        says = f"customers whom nobody has texted appear in {app.settings.inbox}"
        todo = "restart the bot: it shows them when it starts" if waiting else ""
    says += f"; {waiting} of them wait{'s' if waiting == 1 else ''} for a channel" if waiting else ""
    return Finding("inbox", "warning" if todo else "ok", says, todo)


async def slack(app: App, clocks: Clocks) -> list[Finding]:
    others, page, began = ("Slack scopes", "bot name"), "api.slack.com/apps, OAuth & Permissions", datetime.now(UTC)
    try:
        found = await app.notifier.installation()
    except CallFailed as error:
        says, todo = f"Slack gives no answer ({error.code})", "check SLACK_API_URL and the network, then try again"
        return [Finding("Slack token", "problem", says, todo), *skipped("Slack gives no answer", *others)]
    _compare(clocks, "Slack", found.now, began)
    if found.error:
        says, todo = f"Slack refuses SLACK_BOT_TOKEN ({found.error})", f"copy the Bot User OAuth Token from {page}"
    elif not found.is_bot:
        says = "SLACK_BOT_TOKEN is a person's token, not a bot's"
        todo = f"copy the Bot User OAuth Token (xoxb-) from {page}"
    else:
        name = Finding("bot name", "ok", f"people type /invite @{NAME}")
        if found.bot != NAME:
            says = f"it is called @{found.bot}, but people are told to /invite @{NAME}"
            todo = "set the bot's default username under App Home, then reinstall the app"
            name = Finding("bot name", "warning", says, todo)
        return [Finding("Slack token", "ok", f"installed in {found.team}"), _slack_scopes(found.scopes), name]
    return [Finding("Slack token", "problem", says, todo), *skipped("the token is wrong", *others)]


def _slack_scopes(granted: frozenset[str] | None) -> Finding:
    if granted is None:
        todo = "compare them with manifest.yml under OAuth & Permissions"
        return Finding("Slack scopes", "warning", "Slack does not say which scopes the token has", todo)
    if missing := sorted(SCOPES - granted):
        todo = "compare the app's manifest with manifest.yml, then reinstall the app in the workspace"
        return Finding("Slack scopes", "problem", f"missing: {', '.join(missing)}", todo)
    if extra := sorted(granted - SCOPES):
        todo = "remove them in the app's settings, then reinstall the app"
        return Finding("Slack scopes", "warning", f"not needed: {', '.join(extra)}", todo)
    return Finding("Slack scopes", "ok", f"the {len(granted)} scopes of manifest.yml")


async def public_url(app: App) -> list[Finding]:
    who, detail = await reach(app.settings.public_url, app.identity)
    says, _, todo = _ANSWERS_THERE[who].partition(" → ")
    return [Finding("PUBLIC_URL", "problem" if todo else "ok", says.format(detail=detail), todo)]


_ANSWERS_THERE = {
    "this bot": "this bot answers there",
    "nobody": "cannot be reached: {detail} → start the bot with `python -m bot serve`; if it runs, check DNS, the "
    "certificate and the web server",
    "something else": "something else answers there ({detail}) → set PUBLIC_URL to the address where this version of "
    "the bot is reached; redirects are not followed",
    "another secret": "another Bluethread answers there, or this one with an older CALLBACK_SECRET → restart the bot "
    "after changing CALLBACK_SECRET, or correct PUBLIC_URL",
    "another database": "a Bluethread with another database answers there → run this where the bot runs, with the "
    "same DATABASE_URL, or correct PUBLIC_URL",
}
"""Who answers at PUBLIC_URL → what that means, and what to do."""


def clock(clocks: Clocks) -> Finding:
    if not clocks:
        return Finding("clock", "skipped", "neither Slack nor the database gave the time")
    whose, ahead = max(clocks.items(), key=lambda one: abs(one[1]))
    seconds = round(abs(ahead.total_seconds()))
    if seconds <= 30:
        return Finding("clock", "ok", f"agrees with {', '.join(clocks)}")
    says = f"{seconds} s {'ahead of' if ahead > timedelta(0) else 'behind'} {whose}"
    todo = "set this machine's clock with NTP; the bot refuses requests from Slack that seem older than 300 s"
    return Finding("clock", "problem" if seconds > 120 else "warning", says, todo)


def pictures() -> Finding:
    says = "pictures from iPhones are copied as JPEG, too"
    if not heic.available():
        says = "pictures from iPhones are copied as they are; `make install HEIC=1` adds a JPEG of each"
    return Finding("HEIC", "ok", says)


def diagnose(*, fix: bool) -> list[Finding]:
    try:
        settings = load_settings()
        app = App(settings)  # not opened: it takes no lock, so the service may run beside it
    except BadSettings as error:
        todo = "see Settings in README.md, or docs/settings.md"
        wrong = [Finding("settings", "problem", problem, todo) for problem in str(error).splitlines()]
        return [*wrong, *skipped("the settings must be right first", *NEEDS_SETTINGS)]
    configure_logs(level="ERROR", form=settings.log_format, secrets=settings.secrets)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return [Finding("settings", "ok", "all settings are valid"), *runner.run(_check(app, fix=fix))]


async def _check(app: App, *, fix: bool) -> list[Finding]:
    clocks: Clocks = {}
    checks = (database(app, clocks), slack(app, clocks), sendblue(app, fix=fix), public_url(app))
    with closing(app.database):
        async with app.notifier, app.sendblue:
            found = await asyncio.gather(*checks)
    return [*chain(*found), clock(clocks), pictures()]


def show(found: Sequence[Finding], *, as_json: bool) -> None:
    if as_json:
        print_json([asdict(one) for one in found])
        return
    widest = max(len(one.name) for one in found)
    for one in found:
        sign, colour = _LOOKS[one.verdict]
        verdict = click.style(f"{sign} {one.verdict:<7}", fg=colour)
        click.echo(f"{verdict}  {one.name:<{widest}}  {printable(one.says)}", color=COLOUR)
        if one.todo:
            click.echo(f"{'':<9}  {'':<{widest}}  → {one.todo}")
    counts: Counter[str] = Counter(one.verdict for one in found)
    click.echo(", ".join(f"{counts[verdict]} {verdict}" for verdict in _LOOKS if counts[verdict]))
