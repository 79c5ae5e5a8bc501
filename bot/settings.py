"""Every setting, once. Read from the environment or `.env`; see the table in README.md."""

import io
import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from dotenv.parser import parse_stream
from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.domain.number import in_e164
from bot.domain.rules import Durations, Rules
from bot.errors import BadSettings
from bot.network import network_problems
from bot.setting_types import (
    DatabaseUrl,
    Flag,
    Key,
    Lines,
    OptionalKey,
    OptionalSecret,
    Pace,
    PublicUrl,
    Region,
    Secret,
    Token,
    Url,
    ids,
    listed,
    number,
    one_of,
    seconds,
)

ANSWERS_URL = "https://hooks.slack.com"
"""Where Slack takes private answers to commands and clicks."""


class Settings(BaseSettings):
    """All durations are seconds. A missing or malformed setting stops the start with one line per problem."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8-sig",  # some editors write a mark at the beginning
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,  # or secrets would stand in error messages
        str_strip_whitespace=True,
    )

    slack_bot_token: Token
    slack_signing_secret: Secret
    slack_api_url: Url = "https://slack.com/api"
    sendblue_api_key_id: Key
    sendblue_api_secret_key: Key
    sendblue_from_number: Lines
    sendblue_api_url: Url = "https://api.sendblue.co"
    sendblue_webhook_secret: OptionalSecret = SecretStr("")
    public_url: PublicUrl
    callback_secret: Secret
    database_url: Annotated[DatabaseUrl, Field(repr=False)] = "sqlite:///bluethread.db"
    allow_ephemeral_sqlite: Flag = False
    database_pool_size: Annotated[int, number(1, 100, kind=int)] = 4
    database_statement_timeout: Annotated[float, seconds(0.1)] = 5
    web_also_works: Flag = True
    host: str = "0.0.0.0"  # noqa: S104 - the router of a Heroku-style host connects from outside
    port: Annotated[int, number(0, 65535, kind=int)] = 3000
    default_region: Region = "US"
    repoll_interval: Annotated[float, seconds(0.05)] = 30
    stale_after: Annotated[float, seconds(0.1)] = 120
    watch_for: Annotated[float, seconds(1)] = 86400
    doubt_window: Annotated[float, seconds(0.1)] = 600
    send_within: Annotated[float, seconds(1)] = 3600
    sendblue_timeout: Annotated[float, seconds(0.5)] = 30
    keep_text_for: Annotated[float, seconds(0.01)] = 30 * 86400
    keep_history_for: Annotated[float, seconds(0.01)] = 365 * 86400
    allowed_channels: Annotated[str, ids("CGD")] = ""
    allowed_users: Annotated[str, ids("UWS")] = ""
    allow_guests: Flag = False
    alert_channel: Annotated[str, ids("CGDU", one=True)] = ""
    metrics_token: OptionalKey = SecretStr("")
    slack_post_interval: Pace = 1.0
    sendblue_send_interval: Pace = 1.0
    log_level: Annotated[str, one_of("DEBUG", "INFO", "WARNING", "ERROR")] = "INFO"
    log_format: Annotated[str, one_of("json", "console", "auto")] = "auto"

    @property
    def lines(self) -> tuple[str, ...]:
        """Our lines in E.164, the default one first."""
        return tuple(number for line in listed(self.sendblue_from_number) if (number := in_e164(line)))

    @property
    def callback_secrets(self) -> tuple[str, ...]:
        """The newest first; separated by commas while one is being replaced by another."""
        return listed(self.callback_secret.get_secret_value())

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The account webhook's secrets, the newest first; none: it has no door, and a callback's header is ignored."""
        return listed(self.sendblue_webhook_secret.get_secret_value())

    @property
    def rules(self) -> Rules:
        """Who may text, and from where."""
        people = listed(self.allowed_users)
        return Rules(
            channels=frozenset(listed(self.allowed_channels)),
            users=frozenset(one for one in people if not one.startswith("S")),
            groups=frozenset(one for one in people if one.startswith("S")),
            guests=self.allow_guests,
        )

    @property
    def durations(self) -> Durations:
        """How long things may take."""
        return Durations(**{name: timedelta(seconds=getattr(self, name)) for name in Durations.__struct_fields__})

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret value, for redaction."""
        found = (
            self.slack_bot_token,
            self.slack_signing_secret,
            self.sendblue_api_key_id,
            self.sendblue_api_secret_key,
            self.sendblue_webhook_secret,
            self.callback_secret,
            self.metrics_token,
        )
        values = (secret.get_secret_value() for secret in found)
        password = urlsplit(self.database_url).password
        return tuple(value for value in (*values, *self.callback_secrets, *self.webhook_secrets, password) if value)

    @model_validator(mode="after")
    def _can_work(self) -> Self:
        problems = []
        if self.watch_for <= self.sendblue_timeout:
            problems.append("WATCH_FOR: must be longer than SENDBLUE_TIMEOUT; otherwise no text is followed to its end")
        if self.database_url.startswith("sqlite"):
            problems += self._sqlite_problems()
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _sqlite_problems(self) -> list[str]:
        problems = []
        if not self.web_also_works:
            problems.append("WEB_ALSO_WORKS=false needs PostgreSQL: SQLite serves one process, which must do the work")
        if os.environ.get("DYNO") and not self.allow_ephemeral_sqlite:
            problems.append(
                "DATABASE_URL is SQLite, but a dyno's disk is erased at every restart and messages would be lost: "
                "attach PostgreSQL, or set ALLOW_EPHEMERAL_SQLITE=true to try things out"
            )
        return problems


def load_settings(**overrides: object) -> Settings:
    """Read the settings.

    Raises:
        BadSettings: one line per missing or malformed setting, naming it, without its value.
    """
    file = overrides.get("_env_file", Settings.model_config["env_file"])
    lines = _file_problems(Path(str(file))) if file else []
    if lines:
        raise BadSettings("\n".join(lines))
    if os.environ.get("SLACK_CLIENT_ID") or os.environ.get("SLACK_CLIENT_SECRET"):
        # Bolt would switch on OAuth with a file store behind our back and ignore the token.
        lines.append("SLACK_CLIENT_ID and SLACK_CLIENT_SECRET must not be set: this app uses one bot token")
    urls = ["https://slack.com/api", ANSWERS_URL]
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]
        urls = [settings.slack_api_url, ANSWERS_URL, settings.sendblue_api_url]
    except ValidationError as error:
        lines += [_problem(problem) for problem in error.errors(include_input=False)]
    lines += network_problems(urls)
    if lines:
        raise BadSettings("\n".join(lines)) from None
    return settings


_LARGEST_FILE = 1024 * 1024
"""Bytes."""


def _file_problems(path: Path) -> list[str]:
    """Return what is wrong with the file of settings itself, a sentence each."""
    if not path.exists():
        return []
    if path.is_file() and path.stat().st_size > _LARGEST_FILE:
        return [f"{path}: is too large to be a file of settings"]
    try:
        if not path.is_file():  # a folder; or a pipe, which can be read only once
            raise IsADirectoryError(None, "not a file")
        text = path.read_text("utf-8-sig")
    except UnicodeError:
        return [f"{path}: is not UTF-8 text: save it again as UTF-8"]
    except OSError as error:
        return [f"{path}: cannot be read ({error.strerror}): it must be a file that the user who runs the bot can read"]
    if "\x00" in text:
        return [f"{path}: is not UTF-8 text: save it again as UTF-8"]
    wrong = [binding.original.line for binding in parse_stream(io.StringIO(text)) if binding.error]
    return [f"{path}: line {line} is not NAME=value" for line in wrong]


def _problem(problem: ErrorDetails) -> str:
    place, message = problem["loc"], problem["msg"].removeprefix("Value error, ")
    if not place:
        return message
    name = str(place[0]).upper()
    if problem["type"] == "missing":
        return f"{name} is not set"
    # Only checks of ours raise value errors; what is left was no text at all, such as bytes in another encoding.
    return f"{name}: {message if problem['type'] == 'value_error' else 'is not plain text: set it again'}"
