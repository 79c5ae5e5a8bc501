"""What doctor finds in the account at Sendblue: the keys, the lines, the webhooks. `--fix` registers these."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from bot.app import App
from bot.cli.findings import Finding, Verdict, skipped
from bot.errors import BadSettings, CallFailed, NotSent, NotStored, Refused, Uncertain
from bot.sendblue.wire import OUTBOUND, RECEIVE, Hook, same_line, same_place
from bot.storage.history import ask, once_free
from bot.storage.keys import end_turn, take_turn
from bot.storage.schema import problem

_LOOK_AGAIN = timedelta(seconds=0.2)
_PLACE, _REGISTER = "PUBLIC_URL/sendblue/webhook", "run `python -m bot doctor --fix`"


@dataclass(frozen=True, slots=True)
class Use:
    """What a webhook of one type is for."""

    name: str  # of the finding
    kind: str
    brings: str
    misregistered: Verdict  # with another secret, or several times
    gain: str  # what it is set up for
    otherwise: str  # how we hear without it; every: CATCH_UP_INTERVAL
    needless: str  # the same where it is not asked for: there is no secret


NEWS = Use(
    name="account webhook",
    kind=OUTBOUND,
    brings="piece of news",
    misregistered="warning",
    gain="to use it as a second way for news",
    otherwise="each text still has its own callback address",
    needless="none, and none is needed: each text has its own callback address",
)
ANSWERS = Use(
    name="receive webhook",
    kind=RECEIVE,
    brings="answer",
    misregistered="problem",
    gain="to have customers' answers at once",
    otherwise="customers' answers are found by asking, up to {every:g} s later",
    needless="none: customers' answers come by asking alone, every {every:g} s, which is fine but slower",
)


async def sendblue(app: App, *, fix: bool) -> list[Finding]:
    account: list[str] | None = None
    states: dict[str, str] = {}
    keys = accepted = Finding("Sendblue keys", "ok", "accepted")
    try:
        account = await app.sendblue.lines()
    except CallFailed as error:
        if (keys := _sendblue_keys(error.code)).verdict == "problem":
            others = ("lines", NEWS.name, ANSWERS.name)
            return [keys, *skipped("Sendblue does not accept the keys or does not answer", *others)]
    with suppress(CallFailed):  # an extra: what lists the lines has been asked already
        states = await app.sendblue.line_states()
    if account is None and states:
        keys, account = accepted, list(states)
    found = [keys, _lines(app.settings.lines, account, states)]
    return [*found, *[await _webhook(app, use, fix=fix) for use in (NEWS, ANSWERS)]]


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


async def _webhook(app: App, use: Use, *, fix: bool) -> Finding:
    """Check what of ours is registered. With --fix it is registered, unless it is: Sendblue would add it again."""
    url, secrets, new = f"{app.settings.public_url}/sendblue/webhook", app.settings.webhook_secrets, False
    try:
        ours = await _ours(app, url, use)
        if fix and secrets and not _has(ours, use):
            new = await _register(app, url, use)
            ours = await _ours(app, url, use)
            if not _has(ours, use):
                raise NotSent("the new one is not in its list")
    except NotStored as error:
        return Finding(use.name, "problem", f"{_PLACE} is not registered: {error}", "see database and schema above")
    except CallFailed as error:
        refuses = isinstance(error, Refused)
        what = "refuses to list or register webhooks" if refuses else "does not say which webhooks are registered"
        says, todo = f"Sendblue {what} ({error.code})", "look in Sendblue's dashboard, under webhooks"
        return Finding(use.name, "problem" if fix else "warning", says, todo)
    if _has(ours, use) or (ours and not secrets):
        return _registered(app, use, ours, new=new)
    return _missing(app, use, fix=fix)


def _has(ours: Sequence[Hook], use: Use) -> bool:
    return any(hook.kind == use.kind for hook in ours)


async def _register(app: App, url: str, use: Use) -> bool:
    """Register it, unless somebody else who uses this database has just done so; returns whether we did."""
    async with _turn(app, f"register:{use.kind}"):
        if _has(await _ours(app, url, use), use):
            return False
        with suppress(Uncertain):  # the list tells
            await app.sendblue.register(url, app.settings.webhook_secrets[0], use.kind)
        return True


@asynccontextmanager
async def _turn(app: App, name: str) -> AsyncIterator[None]:
    """Have the turn at something, once whoever is at it is done or their lease ends. Raises NotStored: no database.

    The lease is longer than what is done in it can take: two calls to Sendblue.
    """
    lease = 4 * timedelta(seconds=app.settings.sendblue_timeout)
    take = partial(take_turn, name=name, lease=lease)
    try:
        if wrong := await asyncio.to_thread(ask, app.database, problem):
            raise NotStored(wrong.partition(":")[0])
        for _ in range(2 * (lease // _LOOK_AGAIN)):
            if turn := await asyncio.to_thread(once_free, app.database.write, take):
                break
            await asyncio.sleep(_LOOK_AGAIN.total_seconds())
        else:
            raise NotStored("somebody else is at it")
    except (app.database.error, BadSettings) as error:
        raise NotStored(f"the database cannot note who registers it ({type(error).__name__})") from None
    try:
        yield
    finally:
        with suppress(app.database.error):  # then the lease ends
            await asyncio.to_thread(once_free, app.database.write, partial(end_turn, name=name, turn=turn))


async def _ours(app: App, url: str, use: Use) -> list[Hook]:
    """Return what is registered for our address. Types that we have no use for are looked at beside the news."""
    hooks = [hook for hook in await app.sendblue.webhooks() if same_place(hook.url, url)]
    return [hook for hook in hooks if (hook.kind == RECEIVE) == (use.kind == RECEIVE)]


def _missing(app: App, use: Use, *, fix: bool) -> Finding:
    accepted, every = app.settings.webhook_secrets, app.settings.catch_up_interval
    if not accepted and not fix:
        return Finding(use.name, "ok", use.needless.format(every=every))
    says = f"{_PLACE} is not registered; {use.otherwise.format(every=every)}"
    todo = _REGISTER if accepted else f"{use.gain}, set SENDBLUE_WEBHOOK_SECRET, then {_REGISTER}"
    return Finding(use.name, "problem" if fix else "warning", says, todo)


def _registered(app: App, use: Use, ours: Sequence[Hook], *, new: bool) -> Finding:
    """Judge what is registered. new: registered just now."""
    accepted, kinds = app.settings.webhook_secrets, [hook.kind for hook in ours]
    remove = f"remove it in Sendblue's dashboard, then {_REGISTER}"
    if not accepted:
        otherwise = use.otherwise.format(every=app.settings.catch_up_interval)
        says = f"{_PLACE} is registered, but the bot answers 404 there without SENDBLUE_WEBHOOK_SECRET; {otherwise}"
        todo = "set SENDBLUE_WEBHOOK_SECRET to the secret it was registered with, or remove it in Sendblue's dashboard"
        return Finding(use.name, "problem", says, todo)
    if any(not hook.secret for hook in ours):
        says = f"{_PLACE} is registered without a secret, so the bot refuses each {use.brings} there"
        return Finding(use.name, "problem", says, remove)
    if any(hook.secret not in accepted for hook in ours):
        says = f"{_PLACE} is registered with another secret, so the bot refuses each {use.brings} there"
        return Finding(use.name, use.misregistered, says, remove)
    if (times := max(map(kinds.count, kinds))) > 1:
        says = f"{_PLACE} is registered {times} times, so each {use.brings} arrives that many times"
        return Finding(use.name, use.misregistered, says, remove)
    return Finding(use.name, "ok", f"{_PLACE} is registered{' now' if new else ''}, once, with its secret")
