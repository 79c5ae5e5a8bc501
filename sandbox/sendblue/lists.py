"""GET /api/v2/messages: filters, order and pages. Pure.

Source: OpenAPI specification of the message list. Parameters it does not know are ignored.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from sandbox.sendblue.faults import SendblueFaults
from sandbox.sendblue.records import ACCOUNT, PhoneMessage, request_error
from sandbox.traffic import Json

LARGEST_PAGE = 1000
DEFAULT_PAGE = 50

_Field = Callable[[PhoneMessage], object]

_EXACT: Mapping[str, _Field] = {
    "from_number": lambda message: message.from_number,
    "to_number": lambda message: message.number if message.outbound else message.line,
    "sendblue_number": lambda message: message.line,
    "is_outbound": lambda message: str(message.outbound).lower(),
    "service": lambda message: message.service,
    "status": lambda message: message.status,
    "message_type": lambda _message: "message",
    "group_id": lambda message: message.group_id,
    "account_email": lambda _message: ACCOUNT,
}
_TIMES: Mapping[str, Callable[[PhoneMessage], float]] = {
    "created_at": lambda message: message.at,
    "updated_at": lambda message: message.updated_at,
    "sent_at": lambda message: message.at,
}
_CAMEL = {"created_at": "createdAt", "updated_at": "updatedAt", "sent_at": "sentAt"}


def page(messages: Iterable[PhoneMessage], asked: Mapping[str, str], faults: SendblueFaults) -> Json:
    """Return one page of what was asked for, in the way the faults say.

    Raises:
        SendblueRefusalError: HTTP 400 for a parameter that cannot be read.
    """
    times = _times(faults)
    found = _ordered([message for message in messages if _fits(message, asked, times)], asked, faults)
    limit, offset = _limit(asked, faults), 0 if faults.list_offset_ignored else _count(asked, "offset", 0)
    shown = found[offset : offset + limit]
    answer: Json = {"status": "OK", "data": [message.body() for message in shown]}
    if not faults.list_bare:
        more = offset + limit < len(found)
        answer["pagination"] = {"total": len(found), "limit": limit, "offset": offset, "hasMore": more}
    return answer


def _times(faults: SendblueFaults) -> Mapping[str, Callable[[PhoneMessage], float]]:
    return {**_TIMES, "created_at": _handed_over} if faults.list_by_send_time else _TIMES


def _handed_over(message: PhoneMessage) -> float:
    return -math.inf if message.sent_at is None else message.sent_at


def _ordered(found: list[PhoneMessage], asked: Mapping[str, str], faults: SendblueFaults) -> list[PhoneMessage]:
    orders = {name if faults.list_spelling == "snake" else _CAMEL[name]: of for name, of in _times(faults).items()}
    order = orders.get(asked["order_by"]) if "order_by" in asked else _times(faults)["created_at"]
    direction = asked.get("order_direction", "desc")
    if order is None or direction not in ("asc", "desc"):
        raise request_error("order_by or order_direction is not one of the allowed values")
    if faults.list_unordered:
        return sorted(found, key=lambda message: message.handle)
    return sorted(found, key=order, reverse=direction == "desc" or faults.list_newest_first)


def _limit(asked: Mapping[str, str], faults: SendblueFaults) -> int:
    most = faults.list_cap or LARGEST_PAGE
    limit = _count(asked, "limit", min(DEFAULT_PAGE, most))
    if limit < 1 or (limit > most and (faults.list_cap_refused or not faults.list_cap)):
        raise request_error(f"limit must be between 1 and {most}")
    return min(limit, most)


def _fits(
    message: PhoneMessage, asked: Mapping[str, str], times: Mapping[str, Callable[[PhoneMessage], float]]
) -> bool:
    if "number" in asked and asked["number"] not in (message.number, message.from_number, message.line):
        return False
    if any(name in asked and str(of(message)) != asked[name] for name, of in _EXACT.items()):
        return False
    for name, of in times.items():
        at = of(message)
        if f"{name}_gte" in asked and at < _moment(asked, f"{name}_gte"):
            return False
        if f"{name}_lte" in asked and at > _moment(asked, f"{name}_lte"):
            return False
    return True


def _moment(asked: Mapping[str, str], name: str) -> float:
    """Return an ISO 8601 time as unix seconds; one without a zone is UTC."""
    try:
        moment = datetime.fromisoformat(asked[name])
    except ValueError:
        raise request_error(f"{name} must be an ISO 8601 date") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _count(asked: Mapping[str, str], name: str, default: int) -> int:
    text = asked.get(name, str(default))
    if not text.isdecimal():
        raise request_error(f"{name} must be a whole number")
    return int(text)
