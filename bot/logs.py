"""structlog: JSON in production, colours at a terminal, and nothing private in either.

We log no numbers, texts or tokens. The redaction is for what slips through all the same, and for what libraries log.
"""

import logging
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_KEPT = (
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"  # a UUID
    r"|(?<![0-9A-Za-z])[0-9a-fA-F]{20,}(?![0-9A-Za-z])"  # the same without dashes, and hashes
    r"|\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"  # ISO 8601
    r"|(?<!\d)\d{10}\.\d{6}(?!\d)"  # Slack's ts
    r"|(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?(?![\d.])"  # an address
)
_GAP = r"(?:%20|[\s()./\u00a0\u2010-\u2015\u200b-\u200f\u2060-]){0,3}"
_NUMBER = re.compile(
    rf"(?P<kept>{_KEPT})"
    rf"|(?:[+＋]|%2[Bb])\d(?:{_GAP}\d){{6,14}}"  # +1 415 555 2671, however it is written
    rf"|(?<![0-9A-Za-z])\(?\d(?:{_GAP}\d){{9,14}}"  # 14155552671, (415) 555-2671, 0049 30 1234567
)
_SLASH = r"(?:\\?/|%2[Ff])"
_TOKEN = re.compile(rf"({_SLASH}sendblue{_SLASH}status{_SLASH}[^/\\%\s\"']+{_SLASH})[^/\\%\s\"'?&]+")
_PRIVATE = {"text", "content", "recipient", "number", "body", "payload", "answer_url", "response_url", "media_url"}
_QUIET = {
    "httpx": logging.WARNING,  # logs whole URLs, and ours have numbers in their queries
    "httpcore": logging.WARNING,
    "apscheduler": logging.WARNING,  # a line per tick
    "apscheduler.executors": logging.CRITICAL,  # jobs that fail are logged as `job_failed`
    "alembic": logging.WARNING,
    "sqlalchemy": logging.WARNING,  # at INFO it prints statements
    "slack_sdk": logging.INFO,  # at DEBUG it prints bodies
    "slack_bolt": logging.INFO,
    "aiohttp": logging.INFO,
    "psycopg": logging.ERROR,  # warns of what we hear of anyway, and repeats what the server says of a row
    "bolt": logging.ERROR,  # the app's own; it warns at every start of what we do on purpose
    "uvicorn.access": logging.CRITICAL,  # its lines hold callback tokens
}


class Redaction:
    """A processor that masks numbers, callback tokens and the configured secrets wherever they stand."""

    def __init__(self, secrets: Sequence[str]) -> None:
        # The longest first: one may begin with another.
        self._secrets = sorted((secret for secret in secrets if len(secret) >= 4), key=len, reverse=True)

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {name: "[private]" if name in _PRIVATE else self.mask(value) for name, value in event.items()}

    def mask(self, value: Any) -> Any:
        if isinstance(value, str):
            for secret in self._secrets:
                value = value.replace(secret, "[secret]")
            return _NUMBER.sub(lambda found: found["kept"] or "[number]", _TOKEN.sub(r"\1[token]", value))
        if isinstance(value, dict):
            return {self.mask(k): "[private]" if k in _PRIVATE else self.mask(item) for k, item in value.items()}
        if isinstance(value, list | tuple | set):
            return [self.mask(item) for item in value]
        if value is None or isinstance(value, bool | float):
            return value
        masked = self.mask(str(value))
        return value if isinstance(value, int) and masked == str(value) else masked


class Sampler:
    """Lets one line a minute pass of each kind that strangers cause at will."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._next: dict[str, float] = {}
        self._left_out: Counter[str] = Counter()

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """Drop an event with `at_will`, or add how many were dropped before it."""
        if event.pop("at_will", False):
            event["refused_since_last"] = self._take(event["event"])
            if event["refused_since_last"] is None:
                raise structlog.DropEvent
        return event

    def filter(self, record: logging.LogRecord) -> bool:
        """Do the same with a library's warnings."""
        left_out = self._take(record.msg) if record.levelno == logging.WARNING else 0
        if left_out:
            record.msg = f"{record.msg} ({left_out} more since the last one)"
        return left_out is not None

    def _take(self, kind: str) -> int | None:
        """Return how many of this kind were left out before this one; None: leave it out, too."""
        now = self._monotonic()
        if now < self._next.get(kind, now):
            self._left_out[kind] += 1
            return None
        self._next[kind] = now + 60
        return self._left_out.pop(kind, 0)


def configure_logs(*, level: str, form: str, secrets: Sequence[str] = ()) -> None:
    """Log everything, ours and the libraries', to standard error. form: "json", "console", or "auto": as fits."""
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        Redaction(secrets),
    ]
    sampler, formatter = Sampler(time.monotonic), structlog.stdlib.ProcessorFormatter
    renderer: Processor = structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[sampler, *shared, formatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),  # what is not written costs next to nothing
    )
    handler = logging.StreamHandler()
    processors = [formatter.remove_processors_meta, renderer]
    handler.setFormatter(formatter(foreign_pre_chain=[_foreign, *shared], processors=processors))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(least, logging.getLevelName(level)))
    logging.getLogger("uvicorn.error").filters[:] = [sampler]  # "Invalid HTTP request received."


def keep_loggers() -> None:
    """Let each logger remember how it was configured, which is faster. Only for a process that serves until its end."""
    structlog.configure(cache_logger_on_first_use=True)


def _foreign(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mark what a library logged: its sentence becomes a field of one event name."""
    event["said"], event["event"] = str(event["event"]), "library"
    return event
