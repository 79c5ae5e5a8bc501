"""GET /api/v2/messages: filters, order and pages. Pure.

Source: OpenAPI specification of the message list. Parameters it does not know are ignored.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

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
    "group_id": lambda _message: "",
    "account_email": lambda _message: ACCOUNT,
}
_TIMES: Mapping[str, Callable[[PhoneMessage], float]] = {
    "created_at": lambda message: message.at,
    "updated_at": lambda message: message.updated_at,
    "sent_at": lambda message: message.at,
}
_ORDERS: Mapping[str, Callable[[PhoneMessage], float]] = {
    "createdAt": _TIMES["created_at"],
    "updatedAt": _TIMES["updated_at"],
    "sentAt": _TIMES["sent_at"],
}


def page(messages: Iterable[PhoneMessage], asked: Mapping[str, str]) -> Json:
    """Return one page of what was asked for.

    Raises:
        SendblueRefusalError: HTTP 400 for a parameter that cannot be read.
    """
    found = [message for message in messages if _fits(message, asked)]
    order = _ORDERS.get(asked.get("order_by", "createdAt"))
    direction = asked.get("order_direction", "desc")
    if order is None or direction not in ("asc", "desc"):
        raise request_error("order_by or order_direction is not one of the allowed values")
    found.sort(key=order, reverse=direction == "desc")
    limit, offset = _count(asked, "limit", DEFAULT_PAGE), _count(asked, "offset", 0)
    if not 1 <= limit <= LARGEST_PAGE:
        raise request_error(f"limit must be between 1 and {LARGEST_PAGE}")
    shown = found[offset : offset + limit]
    more = offset + limit < len(found)
    return {
        "status": "OK",
        "pagination": {"total": len(found), "limit": limit, "offset": offset, "hasMore": more},
        "data": [message.body() for message in shown],
    }


def _fits(message: PhoneMessage, asked: Mapping[str, str]) -> bool:
    if "number" in asked and asked["number"] not in (message.number, message.from_number, message.line):
        return False
    if any(name in asked and str(of(message)) != asked[name] for name, of in _EXACT.items()):
        return False
    for name, of in _TIMES.items():
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
