"""Signed slash commands, as bytes ready to send."""

import itertools
from collections.abc import Iterator
from urllib.parse import urlencode

from benchmarks.settings import CHANNEL
from benchmarks.slack_requests import signed

_CUSTOMERS = 500
_gestures = itertools.count(1)


def commands(count: int, channel: str = CHANNEL, user: str = "U0BENCH") -> Iterator[bytes]:
    """Return that many commands, each a gesture of its own."""
    return iter([_command(next(_gestures), channel, user) for _ in range(count)])


def _command(gesture: int, channel: str, user: str) -> bytes:
    fields = {
        "token": "verification-token-of-old",
        "team_id": "T0BENCH",
        "team_domain": "bench",
        "channel_id": channel,
        "channel_name": "general",
        "user_id": user,
        "user_name": "ada",
        "command": "/imessage",
        "text": f"+1 415 555 2{gesture % _CUSTOMERS:03} Your table for two is ready at eight. See you soon!",
        "api_app_id": "A0BENCH",
        "is_enterprise_install": "false",
        "response_url": "http://127.0.0.1:9/commands/T0BENCH/1/x",
        "trigger_id": f"{gesture}.5551234567.bench",
    }
    return signed(urlencode(fields), "application/x-www-form-urlencoded")
