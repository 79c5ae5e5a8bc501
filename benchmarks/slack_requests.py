"""Requests as Slack signs them, as bytes ready to send. A signature holds for five minutes."""

import hmac
import time
from hashlib import sha256

from benchmarks.settings import SIGNING_SECRET


def signed(body: str, kind: str) -> bytes:
    """Return the request that brings this body. kind: its content type."""
    timestamp = str(int(time.time()))
    signature = hmac.new(SIGNING_SECRET.encode(), f"v0:{timestamp}:{body}".encode(), sha256).hexdigest()
    head = (
        "POST /slack/events HTTP/1.1",
        "host: 127.0.0.1",
        "user-agent: Slackbot 1.0 (+https://api.slack.com/robots)",
        "accept: application/json,*/*",
        f"content-type: {kind}",
        f"x-slack-request-timestamp: {timestamp}",
        f"x-slack-signature: v0={signature}",
        f"content-length: {len(body)}",
    )
    return "\r\n".join((*head, "", body)).encode()
