"""Signed slash commands, as bytes ready to send."""

import hmac
import itertools
import time
from collections.abc import Iterator
from hashlib import sha256
from urllib.parse import urlencode

from benchmarks.settings import CHANNEL, SIGNING_SECRET

_CUSTOMERS = 500
_gestures = itertools.count(1)


def commands(count: int) -> Iterator[bytes]:
    """Return that many commands, each a gesture of its own. Slack's signature on them holds for five minutes."""
    return iter([_command(next(_gestures)) for _ in range(count)])


def _command(gesture: int) -> bytes:
    fields = {
        "token": "verification-token-of-old",
        "team_id": "T0BENCH",
        "team_domain": "bench",
        "channel_id": CHANNEL,
        "channel_name": "general",
        "user_id": "U0BENCH",
        "user_name": "ada",
        "command": "/imessage",
        "text": f"+1 415 555 2{gesture % _CUSTOMERS:03} Your table for two is ready at eight. See you soon!",
        "api_app_id": "A0BENCH",
        "is_enterprise_install": "false",
        "response_url": "http://127.0.0.1:9/commands/T0BENCH/1/x",
        "trigger_id": f"{gesture}.5551234567.bench",
    }
    body, timestamp = urlencode(fields), str(int(time.time()))
    signature = hmac.new(SIGNING_SECRET.encode(), f"v0:{timestamp}:{body}".encode(), sha256).hexdigest()
    head = (
        "POST /slack/events HTTP/1.1",
        "host: 127.0.0.1",
        "user-agent: Slackbot 1.0 (+https://api.slack.com/robots)",
        "accept: application/json,*/*",
        "content-type: application/x-www-form-urlencoded",
        f"x-slack-request-timestamp: {timestamp}",
        f"x-slack-signature: v0={signature}",
        f"content-length: {len(body)}",
    )
    return "\r\n".join((*head, "", body)).encode()
