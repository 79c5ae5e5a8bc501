"""`python -m bot doctor`: each check asks, judges and says in one place. Only `--fix` changes anything."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Literal

import click
import uvloop

from bot.app import App
from bot.cli.output import COLOUR, print_json, printable
from bot.errors import BadSettings, CallFailed, NotSent, Refused, Uncertain
from bot.logs import configure_logs
from bot.sendblue.wire import OUTBOUND, Hook, same_line, same_place
from bot.services.reaching import reach
from bot.settings import load_settings
from bot.slack.notifier import NAME, SCOPES
from bot.storage.backlog import backlog
from bot.storage.database import sqlite_file
from bot.storage.history import ask
from bot.storage.schema import condition

Clocks = dict[str, timedelta]  # whose clock → how far ours is ahead of it

NEEDS_SETTINGS = (
    *("database", "schema", "backlog", "callbacks", "Slack token", "Slack scopes", "bot name", "Sendblue keys"),
    *("lines", "account webhook", "PUBLIC_URL", "clock"),
)  # names of the findings, after the settings' own
_LOOKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "red"), "skipped": ("–", None)}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a diagnosis. says: what was found. todo: what to do, "" when nothing is."""

    name: str
    verdict: Literal["ok", "warning", "problem", "skipped"]
    says: str
    todo: str = ""


def skipped(why: str, *names: str) -> list[Finding]:
    return [Finding(name, "skipped", why) for name in names]


def _compare(clocks: Clocks, whose: str, theirs: datetime | None, began: datetime) -> None:
    """Note how far our clock is ahead, as of the middle of a call; Slack names whole seconds."""
    if theirs is not None:
        clocks[whose] = began + (datetime.now(UTC) - began) / 2 - theirs


async def database(app: App, clocks: Clocks) -> list[Finding]:
    unread = skipped("the database cannot be asked", "schema", "backlog", "callbacks")
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
        uncounted = skipped("the schema is not the right one", "backlog", "callbacks")
        return [answers, Finding("schema", "problem", says, todo), *uncounted]
    return [answers, Finding("schema", "ok", "what this version needs"), *await _waiting(app, clocks)]


async def _waiting(app: App, clocks: Clocks) -> list[Finding]:
    now = datetime.now(UTC) - clocks.get("the database", timedelta(0))  # by its own clock
    try:
        waits = await asyncio.to_thread(ask, app.database, backlog)
    except app.database.error as error:
        return skipped(f"the work that waits could not be counted ({type(error).__name__})", "backlog", "callbacks")
    patience = timedelta(seconds=300 + app.settings.repoll_interval)  # until something is wrong
    late = [(kind, time / timedelta(minutes=1)) for kind, time in waits.behind(now).items() if time > patience]
    due = ", ".join(f"{kind} {count}" for kind, count in waits.due.items() if count)
    work = Finding("backlog", "ok", f"due: {due or 'nothing'}; {sum(waits.open.values())} texts under way")
    if late:
        todo = "check that `python -m bot serve` (or `work`) runs, then look at GET /readyz and the log"
        overdue = ", ".join(f"{kind} for {minutes:.0f} min" for kind, minutes in late)
        work = Finding("backlog", "warning", f"overdue: {overdue} (due now: {due})", todo)
    last = f"{waits.last_callback:%Y-%m-%d %H:%M} UTC" if waits.last_callback else ""
    if waits.callbacks_missing:
        says = f"none arrived {f'since {last}' if last else 'so far'}, although Sendblue has news when asked"
        todo = "see PUBLIC_URL below; the web server in front of the bot must pass on /sendblue/"
        return [work, Finding("callbacks", "warning", says, todo)]
    says = f"the last one with news arrived at {last}" if last else "none arrived yet, and none is missing"
    return [work, Finding("callbacks", "ok", says)]


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


async def sendblue(app: App, *, fix: bool) -> list[Finding]:
    account: list[str] | None = None
    states: dict[str, str] = {}
    keys = accepted = Finding("Sendblue keys", "ok", "accepted")
    try:
        account = await app.sendblue.lines()
    except CallFailed as error:
        if (keys := _sendblue_keys(error.code)).verdict == "problem":
            return [keys, *skipped("Sendblue does not accept the keys or does not answer", "lines", "account webhook")]
    with suppress(CallFailed):  # an extra: what lists the lines has been asked already
        states = await app.sendblue.line_states()
    if account is None and states:
        keys, account = accepted, list(states)
    return [keys, _lines(app.settings.lines, account, states), await _account_webhook(app, fix=fix)]


def _sendblue_keys(code: str) -> Finding:
    if code == "http_401":
        says = "Sendblue refuses SENDBLUE_API_KEY_ID with SENDBLUE_API_SECRET_KEY"
        return Finding("Sendblue keys", "problem", says, "copy both from Sendblue's dashboard, API settings")
    if code in ("http_403", "http_404", "unreadable_answer"):
        says = f"Sendblue's answer does not show whether the keys are right ({code})"
        return Finding("Sendblue keys", "warning", says, "send a text to yourself to see whether the keys work")
    todo = "check SENDBLUE_API_URL and the network, then try again"
    return Finding("Sendblue keys", "problem", f"Sendblue gives no answer ({code})", todo)


def _lines(ours: Sequence[str], account: Sequence[str] | None, states: Mapping[str, str]) -> Finding:
    """Compare our lines with the account's, which are not named (None when Sendblue does not list them)."""
    if account is None:
        todo = "compare SENDBLUE_FROM_NUMBER with the dashboard"
        return Finding("lines", "warning", "Sendblue does not say which lines are in this account", todo)
    if foreign := [line for line in ours if not any(same_line(line, one) for one in account)]:
        todo = "set SENDBLUE_FROM_NUMBER to lines that the dashboard shows"
        return Finding("lines", "problem", f"not in this Sendblue account: {', '.join(foreign)}", todo)
    pairs = [(line, state) for line in ours for one, state in states.items() if same_line(line, one)]
    if weak := [(line, state) for line, state in pairs if state != "ONLINE"]:
        named = [f"{line} is {state[:20] if state.isalpha() else 'in an unknown state'}" for line, state in weak]
        return Finding("lines", "warning", ", ".join(named), "ask Sendblue's support; texts may be late or not be sent")
    return Finding("lines", "ok", f"{', '.join(ours)} in this account")


async def _account_webhook(app: App, *, fix: bool) -> Finding:
    """Check what of ours is registered. With --fix it is registered, unless it is: Sendblue would add it again."""
    url, secrets = f"{app.settings.public_url}/sendblue/webhook", app.settings.webhook_secrets
    try:
        ours = [hook for hook in await app.sendblue.webhooks() if same_place(hook.url, url)]
        new = fix and bool(secrets) and not any(hook.kind == OUTBOUND for hook in ours)
        if new:
            with suppress(Uncertain):  # the list tells
                await app.sendblue.register(url, secrets[0])
            ours = [hook for hook in await app.sendblue.webhooks() if same_place(hook.url, url)]
            if not any(hook.kind == OUTBOUND for hook in ours):
                raise NotSent("the new one is not in its list")
    except CallFailed as error:
        refuses = isinstance(error, Refused)
        what = "refuses to list or register webhooks" if refuses else "does not say which webhooks are registered"
        says, todo = f"Sendblue {what} ({error.code})", "look in Sendblue's dashboard, under webhooks"
        return Finding("account webhook", "problem" if fix else "warning", says, todo)
    return _registered(ours, secrets, fix=fix, new=new)


def _registered(ours: Sequence[Hook], accepted: Sequence[str], *, fix: bool, new: bool) -> Finding:
    """Judge what is registered. accepted: our secrets. new: registered just now."""
    name, url, kinds = "account webhook", "PUBLIC_URL/sendblue/webhook", [hook.kind for hook in ours]
    register = "run `python -m bot doctor --fix`"
    remove = f"remove it in Sendblue's dashboard, then {register}"
    if ours and not accepted:
        says = f"{url} is registered, but the bot answers 404 there without SENDBLUE_WEBHOOK_SECRET"
        todo = "set SENDBLUE_WEBHOOK_SECRET to the secret it was registered with, or remove it in Sendblue's dashboard"
        return Finding(name, "problem", says, todo)
    if OUTBOUND not in kinds:
        if not accepted and not fix:
            return Finding(name, "ok", "none, and none is needed: each text has its own callback address")
        says = f"{url} is not registered; each text still has its own callback address"
        use = f"to use it as a second way for news, set SENDBLUE_WEBHOOK_SECRET, then {register}"
        return Finding(name, "problem" if fix else "warning", says, register if accepted else use)
    if any(not hook.secret for hook in ours):
        return Finding(name, "problem", f"{url} is registered without a secret, so the bot refuses its news", remove)
    if any(hook.secret not in accepted for hook in ours):
        return Finding(name, "warning", f"{url} is registered with another secret, so the bot refuses its news", remove)
    if (times := max(map(kinds.count, kinds))) > 1:
        says = f"{url} is registered {times} times, so each piece of news arrives that many times"
        return Finding(name, "warning", says, remove)
    return Finding(name, "ok", f"{url} is registered{' now' if new else ''}, once, with its secret")


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
    return [*chain(*found), clock(clocks)]


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
