"""Every setting, once. Read from the environment or `.env`; see the table in README.md."""

import os
import re
from collections.abc import Callable
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

import phonenumbers
from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.domain.rules import Rules
from bot.errors import BadSettings


def _secret(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().strip(", \t\n"):
        raise ValueError("is empty")
    return value


def _url(value: str) -> str:
    parts = urlsplit(value)
    try:
        callable_at = parts.hostname and parts.port != 0 and not re.search(r"\s", value)
    except ValueError:  # a port that is none
        callable_at = False
    if parts.scheme not in ("http", "https") or not callable_at or parts.query or parts.fragment:
        raise ValueError("must be an http(s) URL without a query, such as https://bot.example.com")
    return value.rstrip("/")


def _lines(value: str) -> str:
    for line in value.split(","):
        try:
            number = phonenumbers.parse(line.strip(), None)
        except phonenumbers.NumberParseException:
            number = None
        if number is None or not phonenumbers.is_possible_number(number):
            raise ValueError("must be E.164, such as +15550100900 (several: separated by commas)")
    return value


def _database(value: str) -> str:
    if not value.startswith(("sqlite:///", "postgres://", "postgresql://", "postgresql+psycopg://")):
        raise ValueError("must be like sqlite:///bluethread.db or postgres://user:password@host/name")
    return value


def _region(value: str) -> str:
    if value.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("must be a two-letter country code, such as US")
    return value.upper()


def _ids(kinds: str, *, one: bool = False) -> Callable[[str], str]:
    def check(value: str) -> str:
        found = _listed(value) if not one else (value,) if value else ()
        if not all(re.fullmatch(rf"[{kinds}][A-Z0-9]{{2,30}}", each) for each in found):
            begin = " or ".join(kinds)
            many = f"Slack ids that begin with {begin}, separated by commas"
            raise ValueError(f"must be {f'one Slack id that begins with {begin}' if one else many}")
        return value

    return check


def _listed(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


Secret = Annotated[SecretStr, AfterValidator(_secret)]
Url = Annotated[str, AfterValidator(_url)]
_YEARS = 10 * 366 * 86400.0
Seconds = Annotated[float, Field(gt=0, le=_YEARS, allow_inf_nan=False)]
Interval = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]


class Settings(BaseSettings):
    """All durations are seconds. A missing or malformed setting stops the start with one line per problem."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,  # or secrets would stand in error messages
        str_strip_whitespace=True,
    )

    slack_bot_token: Secret
    slack_signing_secret: Secret
    slack_api_url: Url = "https://slack.com/api"
    sendblue_api_key_id: Secret
    sendblue_api_secret_key: Secret
    sendblue_from_number: Annotated[str, AfterValidator(_lines)]
    sendblue_api_url: Url = "https://api.sendblue.co"
    sendblue_webhook_secret: SecretStr = SecretStr("")
    public_url: Url
    callback_secret: Secret
    database_url: Annotated[str, AfterValidator(_database), Field(repr=False)] = "sqlite:///bluethread.db"
    allow_ephemeral_sqlite: bool = False
    database_pool_size: Annotated[int, Field(ge=1, le=100)] = 4
    database_statement_timeout: Seconds = 5
    web_also_works: bool = True
    host: str = "0.0.0.0"  # noqa: S104 - the router of a Heroku-style host connects from outside
    port: Annotated[int, Field(ge=0, le=65535)] = 3000
    default_region: Annotated[str, AfterValidator(_region)] = "US"
    repoll_interval: Seconds = 30
    stale_after: Seconds = 120
    watch_for: Seconds = 86400
    doubt_window: Seconds = 600
    send_within: Seconds = 3600
    sendblue_timeout: Seconds = 30
    keep_text_for: Seconds = 30 * 86400
    allowed_channels: Annotated[str, AfterValidator(_ids("CGD"))] = ""
    allowed_users: Annotated[str, AfterValidator(_ids("UWS"))] = ""
    allow_guests: bool = False
    alert_channel: Annotated[str, AfterValidator(_ids("CGDU", one=True))] = ""
    metrics_token: SecretStr = SecretStr("")
    slack_post_interval: Interval = 1.0
    sendblue_send_interval: Interval = 1.0
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console", "auto"] = "auto"

    @property
    def lines(self) -> tuple[str, ...]:
        """Our lines in E.164, the default one first."""
        numbers = (phonenumbers.parse(line.strip(), None) for line in self.sendblue_from_number.split(","))
        return tuple(phonenumbers.format_number(n, phonenumbers.PhoneNumberFormat.E164) for n in numbers)

    @property
    def callback_secrets(self) -> tuple[str, ...]:
        """The newest first; separated by commas while one is being replaced by another."""
        return _listed(self.callback_secret.get_secret_value())

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The account webhook's secrets, the newest first; none: it has no door, and a callback's header is ignored."""
        return _listed(self.sendblue_webhook_secret.get_secret_value())

    @property
    def rules(self) -> Rules:
        """Who may text, and from where."""
        people = _listed(self.allowed_users)
        return Rules(
            channels=frozenset(_listed(self.allowed_channels)),
            users=frozenset(one for one in people if not one.startswith("S")),
            groups=frozenset(one for one in people if one.startswith("S")),
            guests=self.allow_guests,
        )

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
        if not self.database_url.startswith("sqlite"):
            return self
        problems = []
        if not self.web_also_works:
            problems.append("WEB_ALSO_WORKS=false needs PostgreSQL: SQLite serves one process, which must do the work")
        if os.environ.get("DYNO") and not self.allow_ephemeral_sqlite:
            problems.append(
                "DATABASE_URL is SQLite, but a dyno's disk is wiped at every restart and messages would be lost: "
                "attach PostgreSQL, or set ALLOW_EPHEMERAL_SQLITE=true to try things out"
            )
        if problems:
            raise ValueError("\n".join(problems))
        return self


def load_settings(**overrides: object) -> Settings:
    """Read the settings.

    Raises:
        BadSettings: one line per missing or malformed setting, naming it, without its value.
    """
    lines = []
    if os.environ.get("SLACK_CLIENT_ID") and os.environ.get("SLACK_CLIENT_SECRET"):
        # Bolt would switch on OAuth with a file store behind our back and ignore the token.
        lines.append("SLACK_CLIENT_ID and SLACK_CLIENT_SECRET must not be set: this app uses one bot token")
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        lines += [_problem(problem["loc"], problem["msg"]) for problem in error.errors(include_input=False)]
    if lines:
        raise BadSettings("\n".join(lines)) from None
    return settings


def _problem(place: tuple[int | str, ...], message: str) -> str:
    message = message.removeprefix("Value error, ")
    if not place:
        return message
    name = str(place[0]).upper()
    return f"{name} is not set" if message == "Field required" else f"{name}: {message}"
