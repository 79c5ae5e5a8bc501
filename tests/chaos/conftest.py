"""The bot as a process of its own, and traps that kill it at a chosen instant."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.board import Board
from sandbox.bot_process import BotProcess
from sandbox.sendblue import PretendSendblue
from sandbox.serving import serving
from sandbox.slack import PretendSlack
from tests.conftest import CALLBACK, KEY, LINE, SECRET, SIGNING, TOKEN, Stage, free_port, settings_for

PROJECT = Path(__file__).resolve().parents[2]


@dataclass
class Trap:
    """Kills the bot at the nth request whose path ends so: before it is done, or after, before its answer."""

    path: str = ""
    nth: int = 0
    after: bool = False
    kill: Callable[[], Any] | None = None
    sprung: bool = False

    def around(self, app: ASGIApp) -> ASGIApp:
        async def trapped(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or not self._matches(scope["path"]):
                await app(scope, receive, send)
                return
            if not self.after:
                await self._spring()
                return

            async def answer(message: Message) -> None:
                if message["type"] == "http.response.start":
                    await self._spring()
                await send(message)

            await app(scope, receive, answer)

        return trapped

    def _matches(self, path: str) -> bool:
        if not self.path or self.sprung or not path.endswith(self.path):
            return False
        self.nth -= 1
        return self.nth == 0

    async def _spring(self) -> None:
        self.sprung = True
        assert self.kill is not None
        await self.kill()


@dataclass
class Ruin(Stage):
    """A stage whose bot can be killed."""

    trap: Trap = field(default_factory=Trap)
    bot: BotProcess | None = None

    async def revive(self) -> None:
        assert self.bot is not None
        await self.bot.start()


@pytest.fixture
async def ruin(tmp_path: Path) -> AsyncIterator[Ruin]:
    async with AsyncExitStack() as stack:
        board, trap, port = Board(), Trap(), free_port()
        slack = PretendSlack(board, TOKEN, SIGNING, post_interval=0)
        sendblue = PretendSendblue(board, KEY, SECRET, [LINE], step=0.05)
        stack.push_async_callback(slack.aclose)
        stack.push_async_callback(sendblue.aclose)
        slack.base_url = await stack.enter_async_context(serving(trap.around(slack.app)))
        sendblue_url = await stack.enter_async_context(serving(trap.around(sendblue.app)))
        url = f"http://127.0.0.1:{port}"
        slack.app_url = f"{url}/slack/events"
        bot = BotProcess(board, (sys.executable, "-m", "bot", "serve"), url, tmp_path)
        bot.settings = {
            "PYTHONPATH": str(PROJECT),
            "SLACK_BOT_TOKEN": TOKEN,
            "SLACK_SIGNING_SECRET": SIGNING,
            "SLACK_API_URL": f"{slack.base_url}/api/",
            "SENDBLUE_API_KEY_ID": KEY,
            "SENDBLUE_API_SECRET_KEY": SECRET,
            "SENDBLUE_FROM_NUMBER": LINE,
            "SENDBLUE_API_URL": sendblue_url,
            "PUBLIC_URL": url,
            "CALLBACK_SECRET": CALLBACK,
            "DATABASE_URL": f"sqlite:///{tmp_path / 'ruin.db'}",
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "REPOLL_INTERVAL": "0.2",
            "STALE_AFTER": "0.3",
            "SENDBLUE_TIMEOUT": "1",
            "SLACK_POST_INTERVAL": "0",
            "SENDBLUE_SEND_INTERVAL": "0",
            "LOG_FORMAT": "json",
            "LOG_LEVEL": "DEBUG",
        }
        trap.kill = bot.kill
        stack.push_async_callback(bot.stop)
        yield Ruin(slack, sendblue, settings_for(tmp_path), url, trap=trap, bot=bot)
