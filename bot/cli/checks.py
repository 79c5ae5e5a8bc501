"""The checks of `python -m bot doctor`: each asks, judges and says in one place.

None takes the process lock, so the service may run beside them; only `--fix` changes anything.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeVar

from bot.app import App
from bot.domain.backlog import Backlog
from bot.errors import BadSettings, CallFailed, NotSent, NotStored, Refused, Uncertain
from bot.sendblue.account import OUTBOUND, Hook, same_line, same_place
from bot.services.reaching import reach
from bot.settings import Settings
from bot.slack.installation import NAME, SCOPES
from bot.storage.backlog import backlog
from bot.storage.condition import condition
from bot.storage.database import sqlite_file
from bot.storage.engine import Transaction
from bot.storage.sqlite import check_file, is_there

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a diagnosis. says: what was found. todo: what to do, "" when nothing is."""

    name: str
    verdict: Literal["ok", "warning", "problem", "skipped"]
    says: str
    todo: str = ""


def skipped(why: str, *names: str) -> list[Finding]:
    """What cannot be checked because something before it failed."""
    return [Finding(name, "skipped", why) for name in names]


@dataclass(frozen=True, slots=True)
class Site:
    """What is checked. ahead: whose clock → how far ours is ahead of it."""

    settings: Settings
    app: App
    fix: bool
    ahead: dict[str, timedelta] = field(default_factory=dict)

    def compare_clocks(self, whose: str, theirs: datetime | None, began: datetime) -> None:
        """Go by the middle of the call; Slack names whole seconds."""
        if theirs is not None:
            self.ahead[whose] = began + (datetime.now(UTC) - began) / 2 - theirs


async def database(site: Site) -> list[Finding]:
    """Whether it can be read, has the right schema, and what waits in it."""
    unread = skipped("the database cannot be asked", "schema", "backlog", "callbacks")
    file = sqlite_file(site.settings.database_url)
    if file is not None and not is_there(file):
        says = f"there is no file {file} that this user can see"
        todo = (
            "`python -m bot serve` creates it; if it exists already, check DATABASE_URL, the current folder and "
            "the user you run this as"
        )
        return [Finding("database", "problem", says, todo), *unread]
    began, engine = datetime.now(UTC), "the database answers"
    try:
        if file is not None:
            check_file(file)
        found = await _read(site, condition)
    except BadSettings as error:
        says = str(error).removeprefix("DATABASE_URL: ")
        todo = "deploy the newer version again, or restore the backup from before the upgrade"
    except NotStored as error:
        todo = "check the address, name, user and password in DATABASE_URL, and that the database runs"
        return [Finding("database", "problem", f"it cannot be read ({error})", todo), *unread]
    else:
        site.compare_clocks("the database", found.now, began)
        engine, (says, _, todo) = found.engine, found.schema.partition(": ")
    answers = Finding("database", "ok", engine)
    if says:
        uncounted = skipped("the schema is not the right one", "backlog", "callbacks")
        return [answers, Finding("schema", "problem", says, todo), *uncounted]
    return [answers, Finding("schema", "ok", "what this version needs"), *await _waiting(site)]


async def _waiting(site: Site) -> list[Finding]:
    """What waits, by the database's clock where it told its time."""
    now = datetime.now(UTC) - site.ahead.get("the database", timedelta(0))
    try:
        waits = await _read(site, backlog)
    except NotStored as error:
        return skipped(f"the work that waits could not be counted ({error})", "backlog", "callbacks")
    patience = timedelta(seconds=300 + site.settings.repoll_interval)  # until something is wrong
    late = {kind: time for kind, time in waits.behind(now).items() if time > patience}
    due = ", ".join(f"{kind} {count}" for kind, count in waits.due.items() if count)
    if late:
        overdue = ", ".join(f"{kind} for {time.total_seconds() / 60:.0f} min" for kind, time in late.items())
        todo = "check that `python -m bot serve` (or `work`) runs, then look at GET /readyz and the log"
        found = Finding("backlog", "warning", f"overdue: {overdue} (due now: {due})", todo)
    else:
        found = Finding("backlog", "ok", f"due: {due or 'nothing'}; {sum(waits.open.values())} texts under way")
    return [found, _callbacks(waits)]


def _callbacks(waits: Backlog) -> Finding:
    last = f"{waits.last_callback:%Y-%m-%d %H:%M} UTC" if waits.last_callback else ""
    if waits.callbacks_missing:
        says = f"none arrived {f'since {last}' if last else 'so far'}, although Sendblue has news when asked"
        todo = "see PUBLIC_URL below; the web server in front of the bot must pass on /sendblue/"
        return Finding("callbacks", "warning", says, todo)
    says = f"the last one with news arrived at {last}" if last else "none arrived yet, and none is missing"
    return Finding("callbacks", "ok", says)


async def _read(site: Site, question: Callable[[Transaction], R]) -> R:
    """Beside a service that stores without a break, SQLite may let us in at the next try only."""
    for pause in (0.1, 0.5, 1.0) if site.app.database.one_process else ():
        with suppress(NotStored):
            return await site.app.store.read(question)
        await asyncio.sleep(pause)
    return await site.app.store.read(question)


async def slack(site: Site) -> list[Finding]:
    """The token, and what only it can tell."""
    others, page, began = ("Slack scopes", "bot name"), "api.slack.com/apps, OAuth & Permissions", datetime.now(UTC)
    try:
        found = await site.app.notifier.installation()
    except CallFailed as error:
        says, todo = f"Slack gives no answer ({error.code})", "check SLACK_API_URL and the network, then try again"
        return [Finding("Slack token", "problem", says, todo), *skipped("Slack gives no answer", *others)]
    site.compare_clocks("Slack", found.now, began)
    if not found.error and found.is_bot:
        token = Finding("Slack token", "ok", f"installed in {found.team}")
        return [token, _slack_scopes(found.scopes), _bot_name(found.bot)]
    says, todo = f"Slack refuses SLACK_BOT_TOKEN ({found.error})", f"copy the Bot User OAuth Token from {page}"
    if not found.error:
        says = "SLACK_BOT_TOKEN is a person's token, not a bot's"
        todo = f"copy the Bot User OAuth Token (xoxb-) from {page}"
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


def _bot_name(name: str) -> Finding:
    if name == NAME:
        return Finding("bot name", "ok", f"people type /invite @{name}")
    says = f"it is called @{name}, but people are told to /invite @{NAME}"
    return Finding("bot name", "warning", says, "set the bot's default username under App Home, then reinstall the app")


async def sendblue(site: Site) -> list[Finding]:
    """The keys, and what only they can tell."""
    account: list[str] | None = None
    states: dict[str, str] = {}
    keys = accepted = Finding("Sendblue keys", "ok", "accepted")
    try:
        account = await site.app.sendblue.lines()
    except CallFailed as error:
        keys = _sendblue_keys(error.code)
    if keys.verdict == "problem":
        return [keys, *skipped("Sendblue does not accept the keys or does not answer", "lines", "account webhook")]
    with suppress(CallFailed):  # an extra: what lists the lines has been asked already
        states = await site.app.sendblue.line_states()
    if account is None and states:
        keys, account = accepted, list(states)
    return [keys, _lines(site.settings.lines, account, states), await _account_webhook(site)]


def _sendblue_keys(code: str) -> Finding:
    """code: why Sendblue did not list the lines."""
    if code == "http_401":
        says = "Sendblue refuses SENDBLUE_API_KEY_ID with SENDBLUE_API_SECRET_KEY"
        return Finding("Sendblue keys", "problem", says, "copy both from Sendblue's dashboard, API settings")
    if code in ("http_403", "http_404", "unreadable_answer"):
        says = f"Sendblue's answer does not show whether the keys are right ({code})"
        return Finding("Sendblue keys", "warning", says, "send a text to yourself to see whether the keys work")
    todo = "check SENDBLUE_API_URL and the network, then try again"
    return Finding("Sendblue keys", "problem", f"Sendblue gives no answer ({code})", todo)


def _lines(ours: Sequence[str], account: Sequence[str] | None, states: Mapping[str, str]) -> Finding:
    """account: its lines, which are not named; None when Sendblue does not list them."""
    if account is None:
        todo = "compare SENDBLUE_FROM_NUMBER with the dashboard"
        return Finding("lines", "warning", "Sendblue does not say which lines are in this account", todo)
    if foreign := [line for line in ours if not any(same_line(line, one) for one in account)]:
        todo = "set SENDBLUE_FROM_NUMBER to lines that the dashboard shows"
        return Finding("lines", "problem", f"not in this Sendblue account: {', '.join(foreign)}", todo)
    weak = [(line, state) for line in ours for one, state in states.items() if same_line(line, one)]
    weak = [(line, state) for line, state in weak if state != "ONLINE"]
    if weak:
        says = ", ".join(
            f"{line} is {state[:20] if state.isalpha() else 'in an unknown state'}" for line, state in weak
        )
        return Finding("lines", "warning", says, "ask Sendblue's support; texts may be late or not be sent")
    return Finding("lines", "ok", f"{', '.join(ours)} in this account")


async def _account_webhook(site: Site) -> Finding:
    """What of ours is registered. With --fix it is registered, unless it is already: Sendblue adds it each time."""
    url, secrets, new = f"{site.settings.public_url}/sendblue/webhook", site.settings.webhook_secrets, False
    try:
        ours = [hook for hook in await site.app.sendblue.webhooks() if same_place(hook.url, url)]
        if site.fix and secrets and not any(hook.kind == OUTBOUND for hook in ours):
            with suppress(Uncertain):  # the list tells
                await site.app.sendblue.register(url, secrets[0])
            ours = [hook for hook in await site.app.sendblue.webhooks() if same_place(hook.url, url)]
            new = any(hook.kind == OUTBOUND for hook in ours)
            if not new:
                raise NotSent("the new one is not in its list")
    except CallFailed as error:
        says = f"Sendblue does not say which webhooks are registered ({error.code})"
        if isinstance(error, Refused):
            says = f"Sendblue refuses to list or register webhooks ({error.code})"
        todo = "look in Sendblue's dashboard, under webhooks"
        return Finding("account webhook", "problem" if site.fix else "warning", says, todo)
    return _registered(ours, secrets, fix=site.fix, new=new)


def _registered(ours: Sequence[Hook], accepted: Sequence[str], *, fix: bool, new: bool) -> Finding:
    """accepted: our secrets. new: registered just now."""
    name, where, kinds = "account webhook", "PUBLIC_URL/sendblue/webhook", [hook.kind for hook in ours]
    register = "run `python -m bot doctor --fix`"
    remove = f"remove it in Sendblue's dashboard, then {register}"
    if ours and not accepted:
        says = f"{where} is registered, but the bot answers 404 there without SENDBLUE_WEBHOOK_SECRET"
        todo = "set SENDBLUE_WEBHOOK_SECRET to the secret it was registered with, or remove it in Sendblue's dashboard"
        return Finding(name, "problem", says, todo)
    if OUTBOUND not in kinds and not accepted and not fix:
        return Finding(name, "ok", "none, and none is needed: each text has its own callback address")
    if OUTBOUND not in kinds:
        says = f"{where} is not registered; each text still has its own callback address"
        use = f"to use it as a second way for news, set SENDBLUE_WEBHOOK_SECRET, then {register}"
        return Finding(name, "problem" if fix else "warning", says, register if accepted else use)
    if any(not hook.secret for hook in ours):
        return Finding(name, "problem", f"{where} is registered without a secret, so the bot refuses its news", remove)
    if any(hook.secret not in accepted for hook in ours):
        says = f"{where} is registered with another secret, so the bot refuses its news"
        return Finding(name, "warning", says, remove)
    if (times := max(map(kinds.count, kinds))) > 1:
        says = f"{where} is registered {times} times, so each piece of news arrives that many times"
        return Finding(name, "warning", says, remove)
    return Finding(name, "ok", f"{where} is registered{' now' if new else ''}, once, with its secret")


async def public_url(site: Site) -> list[Finding]:
    """Who answers there."""
    who, detail = await reach(site.settings.public_url, site.app.identity)
    match who:
        case "this bot":
            return [Finding("PUBLIC_URL", "ok", "this bot answers there")]
        case "nobody":
            says = f"cannot be reached: {detail}"
            todo = "start the bot with `python -m bot serve`; if it runs, check DNS, the certificate and the web server"
        case "something else":
            says = f"something else answers there ({detail})"
            todo = "set PUBLIC_URL to the address where this version of the bot is reached; redirects are not followed"
        case "another secret":
            says = "another Bluethread answers there, or this one with an older CALLBACK_SECRET"
            todo = "restart the bot after changing CALLBACK_SECRET, or correct PUBLIC_URL"
        case "another database":
            says = "a Bluethread with another database answers there"
            todo = "run this where the bot runs, with the same DATABASE_URL, or correct PUBLIC_URL"
    return [Finding("PUBLIC_URL", "problem", says, todo)]


def clock(site: Site) -> Finding:
    """Ours against those that the other checks met."""
    if not site.ahead:
        return Finding("clock", "skipped", "neither Slack nor the database gave the time")
    whose, ahead = max(site.ahead.items(), key=lambda one: abs(one[1]))
    seconds = round(abs(ahead.total_seconds()))
    if seconds <= 30:
        return Finding("clock", "ok", f"agrees with {', '.join(site.ahead)}")
    says = f"{seconds} s {'ahead of' if ahead > timedelta(0) else 'behind'} {whose}"
    todo = "set this machine's clock with NTP; the bot refuses requests from Slack that seem older than 300 s"
    return Finding("clock", "problem" if seconds > 120 else "warning", says, todo)
