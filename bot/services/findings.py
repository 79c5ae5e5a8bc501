"""What an observation means for whoever runs the bot: how bad it is, and what to do. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bot.domain.backlog import Backlog
from bot.sendblue.account import OUTBOUND, Hook, same_line, same_place
from bot.services.reaching import Reached
from bot.slack import installation
from bot.slack.installation import Installation

Verdict = Literal["ok", "warning", "problem", "skipped"]

ACCOUNT_WEBHOOK = "/sendblue/webhook"
"""Where below PUBLIC_URL the account's webhook is taken."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a diagnosis. says: what was found. todo: what to do, "" when nothing is."""

    name: str
    verdict: Verdict
    says: str
    todo: str = ""


def skipped(why: str, *names: str) -> list[Finding]:
    """Return what could not be looked at, each with the reason."""
    return [Finding(name, "skipped", why) for name in names]


def settings_wrong(problems: str) -> list[Finding]:
    """problems: one per line, without values."""
    todo = "see Settings in README.md, or docs/settings.md"
    return [Finding("settings", "problem", line, todo) for line in problems.splitlines()]


def settings_right() -> Finding:
    """What the start would say of them, too: nothing."""
    return Finding("settings", "ok", "all settings are valid")


def no_database(says: str, todo: str) -> list[Finding]:
    """Return what is left when the database cannot be asked."""
    why = "the database cannot be asked"
    return [Finding("database", "problem", says, todo), *skipped(why, "schema", "backlog", "callbacks")]


def no_schema(engine: str, says: str, todo: str) -> list[Finding]:
    """Return what is left when the database is not as this version needs it. engine: in words."""
    wrong = Finding("schema", "problem", says, todo)
    why = "the schema is not the right one"
    return [Finding("database", "ok", engine), wrong, *skipped(why, "backlog", "callbacks")]


def slack_token(found: Installation) -> Finding:
    """Judge whether Slack takes our token for a bot's."""
    where = "api.slack.com/apps, OAuth & Permissions"
    if found.error:
        says = f"Slack refuses SLACK_BOT_TOKEN ({found.error})"
        return Finding("Slack token", "problem", says, f"copy the Bot User OAuth Token from {where}")
    if not found.is_bot:
        says = "SLACK_BOT_TOKEN is a person's token, not a bot's"
        return Finding("Slack token", "problem", says, f"copy the Bot User OAuth Token (xoxb-) from {where}")
    return Finding("Slack token", "ok", f"installed in {found.team}")


def slack_scopes(granted: frozenset[str] | None) -> Finding:
    """Compare what the token may do with what the manifest asks for."""
    if granted is None:
        todo = "compare them with manifest.yml under OAuth & Permissions"
        return Finding("Slack scopes", "warning", "Slack does not say which scopes the token has", todo)
    missing, extra = installation.SCOPES - granted, granted - installation.SCOPES
    if missing:
        todo = "compare the app's manifest with manifest.yml, then reinstall the app in the workspace"
        return Finding("Slack scopes", "problem", f"missing: {_listed(missing)}", todo)
    if extra:
        todo = "remove them in the app's settings, then reinstall the app"
        return Finding("Slack scopes", "warning", f"not needed: {_listed(extra)}", todo)
    return Finding("Slack scopes", "ok", f"the {len(granted)} scopes of manifest.yml")


def bot_name(name: str) -> Finding:
    """Compare the bot's name with the one the sentences and the documents tell people to invite."""
    if name == installation.NAME:
        return Finding("bot name", "ok", f"people type /invite @{name}")
    says = f"it is called @{name}, but people are told to /invite @{installation.NAME}"
    todo = "set the bot's default username under App Home, then reinstall the app"
    return Finding("bot name", "warning", says, todo)


def sendblue_keys(code: str) -> Finding:
    """code: why Sendblue did not answer as documented; "" when it did."""
    if code == "http_401":
        todo = "copy both from Sendblue's dashboard, API settings"
        says = "Sendblue refuses SENDBLUE_API_KEY_ID with SENDBLUE_API_SECRET_KEY"
        return Finding("Sendblue keys", "problem", says, todo)
    if code in ("http_403", "http_404", "unreadable_answer"):
        todo = "send a text to yourself to see whether the keys work"
        says = f"Sendblue's answer does not show whether the keys are right ({code})"
        return Finding("Sendblue keys", "warning", says, todo)
    if code:
        todo = "check SENDBLUE_API_URL and the network, then try again"
        return Finding("Sendblue keys", "problem", f"Sendblue gives no answer ({code})", todo)
    return Finding("Sendblue keys", "ok", "accepted")


def lines(ours: Sequence[str], account: Sequence[str] | None, states: Mapping[str, str]) -> Finding:
    """Compare our lines with the account's. account: None when Sendblue does not list them. Theirs are not named."""
    if account is None:
        todo = "compare SENDBLUE_FROM_NUMBER with the dashboard"
        return Finding("lines", "warning", "Sendblue does not say which lines are in this account", todo)
    foreign = [line for line in ours if not any(same_line(line, one) for one in account)]
    if foreign:
        todo = "set SENDBLUE_FROM_NUMBER to lines that the dashboard shows"
        return Finding("lines", "problem", f"not in this Sendblue account: {_listed(foreign)}", todo)
    weak = [
        f"{line} is {_word(state)}"
        for line in ours
        for one, state in states.items()
        if same_line(line, one) and state != "ONLINE"
    ]
    if weak:
        return Finding("lines", "warning", _listed(weak), "ask Sendblue's support; texts may be late or not be sent")
    return Finding("lines", "ok", f"{_listed(ours)} in this account")


def public_url(who: Reached, detail: str) -> Finding:
    """Judge who is behind PUBLIC_URL. detail: see `reach`."""
    if who == "this bot":
        return Finding("PUBLIC_URL", "ok", "this bot answers there")
    said = {
        "nobody": (
            f"cannot be reached: {detail}",
            "start the bot with `python -m bot serve`; if it runs, check DNS, the certificate and the web server",
        ),
        "something else": (
            f"something else answers there ({detail})",
            "set PUBLIC_URL to the address where this version of the bot is reached; redirects are not followed",
        ),
        "another secret": (
            "another Bluethread answers there, or this one with an older CALLBACK_SECRET",
            "restart the bot after changing CALLBACK_SECRET, or correct PUBLIC_URL",
        ),
        "another database": (
            "a Bluethread with another database answers there",
            "run this where the bot runs, with the same DATABASE_URL, or correct PUBLIC_URL",
        ),
    }
    return Finding("PUBLIC_URL", "problem", *said[who])


def clocks(ahead: Mapping[str, timedelta]) -> Finding:
    """ahead: whose clock → how far ours is ahead of it."""
    whose, skew = max(ahead.items(), key=lambda one: abs(one[1]))
    seconds = round(abs(skew.total_seconds()))
    if seconds <= 30:
        return Finding("clock", "ok", f"agrees with {_listed(ahead)}")
    says = f"{seconds} s {'ahead of' if skew > timedelta(0) else 'behind'} {whose}"
    todo = "set this machine's clock with NTP; the bot refuses requests from Slack that seem older than 300 s"
    return Finding("clock", "problem" if seconds > 120 else "warning", says, todo)


def account_webhook(
    hooks: Sequence[Hook], public_url: str, accepted: Collection[str], *, fix: bool, new: bool
) -> Finding:
    """Judge what of ours is registered. accepted: our secrets. fix: it was asked to be registered. new: and was now."""
    name, where = "account webhook", f"PUBLIC_URL{ACCOUNT_WEBHOOK}"
    ours = [hook for hook in hooks if same_place(hook.url, public_url + ACCOUNT_WEBHOOK)]
    kinds = [hook.kind for hook in ours]
    register = "run `python -m bot doctor --fix`"
    if ours and not accepted:
        todo = "set SENDBLUE_WEBHOOK_SECRET to the secret it was registered with, or remove it in Sendblue's dashboard"
        says = f"{where} is registered, but the bot answers 404 there without SENDBLUE_WEBHOOK_SECRET"
        return Finding(name, "problem", says, todo)
    if OUTBOUND not in kinds:
        if not accepted and not fix:
            return Finding(name, "ok", "none, and none is needed: each text has its own callback address")
        says = f"{where} is not registered; each text still has its own callback address"
        use = f"to use it as a second way for news, set SENDBLUE_WEBHOOK_SECRET, then {register}"
        todo = register if accepted else use
        return Finding(name, "problem" if fix else "warning", says, todo)
    if any(hook.secret not in accepted for hook in ours):
        bare = any(not hook.secret for hook in ours)
        which = "without a secret" if bare else "with another secret"
        says = f"{where} is registered {which}, so the bot refuses its news"
        return Finding(
            name, "problem" if bare else "warning", says, f"remove it in Sendblue's dashboard, then {register}"
        )
    if len(set(kinds)) < len(kinds):
        times = max(map(kinds.count, kinds))
        says = f"{where} is registered {times} times, so each piece of news arrives that many times"
        return Finding(name, "warning", says, f"remove it in Sendblue's dashboard, then {register}")
    return Finding(name, "ok", f"{where} is registered{' now' if new else ''}, once, with its secret")


def webhooks_unknown(why: str, *, refused: bool, fix: bool) -> Finding:
    """why: what Sendblue answered. fix: it was asked to be registered, and is not as far as we know."""
    says = (
        f"Sendblue refuses to list or register webhooks ({why})"
        if refused
        else f"Sendblue does not say which webhooks are registered ({why})"
    )
    todo = "look in Sendblue's dashboard, under webhooks"
    return Finding("account webhook", "problem" if fix else "warning", says, todo)


def backlog(waits: Backlog, now: datetime, patience: timedelta) -> Finding:
    """patience: for how long work may be due, with its slot free, without anything being wrong."""
    due = _listed([f"{kind} {count}" for kind, count in waits.due.items() if count])
    late = [f"{kind} for {_minutes(behind)}" for kind, behind in waits.behind(now).items() if behind > patience]
    if late:
        todo = "check that `python -m bot serve` (or `work`) runs, then look at GET /readyz and the log"
        return Finding("backlog", "warning", f"overdue: {_listed(late)} (due now: {due})", todo)
    under_way = sum(waits.open.values())
    return Finding("backlog", "ok", f"due: {due or 'nothing'}; {under_way} texts under way")


def callbacks(waits: Backlog) -> Finding:
    """Judge whether Sendblue's news arrives by itself."""
    last = f"{waits.last_callback:%Y-%m-%d %H:%M} UTC" if waits.last_callback else ""
    if waits.callbacks_missing:
        says = f"none arrived {f'since {last}' if last else 'so far'}, although Sendblue has news when asked"
        todo = "see PUBLIC_URL below; the web server in front of the bot must pass on /sendblue/"
        return Finding("callbacks", "warning", says, todo)
    says = f"the last one with news arrived at {last}" if last else "none arrived yet, and none is missing"
    return Finding("callbacks", "ok", says)


def _minutes(time: timedelta) -> str:
    return f"{time.total_seconds() / 60:.0f} min"


def _listed(words: Collection[str]) -> str:
    return ", ".join(sorted(words) if isinstance(words, frozenset) else words)


def _word(state: str) -> str:
    return state[:20] if state.isalpha() else "in an unknown state"
