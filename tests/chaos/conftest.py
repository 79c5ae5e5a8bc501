"""The bot as processes of its own behind a router, between neighbours that remember; and the closing table."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sandbox.board import Board
from sandbox.sendblue import PretendSendblue
from sandbox.serving import serving
from sandbox.slack import PretendSlack
from tests.chaos.books import at_rest, unfinished
from tests.chaos.colleagues import Colleagues
from tests.chaos.files import Files
from tests.chaos.leases import end_of_lease
from tests.chaos.processes import PROJECT, Bot
from tests.chaos.promises import Closing, Ledger
from tests.chaos.router import Router
from tests.chaos.table import pytest_terminal_summary  # noqa: F401 - a hook
from tests.chaos.trap import Trap
from tests.conftest import (
    CALLBACK,
    KEY,
    LINE,
    OTHER_LINE,
    SECRET,
    SIGNING,
    TOKEN,
    Stage,
    free_port,
    settings_for,
    until,
)

LONG = os.environ.get("CHAOS") == "long"


def cases(steps: Iterable[str], short: Collection[tuple[str, str, str]]) -> list[Any]:
    """Return engine, step, and whether to kill after it: all there are with CHAOS=long, else the short ones."""
    return [
        pytest.param(engine, step, when == "after", id=f"{engine}-{when} {step}")
        for engine in ("sqlite", "postgresql")
        for step in steps
        for when in ("before", "after")
        if LONG or (engine, step, when) in short
    ]


"""`make chaos`: more of everything."""


@dataclass
class Ruin(Stage):
    """A stage whose bots can be killed. url: the router's."""

    database_url: str = ""
    trap: Trap = field(default_factory=Trap)
    router: Router = field(default_factory=Router)
    bots: list[Bot] = field(default_factory=list)
    kills: int = 0
    folder: Path = Path()  # where the bots keep temporary files
    ledger: Ledger = field(init=False)
    files: Files = field(init=False)
    colleagues: Colleagues = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.slack, self.sendblue)
        self.files = Files(self.slack, self.sendblue, self.ledger, self.folder)
        self.colleagues = Colleagues(self.slack, self.sendblue, self.files, self.database_url)

    @property
    def bot(self) -> Bot:
        """The only one."""
        [bot] = self.bots
        return bot

    async def kill(self) -> None:
        """Kill the only bot."""
        self.kills += 1
        await self.bot.kill()

    async def revive(self) -> None:
        """Start the only bot again, when whatever the dead one held may be taken over."""
        if self.database_url.startswith("postgres"):
            end_of_lease(self.database_url)
        await self.bot.start()

    def over(self) -> bool:
        """Whether everything has come to its end, on both sides and in the database."""
        if self.ledger.unsettled() or not at_rest(self.database_url):
            return False
        return not self.colleagues.unsettled() and not self.files.unsettled()

    async def end(self, *, within: float = 20) -> None:
        """Wait until everything is over; say what is not."""
        try:
            await until(self.over, within=within)
        except AssertionError:
            left = [*self.ledger.unsettled(), *self.colleagues.unsettled(), *self.files.unsettled()]
            left = left or ["(the database is not at rest)"]
            raise AssertionError("\n".join(["not over:", *left[:20], *unfinished(self.database_url)])) from None

    def closing(self) -> Closing:
        engine = "SQLite" if self.database_url.startswith("sqlite") else "PostgreSQL"
        closing = self.ledger.close(engine, len(self.bots), self.kills, self.colleagues.owns)
        self.colleagues.judge(closing)
        self.files.judge(closing)
        return closing


class Heard(Board):
    """A board on which somebody hears everything the moment it is said."""

    def __init__(self) -> None:
        super().__init__()
        self.hear: Callable[[str, Mapping[str, Any]], None] = lambda _kind, _data: None

    def say(self, kind: str, data: Mapping[str, Any]) -> None:
        super().say(kind, data)
        self.hear(kind, data)


OpenRuin = Callable[..., Awaitable[Ruin]]


@pytest.fixture
async def open_ruin(tmp_path: Path, database_url: str) -> AsyncIterator[OpenRuin]:
    """Build a ruin. processes: the command of each; they are not started. Settings in capitals override."""
    async with AsyncExitStack() as stack:

        async def opened(*processes: str, database: str = database_url, step: float = 0.05, **changes: Any) -> Ruin:
            board, trap = Heard(), Trap()
            slack = PretendSlack(board, TOKEN, SIGNING, post_interval=0)
            sendblue = PretendSendblue(board, KEY, SECRET, [LINE, OTHER_LINE], step=step)
            stack.push_async_callback(slack.aclose)
            stack.push_async_callback(sendblue.aclose)
            slack.base_url = await stack.enter_async_context(serving(trap.around(slack.app)))
            sendblue.base_url = await stack.enter_async_context(serving(trap.around(sendblue.app)))
            (folder := tmp_path / "temporary").mkdir()
            ruin = Ruin(slack, sendblue, settings_for(tmp_path), database_url=database, trap=trap, folder=folder)
            board.hear = ruin.colleagues.hear
            slack.events.pauses = (0.3, 1, 2, 4, 8, 8)  # real ones are minutes
            stack.push_async_callback(ruin.router.aclose)
            ruin.url = await stack.enter_async_context(serving(trap.around(ruin.router.app)))
            slack.app_url = f"{ruin.url}/slack/events"
            neighbours = {"SLACK_API_URL": f"{slack.base_url}/api/", "SENDBLUE_API_URL": sendblue.base_url}
            settings = _SETTINGS | neighbours | {"PUBLIC_URL": ruin.url, "DATABASE_URL": database}
            settings |= {"TMPDIR": str(folder)} | changes
            for number, command in enumerate(processes or ("serve",)):
                ruin.bots.append(_bot(number, command, settings, tmp_path))
                stack.push_async_callback(ruin.bots[-1].kill)
            ruin.router.bots, trap.kill = ruin.bots, ruin.kill
            return ruin

        yield opened


@pytest.fixture
async def ruin(open_ruin: OpenRuin) -> Ruin:
    """One process."""
    return await open_ruin()


WEBHOOK_SECRET = "webhook-secret"
_SETTINGS = {
    "SENDBLUE_WEBHOOK_SECRET": WEBHOOK_SECRET,
    "CATCH_UP_INTERVAL": "1",
    "INBOX_CHANNEL": "G0TEAM",
    "PYTHONPATH": str(PROJECT),
    "PATH": os.environ["PATH"],
    "SLACK_BOT_TOKEN": TOKEN,
    "SLACK_SIGNING_SECRET": SIGNING,
    "SENDBLUE_API_KEY_ID": KEY,
    "SENDBLUE_API_SECRET_KEY": SECRET,
    "SENDBLUE_FROM_NUMBER": f"{LINE},{OTHER_LINE}",
    "CALLBACK_SECRET": CALLBACK,
    "HOST": "127.0.0.1",
    "REPOLL_INTERVAL": "0.2",
    "STALE_AFTER": "0.3",
    "SENDBLUE_TIMEOUT": "1",
    "SLACK_POST_INTERVAL": "0",
    "SENDBLUE_SEND_INTERVAL": "0",
    "LOG_FORMAT": "json",
    "LOG_LEVEL": "DEBUG",
}


def _bot(number: int, command: str, settings: dict[str, str], folder: Path) -> Bot:
    log = folder / f"{command}-{number}.log"
    if command == "work":
        return Bot(settings, folder, log, command=("work",))
    port = free_port()
    return Bot(settings | {"PORT": str(port)}, folder, log, f"http://127.0.0.1:{port}")


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """What all chance in a test comes from; printed with the command that repeats it, which pytest shows on failure."""
    value = int(os.environ["CHAOS_SEED"])
    form = "CHAOS=long " if LONG else ""
    print(f"seed {value}; replay: {form}CHAOS_SEED={value} .venv/bin/python -m pytest '{request.node.nodeid}'")  # noqa: T201
    return value


@pytest.fixture
def judge(request: pytest.FixtureRequest) -> Callable[[Ruin], None]:
    """Compare what was promised with what happened, put the result into the closing table, and insist on zeros."""

    def judged(ruin: Ruin) -> None:
        closing = ruin.closing()
        request.node.user_properties.append(("chaos", closing.row()))
        assert closing.clean, "\n".join(closing.notes[:40])

    return judged
