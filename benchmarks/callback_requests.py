"""Sendblue's status callbacks about seeded sends, as bytes ready to send."""

import json
from collections.abc import Iterable, Iterator
from uuid import UUID

from benchmarks.settings import CALLBACK_SECRET, LINE
from bot.sendblue.tokens import CallbackTokens

EPOCH = 1_795_000_000_000  # milliseconds: November 2026
ROOTS = 1_795_000_000  # seconds
STATUSES = ("QUEUED", "SENT", "DELIVERED", "READ")
_tokens = CallbackTokens("", [CALLBACK_SECRET])


def send_id(number: int) -> UUID:
    """Return the id of the seeded send with that number (from 0), which is its thread's id, too.

    As the bot's own do, ids rise with time: one is made each millisecond.
    """
    return UUID(f"{EPOCH + number:012x}7{number:019x}")


def root_ts(number: int) -> str:
    """Return the ts of the root of a seeded send's thread."""
    return f"{ROOTS + number}.000100"


def handle(number: int) -> str:
    """Return Sendblue's name for a seeded send."""
    return f"handle-{number}"


def channel_of(handle: str, channels: int) -> str:
    """Return the channel in which a seeded message's thread stands."""
    return f"C{int(handle.rpartition('-')[2]) % channels}"


def callbacks(numbers: Iterable[int], statuses: Iterable[str] = STATUSES) -> Iterator[bytes]:
    """Return for each send all statuses, in their order."""
    words = tuple(statuses)
    return (callback(number, word) for number in numbers for word in words)


def callback(number: int, status: str) -> bytes:
    """Return one callback as Sendblue sends it."""
    fields = {
        "accountEmail": "bench@example.com",
        "content": "Your table for two is ready at eight. See you soon!",
        "is_outbound": True,
        "status": status,
        "error_code": None,
        "error_message": None,
        "error_reason": None,
        "message_handle": handle(number),
        "date_sent": "2026-11-21T20:00:00.000Z",
        "date_updated": "2026-11-21T20:00:01.000Z",
        "from_number": LINE,
        "number": "+14155552671",
        "to_number": "+14155552671",
        "was_downgraded": False,
        "plan": "dedicated",
        "media_url": "",
        "message_type": "message",
        "group_id": "",
        "participants": [],
        "send_style": "",
        "opted_out": False,
        "service": "iMessage",
    }
    body = json.dumps(fields)
    path = _tokens.url(send_id(number))
    head = (
        f"POST {path} HTTP/1.1",
        "host: 127.0.0.1",
        "accept: application/json",
        "content-type: application/json",
        f"content-length: {len(body)}",
    )
    return "\r\n".join((*head, "", body)).encode()
