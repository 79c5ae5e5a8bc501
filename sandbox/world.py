"""Everything in one place: the board, both pretend services, and the bot between them."""

import secrets
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.board import Board
from sandbox.bot_process import BotProcess
from sandbox.sendblue import PretendSendblue
from sandbox.slack import PretendSlack
from sandbox.traffic import Json

INBOX = "G0TEAM"
"""Where the demo shows what customers write whom nobody has texted."""
LINES = ("+15550100900", "+15550100901")
"""The account's lines, the default one first; `--from` chooses the other."""

PROJECT = Path(__file__).resolve().parent.parent
BOT_COMMAND = (sys.executable, "-m", "bot", "serve")


@dataclass(frozen=True, slots=True)
class World:
    """The three parties and what is known about them."""

    board: Board
    slack: PretendSlack
    sendblue: PretendSendblue
    bot: BotProcess

    def faults(self) -> Json:
        """Return every switch's position."""
        return {"slack": self.slack.faults.state(), "sendblue": self.sendblue.faults.state()}

    def snapshot(self) -> Json:
        """Return all the page needs to begin with."""
        return {
            **self.slack.snapshot(),
            **self.sendblue.snapshot(),
            "inbox": INBOX,
            "traffic": self.board.traffic(),
            "faults": self.faults(),
            "bot": self.bot.snapshot(),
        }

    def reset_faults(self) -> None:
        """Switch every fault off."""
        self.slack.faults.reset()
        self.sendblue.faults.reset()


@asynccontextmanager
async def world(bot_port: int, command: Sequence[str] = BOT_COMMAND) -> AsyncIterator[World]:
    """Create a world whose bot, not started yet, will listen on `bot_port`; take it down at the end."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bluethread-"))
        board = Board()
        token, signing, key, secret, webhook = (secrets.token_hex(16) for _ in range(5))
        slack = PretendSlack(board, bot_token=f"xoxb-{token}", signing_secret=signing)
        stack.push_async_callback(slack.aclose)
        sendblue = PretendSendblue(board, key_id=key, secret=secret, lines=LINES)
        stack.push_async_callback(sendblue.aclose)
        url = f"http://127.0.0.1:{bot_port}"
        slack.app_url = f"{url}/slack/events"
        sendblue.webhook_url, sendblue.webhook_secret = f"{url}/sendblue/webhook", webhook
        bot = BotProcess(board, command, url, Path(folder))
        stack.push_async_callback(bot.stop)
        bot.settings = {
            "SLACK_BOT_TOKEN": f"xoxb-{token}",
            "SLACK_SIGNING_SECRET": signing,
            "SENDBLUE_API_KEY_ID": key,
            "SENDBLUE_API_SECRET_KEY": secret,
            "SENDBLUE_WEBHOOK_SECRET": webhook,
            **_settings(url, bot_port, folder),
        }
        made = World(board, slack, sendblue, bot)
        for faults in (slack.faults, sendblue.faults):
            faults.watch(lambda: board.say("faults", made.faults()))
        slack.when_entered(lambda: board.say("state", made.snapshot()))
        stack.callback(board.close)
        yield made


def connect(made: World, base_url: str) -> None:
    """Tell both sides where the pretend services are served."""
    made.slack.base_url, made.sendblue.base_url = f"{base_url}/slack", f"{base_url}/sendblue"
    made.bot.settings = {
        **made.bot.settings,
        "SLACK_API_URL": f"{base_url}/slack/api/",
        "SENDBLUE_API_URL": f"{base_url}/sendblue",
    }


def _settings(url: str, port: int, folder: str) -> dict[str, str]:
    """Return the bot's settings except keys; short intervals, since nobody wants to wait in a demo."""
    return {
        "PYTHONPATH": str(PROJECT),
        "SENDBLUE_FROM_NUMBER": ",".join(LINES),
        "PUBLIC_URL": url,
        "CALLBACK_SECRET": secrets.token_hex(16),
        "DATABASE_URL": f"sqlite:///{folder}/bluethread.db",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "INBOX_CHANNEL": INBOX,
        "REPOLL_INTERVAL": "1",
        "CATCH_UP_INTERVAL": "5",
        "STALE_AFTER": "2",
        "DOUBT_WINDOW": "30",
        "SENDBLUE_TIMEOUT": "4",
        "SLACK_POST_INTERVAL": "1.0",
        "SENDBLUE_SEND_INTERVAL": "1.0",
        "LOG_FORMAT": "console",
        "LOG_LEVEL": "WARNING",
    }
