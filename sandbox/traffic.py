"""What a request looked like, for people: short, readable, and without any key or token in it."""

import json
import re
import time
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

Json: TypeAlias = dict[str, Any]

LONGEST = 2000
"""Characters of a body kept for the log."""

_HIDDEN = "•••"
_PATTERNS = (
    re.compile(r"(?P<keep>/sendblue/status/[^/\s\"]+/)[^/\s\"?&]+"),
    re.compile(r"(?P<keep>/response/|/upload/v1/)[A-Za-z0-9_-]+"),
    re.compile(r"(?P<keep>Bearer )\S+"),
    re.compile(r"(?P<keep>xox[a-z]-)[\w-]+"),
    re.compile(r"(?P<keep>\"(?:token|secret|globalSecret)\": \")[^\"]+"),
)


@dataclass(slots=True)
class ApiCall:
    """One request that came in: what was asked and what it was told.

    `status` is 0 while the request is held, and stays 0 when its connection was dropped.
    """

    method: str
    params: Json
    status: int = 0
    answer: Json | str | None = None
    at: float = field(default_factory=time.time)


@dataclass(slots=True)
class Exchange:
    """One HTTP request between two of the three parties. `at` in unix seconds, `ms` until the answer."""

    id: int
    sender: str
    to: str
    method: str
    path: str
    request: str
    at: float = field(default_factory=time.time)
    begun: float = field(default_factory=time.perf_counter)
    status: int | None = None
    ms: float | None = None
    response: str | None = None
    note: str = ""

    def finish(self, status: int | None, response: str, note: str) -> None:
        """Note the answer and how long it took."""
        self.status, self.response, self.note = status, response, note
        self.ms = round((time.perf_counter() - self.begun) * 1000, 1)

    def row(self) -> Json:
        """Return the row as the page reads it (`from` is no Python name)."""
        return {
            "id": self.id,
            "at": self.at,
            "from": self.sender,
            "to": self.to,
            "method": self.method,
            "path": self.path,
            "status": self.status,
            "ms": self.ms,
            "request": self.request,
            "response": self.response,
            "note": self.note,
        }


def masked(text: str, secrets: frozenset[str] = frozenset()) -> str:
    """Return `text` without callback tokens, bearer tokens, response URLs, upload URLs and the given secrets."""
    for secret in secrets:
        text = text.replace(secret, _HIDDEN)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<keep>{_HIDDEN}", text)
    return text


def pretty(body: object) -> str:
    """Return a body as a person would want to read it: JSON indented, forms one field a line."""
    if isinstance(body, bytes):
        body = body.decode("utf-8", "replace")
    if isinstance(body, str):
        body = _decoded(body)
    shown = body if isinstance(body, str) else json.dumps(body, indent=2, ensure_ascii=False, default=str)
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}… ({len(shown)} characters)"


def form_fields(body: str) -> Json:
    """Return the fields of a form body, with the JSON of Slack's `payload` field unpacked."""
    fields: Json = dict(parse_qsl(body, keep_blank_values=True))
    if isinstance(fields.get("payload"), str):
        fields["payload"] = _decoded(fields["payload"])
    return fields


def _decoded(text: str) -> object:
    if not text.startswith(("{", "[")):
        return text
    try:
        decoded: object = json.loads(text)
    except ValueError:
        return text
    return decoded
