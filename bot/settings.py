"""Every setting, once. Read from the environment or `.env`; see the table in README.md."""

import io
import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import unquote, urlsplit

from dotenv.parser import parse_stream
from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot import setting_types as kinds
from bot.domain.number import in_e164
from bot.domain.rules import Durations, Rules
from bot.errors import BadSettings
from bot.network import network_problems

ANSWERS_URL = "https://hooks.slack.com"  # where Slack takes private answers to commands and clicks


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

    slack_bot_token: kinds.Token
    slack_signing_secret: kinds.Secret
    slack_api_url: kinds.Url = "https://slack.com/api"
    sendblue_api_key_id: kinds.Key
    sendblue_api_secret_key: kinds.Key
    sendblue_from_number: kinds.Lines
    sendblue_api_url: kinds.Url = "https://api.sendblue.co"
    sendblue_webhook_secret: kinds.OptionalSecret = SecretStr("")
    public_url: kinds.PublicUrl
    callback_secret: kinds.Secret
    database_url: Annotated[kinds.DatabaseUrl, Field(repr=False)] = "sqlite:///bluethread.db"
    allow_ephemeral_sqlite: kinds.Flag = False
    database_pool_size: Annotated[int, kinds.number(1, 100, whole=True)] = 4
    database_statement_timeout: Annotated[float, kinds.seconds(0.1)] = 5
    web_also_works: kinds.Flag = True
    host: str = "0.0.0.0"  # noqa: S104 - the router of a Heroku-style host connects from outside
    port: Annotated[int, kinds.number(0, 65535, whole=True)] = 3000
    default_region: kinds.Region = "US"
    repoll_interval: Annotated[float, kinds.seconds(0.05)] = 30
    stale_after: Annotated[float, kinds.seconds(0.1)] = 120
    watch_for: Annotated[float, kinds.seconds(1)] = 86400
    doubt_window: Annotated[float, kinds.seconds(0.1)] = 600
    send_within: Annotated[float, kinds.seconds(1)] = 3600
    sendblue_timeout: Annotated[float, kinds.seconds(0.5)] = 30
    keep_text_for: Annotated[float, kinds.seconds(0.01)] = 30 * 86400
    keep_history_for: Annotated[float, kinds.seconds(0.01)] = 365 * 86400
    allowed_channels: Annotated[str, kinds.ids("CGD")] = ""
    allowed_users: Annotated[str, kinds.ids("UWS")] = ""
    allow_guests: kinds.Flag = False
    inbox_channel: Annotated[str, kinds.ids("CGDU", one=True)] = ""
    thread_replies: Annotated[str, kinds.one_of("ask", "send", "mention")] = "ask"
    held_for: Annotated[float, kinds.seconds(1)] = 600
    new_thread_after: Annotated[float, kinds.seconds(0)] = 7 * 86400
    catch_up_interval: Annotated[float, kinds.seconds(0.5)] = 60
    largest_file_in: Annotated[float, kinds.number(0.001, 1000)] = 100
    largest_file_out: Annotated[float, kinds.number(0.001, 100)] = 100
    files_at_once: Annotated[int, kinds.number(1, 100, whole=True)] = 4
    files_on_disk: Annotated[float, kinds.number(0.001, 1_000_000)] = 1000
    files_from_anywhere: kinds.Flag = False
    alert_channel: Annotated[str, kinds.ids("CGDU", one=True)] = ""
    metrics_token: kinds.OptionalKey = SecretStr("")
    slack_post_interval: kinds.Pace = 1.0
    sendblue_send_interval: kinds.Pace = 1.0
    log_level: Annotated[str, kinds.one_of("DEBUG", "INFO", "WARNING", "ERROR")] = "INFO"
    log_format: Annotated[str, kinds.one_of("json", "console", "auto")] = "auto"

    @property
    def lines(self) -> tuple[str, ...]:
        """Our lines in E.164, the default one first."""
        return tuple(number for line in kinds.listed(self.sendblue_from_number) if (number := in_e164(line)))

    @property
    def callback_secrets(self) -> tuple[str, ...]:
        """The newest first; separated by commas while one is being replaced by another."""
        return kinds.listed(self.callback_secret.get_secret_value())

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The account webhook's, the newest first; none: it has no route, and a callback's header is ignored."""
        return kinds.listed(self.sendblue_webhook_secret.get_secret_value())

    @property
    def inbox(self) -> str:
        """The channel for what customers say where they have no thread; "": none."""
        return self.inbox_channel or self.alert_channel

    @property
    def file_sizes(self) -> tuple[int, int, int]:
        """In bytes: how large a customer's file may be, one to a customer, and all of them together on the disk."""
        megabytes = (self.largest_file_in, self.largest_file_out, self.files_on_disk)
        into, out, on_disk = (round(each * 1_000_000) for each in megabytes)
        return into, out, on_disk

    @property
    def rules(self) -> Rules:
        channels, people = frozenset(kinds.listed(self.allowed_channels)), frozenset(kinds.listed(self.allowed_users))
        groups = frozenset(one for one in people if one.startswith("S"))
        return Rules(channels=channels, users=people - groups, groups=groups, guests=self.allow_guests)

    @property
    def durations(self) -> Durations:
        return Durations(**{name: timedelta(seconds=getattr(self, name)) for name in Durations.__struct_fields__})

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret value, for redaction."""
        values = [value.get_secret_value() for _, value in self if isinstance(value, SecretStr)]
        password = urlsplit(self.database_url).password or ""
        values += [*self.callback_secrets, *self.webhook_secrets, password, unquote(password)]
        return tuple(filter(None, values))

    @model_validator(mode="after")
    def _can_work(self) -> Self:
        short = self.watch_for <= self.sendblue_timeout
        sqlite = self.database_url.startswith("sqlite")
        alone = sqlite and not self.web_also_works
        erased = sqlite and os.environ.get("DYNO") and not self.allow_ephemeral_sqlite
        problems = {
            "WATCH_FOR: must be longer than SENDBLUE_TIMEOUT; otherwise no text is followed to its end": short,
            "WEB_ALSO_WORKS=false needs PostgreSQL: SQLite serves one process, which must do the work": alone,
            "DATABASE_URL is SQLite, but a dyno's disk is erased at every restart and messages would be lost: "
            "attach PostgreSQL, or set ALLOW_EPHEMERAL_SQLITE=true to try things out": erased,
        }
        if any(problems.values()):
            raise ValueError("\n".join(problem for problem, wrong in problems.items() if wrong))
        return self


def load_settings(**overrides: object) -> Settings:
    """Read the settings. Raises BadSettings: a line per missing or malformed one, naming it, without its value."""
    file = overrides.get("_env_file", Settings.model_config["env_file"])
    if file and (lines := _file_problems(Path(str(file)))):
        raise BadSettings("\n".join(lines))
    lines = []
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


def _file_problems(path: Path) -> list[str]:
    if not path.exists():
        return []
    try:
        if not path.is_file():  # a folder; or a pipe, which can be read only once
            raise IsADirectoryError(None, "not a file")
        if path.stat().st_size > 1024 * 1024:
            return [f"{path}: is too large to be a file of settings"]
        text = path.read_text("utf-8-sig")
    except UnicodeError:
        text = "\x00"
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
