"""What Sendblue says of our account, and what we register there. Pure. Sources: Sendblue's CLI (lines) and SDK."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from bot.sendblue.wire import json_object, part_of

OUTBOUND = "outbound"  # the type of webhook that hears what became of every text


@dataclass(frozen=True, slots=True)
class Hook:
    """One registered webhook. secret: its own, or else the account's; "" when it has none."""

    kind: str
    url: str
    secret: str = field(repr=False)


def parse_lines(body: bytes) -> list[str]:
    """Read `GET /api/lines`. Raises UnreadableReport: not the documented shape."""
    return [number for number in part_of(json_object(body), "numbers", list) if isinstance(number, str)]


def parse_line_states(body: bytes) -> dict[str, str]:
    """Read `GET /api/v2/lines/state`: line → ONLINE, OFFLINE, DEGRADED or another word. Raises as `parse_lines`."""
    items = [item for item in part_of(json_object(body), "data", list) if isinstance(item, dict)]
    found = [(item.get("sendblue_number"), item.get("status")) for item in items]
    return {line: str(state).upper() for line, state in found if isinstance(line, str)}


def parse_webhooks(body: bytes) -> list[Hook]:
    """Read `GET /api/account/webhooks`. Raises as `parse_lines`."""
    by_kind = part_of(json_object(body), "webhooks", dict)
    shared = by_kind.get("globalSecret")  # a text among lists
    found = []
    for kind, hooks in by_kind.items():
        for hook in hooks if isinstance(hooks, list) else ():
            fields = hook if isinstance(hook, dict) else {"url": hook}
            if isinstance(fields.get("url"), str):
                secret = fields.get("secret") or shared
                found.append(Hook(kind, fields["url"], secret if isinstance(secret, str) else ""))
    return found


def registration(url: str, secret: str) -> dict[str, Any]:
    """Return the body of `POST /api/account/webhooks` for news of every text. The account's own secret stays."""
    return {"type": OUTBOUND, "webhooks": [{"url": url, "secret": secret}]}


def same_place(one: str, other: str) -> bool:
    """Whether two URLs lead to the same place. Sendblue calls `http://` as https."""
    try:
        return _place(one) == _place(other)
    except ValueError:
        return False


def _place(url: str) -> tuple[object, ...]:
    parts = urlsplit(url.strip())
    port = None if parts.port in (80, 443) else parts.port
    return parts.hostname, port, parts.path.rstrip("/"), parts.query


def same_line(one: str, other: str) -> bool:
    """Whether two spellings are one number."""
    return re.sub(r"\D", "", one) == re.sub(r"\D", "", other)
