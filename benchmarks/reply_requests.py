"""What people type in the threads of seeded sends: Slack's events, as bytes ready to send."""

import itertools
import json
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from benchmarks.callback_requests import channel_of, handle, root_ts
from benchmarks.inbound_requests import CUSTOMERS
from benchmarks.settings import LINE
from benchmarks.slack_requests import signed
from bot.domain.rules import Replies
from bot.storage.held import Terms

TEXT = "Eight works. The table by the window is yours, see you then!"
NOTE = "! They like the table by the window."
SPANS = timedelta(minutes=10), timedelta(hours=1), timedelta(days=7)
TERMS = Terms((LINE,), Replies.SEND, *SPANS, longest=18_000, largest_file=100_000_000)
_gestures = itertools.count(1)


def replies(count: int, text: str = TEXT, *, threads: int = CUSTOMERS, channels: int = 1) -> Iterator[bytes]:
    """Return that many replies, each a gesture of its own, typed just now. threads: in which they are typed in turn."""
    return iter([_told(event(number % threads, text, channels=channels)) for number in range(count)])


def event(thread: int, text: str, *, channels: int = 1) -> Mapping[str, Any]:
    """Return the event of a reply that somebody typed just now. thread: the number of the send that it belongs to."""
    gesture = next(_gestures)
    ts = f"{time.time() + gesture / 1e6:.6f}"  # no other's
    written = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {
        "type": "message",
        "channel": channel_of(handle(thread), channels),
        "channel_type": "channel",
        "user": "U0BENCH",
        "team": "T0BENCH",
        "ts": ts,
        "thread_ts": root_ts(thread),
        "parent_user_id": "U0BOT",
        "client_msg_id": f"5d5c7f6e-0000-4000-8000-{gesture:012}",
        "event_ts": ts,
        "text": text,
        "blocks": [{"type": "rich_text", "block_id": "b1", "elements": [written]}],
    }


def _told(told: Mapping[str, Any]) -> bytes:
    ours = {"team_id": "T0BENCH", "user_id": "U0BOT", "is_bot": True, "is_enterprise_install": False}
    fields = {
        "token": "verification-token-of-old",
        "team_id": "T0BENCH",
        "context_team_id": "T0BENCH",
        "api_app_id": "A0BENCH",
        "event": told,
        "type": "event_callback",
        "event_id": f"Ev{told['client_msg_id'][-10:]}",
        "event_time": int(float(told["ts"])),
        "authorizations": [ours],
        "is_ext_shared_channel": False,
        "event_context": "4-bench",
    }
    return signed(json.dumps(fields), "application/json")
