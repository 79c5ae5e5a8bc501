"""Looking at everything the bot needs, as whoever runs it would. Changes nothing unless asked.

What cannot be looked at because something before it failed is said to be skipped. Nothing here takes the process
lock, so the service may run beside it.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from bot.errors import BadSettings, CallFailed, NotStored, Refused, Uncertain
from bot.sendblue.account import OUTBOUND, Hook, same_place
from bot.sendblue.client import Sendblue
from bot.services import findings
from bot.services.findings import ACCOUNT_WEBHOOK, Finding, skipped
from bot.services.reaching import Identity, reach
from bot.slack.notifier import Notifier
from bot.storage.backlog import backlog
from bot.storage.condition import check_file, condition, is_there
from bot.storage.engine import Transaction
from bot.storage.store import Store

R = TypeVar("R")


class Checking:
    """Asks each neighbour once.

    file: the SQLite file, None for PostgreSQL. lines: E.164. webhook_secrets: the newest first. patience: for how
    long work may be due without anything being wrong.
    """

    def __init__(
        self,
        store: Store,
        notifier: Notifier,
        sendblue: Sendblue,
        identity: Identity,
        *,
        public_url: str,
        file: Path | None,
        lines: Sequence[str],
        webhook_secrets: Sequence[str],
        patience: timedelta,
    ) -> None:
        self._store = store
        self._notifier = notifier
        self._sendblue = sendblue
        self._identity = identity
        self._public_url = public_url
        self._file = file
        self._lines = lines
        self._webhook_secrets = webhook_secrets
        self._patience = patience
        self._ahead: dict[str, timedelta] = {}  # of others' clocks, ours

    async def look(self, *, fix: bool) -> list[Finding]:
        """Return what was found. fix: register the account's webhook if it is not yet."""
        database, slack, account, public = await asyncio.gather(
            self._database(), self._slack(), self._account(fix=fix), reach(self._public_url, self._identity)
        )
        silent = "neither Slack nor the database gave the time"
        clock = [findings.clocks(self._ahead)] if self._ahead else skipped(silent, "clock")
        return [*database, *slack, *account, findings.public_url(*public), *clock]

    async def _database(self) -> list[Finding]:
        if self._file is not None and not is_there(self._file):
            todo = (
                "`python -m bot serve` creates it; if it exists already, check DATABASE_URL, the current folder and "
                "the user you run this as"
            )
            return findings.no_database(f"there is no file {self._file} that this user can see", todo)
        began = datetime.now(UTC)
        try:
            if self._file is not None:
                check_file(self._file)
            found = await self._ask(condition)
        except BadSettings as error:
            todo = "deploy the newer version again, or restore the backup from before the upgrade"
            return findings.no_schema("the database answers", str(error).removeprefix("DATABASE_URL: "), todo)
        except NotStored as error:
            todo = "check the address, name, user and password in DATABASE_URL, and that the database runs"
            return findings.no_database(f"it cannot be read ({error})", todo)
        if found.now is not None:
            self._note("the database", found.now, began)
        if found.schema:
            says, _, todo = found.schema.partition(": ")
            return findings.no_schema(found.engine, says, todo)
        well = [Finding("database", "ok", found.engine), Finding("schema", "ok", "what this version needs")]
        return [*well, *await self._backlog(found.now)]

    async def _backlog(self, now: datetime | None) -> list[Finding]:
        at = now or self._store.clock()
        try:
            waits = await self._ask(backlog)
        except NotStored as error:
            return skipped(f"the work that waits could not be counted ({error})", "backlog", "callbacks")
        return [findings.backlog(waits, at, self._patience), findings.callbacks(waits)]

    async def _ask(self, question: Callable[[Transaction], R]) -> R:
        """Ask the database; beside a service that stores without a break, SQLite may let us in at the next try only."""
        for pause in (0.1, 0.5, 1.0) if self._file is not None else ():
            with suppress(NotStored):
                return await self._store.read(question)
            await asyncio.sleep(pause)
        return await self._store.read(question)

    async def _slack(self) -> list[Finding]:
        began = datetime.now(UTC)
        try:
            found = await self._notifier.installation()
        except CallFailed as error:
            todo = "check SLACK_API_URL and the network, then try again"
            return [
                Finding("Slack token", "problem", f"Slack gives no answer ({error.code})", todo),
                *skipped("Slack gives no answer", "Slack scopes", "bot name"),
            ]
        if found.now is not None:
            self._note("Slack", found.now, began)
        token = findings.slack_token(found)
        if token.verdict != "ok":
            return [token, *skipped("the token is wrong", "Slack scopes", "bot name")]
        return [token, findings.slack_scopes(found.scopes), findings.bot_name(found.bot)]

    async def _account(self, *, fix: bool) -> list[Finding]:
        account: list[str] | None = None
        states: dict[str, str] = {}
        code = ""
        try:
            account = await self._sendblue.lines()
        except CallFailed as error:
            code = error.code
        keys = findings.sendblue_keys(code)
        if keys.verdict == "problem":
            return [keys, *skipped("Sendblue does not accept the keys or does not answer", "lines", "account webhook")]
        try:
            states = await self._sendblue.line_states()
        except CallFailed:  # an extra: what lists the lines has been asked already
            states = {}
        if account is None and states:
            keys, account = findings.sendblue_keys(""), list(states)
        return [keys, findings.lines(self._lines, account, states), await self._webhook(fix=fix)]

    async def _webhook(self, *, fix: bool) -> Finding:
        registering = False
        try:
            hooks = await self._sendblue.webhooks()
            registering = fix and bool(self._webhook_secrets) and not self._is_there(hooks)
            if registering:  # nothing comes between the look and this: Sendblue adds it again each time
                hooks = await self._register()
        except CallFailed as error:
            return findings.webhooks_unknown(error.code, refused=isinstance(error, Refused), fix=fix)
        if registering and not self._is_there(hooks):
            return findings.webhooks_unknown("the new one is not in its list", refused=False, fix=fix)
        return findings.account_webhook(hooks, self._public_url, self._webhook_secrets, fix=fix, new=registering)

    async def _register(self) -> list[Hook]:
        with suppress(Uncertain):  # the list tells
            await self._sendblue.register(self._public_url + ACCOUNT_WEBHOOK, self._webhook_secrets[0])
        return await self._sendblue.webhooks()

    def _is_there(self, hooks: Sequence[Hook]) -> bool:
        url = self._public_url + ACCOUNT_WEBHOOK
        return any(hook.kind == OUTBOUND and same_place(hook.url, url) for hook in hooks)

    def _note(self, whose: str, theirs: datetime, began: datetime) -> None:
        """Compare clocks by the middle of the call; Slack names whole seconds."""
        ours = began + (datetime.now(UTC) - began) / 2
        self._ahead[whose] = ours - theirs
