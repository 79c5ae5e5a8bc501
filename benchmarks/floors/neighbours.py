"""Slack and Sendblue at once, answering immediately: never the bottleneck, and remembering when they were called.

`GET /calls` returns what was called since the last such question: [time.monotonic(), path, channel, thread]; of a text
to a customer their number instead of a thread.
The list of what came in has INBOUND messages, all of the last hour.
"""

import itertools
import json
import os
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from benchmarks.inbound_requests import CUSTOMERS, record

_calls: list[tuple[float, str, str, str]] = []
_numbers = itertools.count(1)
_INBOUND = int(os.environ.get("INBOUND", "0"))
_PAGE = 100  # whatever is asked for, as where Sendblue does not know `limit`: or ten thousand would take five minutes
_began = datetime.now(UTC) - timedelta(hours=1)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer whatever the bot asks."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    called, path = time.monotonic(), scope["path"]
    body = b""
    while (event := await receive())["type"] == "http.request":
        body += event["body"]
        if not event["more_body"]:
            break
    if path == "/calls":
        answer: Any = list(_calls)
        _calls.clear()
    else:
        asked = _asked(body)
        place = asked.get("thread_ts", asked.get("number", ""))
        _calls.append((called, path, str(asked.get("channel", "")), str(place)))
        answer = _answer(path, scope["query_string"].decode(), asked)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


async def _live(receive: Receive, send: Send) -> None:
    while (event := await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": f"{event['type']}.complete"})


def _asked(body: bytes) -> dict[str, Any]:
    try:
        asked: dict[str, Any] = json.loads(body)
    except ValueError:
        asked = {}
    return asked


def _answer(path: str, query: str, asked: dict[str, Any]) -> dict[str, Any]:
    if path == "/api/send-message":
        return {"status": "QUEUED", "message_handle": f"sent-{next(_numbers)}", "error_code": None}
    if path == "/api/status":
        return {"status": "SENT", "message_handle": query.partition("handle=")[2].partition("&")[0]}
    if path == "/api/v2/messages":
        return _page(int(parse_qs(query)["offset"][0]))
    if path.startswith("/api/v2/messages/"):
        handle = path.rpartition("/")[2]
        return {"status": "OK", "data": {"status": "SENT", "message_handle": handle, "service": "iMessage"}}
    ts = f"{1_700_000_000 + next(_numbers)}.000100"
    user = {"id": "U0BENCH", "team_id": "T0BENCH"}
    return {"ok": True, "channel": asked.get("channel", ""), "ts": asked.get("ts", ts), "user": user}


def _page(offset: int) -> dict[str, Any]:
    """Return a page of the list, oldest first."""
    end = min(offset + _PAGE, _INBOUND)
    found = [
        record(number, number % CUSTOMERS, written_at=_began + timedelta(milliseconds=100 * number))
        for number in range(offset, end)
    ]
    return {"status": "OK", "data": found, "pagination": {"offset": offset, "hasMore": end < _INBOUND}}
