"""What seeded customers write: records as Sendblue has them, in its webhook and in its list."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from benchmarks.settings import LINE, WEBHOOK_SECRET

CUSTOMERS = 500  # who write in turn: as many as a team may well talk with


def customer(number: int) -> str:
    """Return whom the seeded conversation with that number (from 0) is with."""
    return f"+1415{number:07}"


def record(number: int, customer_number: int, *, written_at: datetime) -> Mapping[str, object]:
    """Return Sendblue's record of a message. number: of all that is written, from 0."""
    sender, at = customer(customer_number), written_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "message_handle": f"in-{number}",
        "is_outbound": False,
        "status": "RECEIVED",
        "service": "iMessage",
        "content": "Eight works, thank you. Could we have the table by the window?",
        "from_number": sender,
        "number": sender,
        "to_number": LINE,
        "sendblue_number": LINE,
        "media_url": "",
        "message_type": "message",
        "group_id": "",
        "group_display_name": "",
        "participants": [],
        "send_style": "",
        "opted_out": False,
        "was_downgraded": None,
        "error_code": None,
        "error_message": None,
        "error_reason": None,
        "error_detail": None,
        "plan": "dedicated",
        "accountEmail": "bench@example.com",
        "date_sent": at,
        "date_updated": at,
    }


def webhooks(first: int, end: int, *, customers: int = CUSTOMERS) -> Iterator[bytes]:
    """Return these messages, each as Sendblue posts it. customers: who write in turn."""
    for number in range(first, end):
        yield _webhook(record(number, number % customers, written_at=datetime.now(UTC)))


def _webhook(fields: Mapping[str, object]) -> bytes:
    body = json.dumps(fields)
    head = (
        "POST /sendblue/webhook HTTP/1.1",
        "host: 127.0.0.1",
        "accept: application/json",
        "content-type: application/json",
        f"sb-signing-secret: {WEBHOOK_SECRET}",
        f"content-length: {len(body)}",
    )
    return "\r\n".join((*head, "", body)).encode()
