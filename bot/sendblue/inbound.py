"""What a customer said, in Sendblue's words ⇄ ours. Pure: bytes and JSON in, `Inbound` out.

Sources: as of `bot.sendblue.wire`. A webhook and an item of the list read alike.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.delivery import Delivery
from bot.domain.message import Inbound, Notice
from bot.domain.number import in_e164, mask, sender
from bot.errors import UnreadableReport
from bot.sendblue.failures import plain_text
from bot.sendblue.wire import DELIVERIES, is_a_customers, page_of, read_time

_OLDEST, _AHEAD = timedelta(days=400), timedelta(minutes=5)  # a time beyond these is no time of a message
_LONGEST_NAME = 180  # characters of a handle or a sender
_MOST_MEDIA, _LONGEST_URL = 20, 2_000


class Page(Struct, frozen=True):
    """One page of the list of what came in."""

    said: list[Inbound]
    names: list[str]  # of all items, also of those that cannot be read
    unreadable: int
    more: bool | None  # whether more follow; None: it does not say


def parse_inbound(fields: Mapping[str, Any], *, now: datetime, region: str) -> Inbound | None:
    """Read one POST of the account's webhook; None for one of our own texts. Raises UnreadableReport."""
    return inbound_of(fields, now=now, region=region) if _came_in(fields) else None


def parse_blocked_line(fields: Mapping[str, Any], *, region: str) -> str | None:
    """Read one POST of the webhook's type `line_blocked`; return the line (E.164), None if it is another.

    Its shape is not published: whatever names the type counts, and whatever may name the line.
    """
    kinds = {plain_text(fields.get(name)).casefold() for name in ("type", "event", "event_type", "webhook_type")}
    if "line_blocked" not in kinds:
        return None
    names = ("sendblue_number", "line", "phone_number", "phone", "number", "from_number")
    return next((number for name in names if (number := in_e164(plain_text(fields.get(name)), region))), None)


def _came_in(fields: Mapping[str, Any]) -> bool:
    """Whether a customer wrote it. Where nothing says which way it went, its status does."""
    return is_a_customers(fields) or ("is_outbound" not in fields and fields.get("status") == "RECEIVED")


def inbound_of(fields: Mapping[str, Any], *, now: datetime, region: str) -> Inbound:
    """Read one record. region: for numbers without a country's code.

    Raises UnreadableReport: nobody it could be from, or no line or handle.
    """
    handle = plain_text(fields.get("message_handle"))[:_LONGEST_NAME]
    line = in_e164(plain_text(fields.get("sendblue_number") or fields.get("to_number")), region)
    speaker = sender(plain_text(fields.get("from_number") or fields.get("number"))[:_LONGEST_NAME], region)
    group = plain_text(fields.get("group_id"))[:_LONGEST_NAME]
    customer = f"group:{group}" if group and speaker else speaker
    if not (handle and line and customer):
        raise UnreadableReport("neither handle nor sender nor line" if not handle else "no sender or line")
    words = _words(fields)
    text = f"{mask(speaker)}: {words}" if group else words  # of whom nothing else is kept
    at = read_time(fields.get("date_sent")) or read_time(fields.get("date_created"))
    at = at if at is not None and now - _OLDEST < at < now + _AHEAD else now
    opted_out = fields.get("opted_out") in (True, "true", "True")
    return Inbound(handle, line, customer, text, _media(fields.get("media_url")), at, opted_out)


def sent_of(fields: Mapping[str, Any], *, now: datetime, region: str) -> Inbound | None:
    """Read one record of a text that went out; None if it failed, or went to a group. Raises UnreadableReport."""
    if fields.get("group_id") or DELIVERIES.get(plain_text(fields.get("status")).upper()) is Delivery.FAILED:
        return None
    line, customer = (fields.get(name) for name in ("from_number", "to_number"))
    turned = {"sendblue_number": fields.get("sendblue_number") or line, "from_number": customer or fields.get("number")}
    said = inbound_of({**fields, **turned}, now=now, region=region)
    by = plain_text(fields.get("sender_email"))[:100]
    return replace(said, text=f"({by}) {said.text}" if by else said.text, opted_out=False, notice=Notice.ELSEWHERE)


def parse_inbound_page(body: bytes, *, now: datetime, region: str, outbound: bool = False) -> Page:
    """Read `GET /api/v2/messages`. An item that cannot be read is left out. Raises UnreadableReport.

    outbound: what went out, not what came in.
    """
    items, more = page_of(body)
    said, unreadable = list[Inbound](), 0
    for item in items:
        if _came_in(item) == outbound:
            continue
        try:
            one = (sent_of if outbound else inbound_of)(item, now=now, region=region)
            said += [one] if one is not None else []
        except UnreadableReport:
            unreadable += 1
    names = [plain_text(item.get("message_handle"))[:_LONGEST_NAME] for item in items]
    return Page(said, names, unreadable, more)


def _media(value: object) -> tuple[str, ...]:
    urls = value if isinstance(value, list) else [value]
    texts = [plain_text(url) for url in urls[:_MOST_MEDIA]]
    return tuple(url for url in texts if len(url) <= _LONGEST_URL and _is_address(url))


def _is_address(url: str) -> bool:
    """Whether it can be taken apart, as it is when its file is named."""
    try:
        urlsplit(url)
    except ValueError:
        return False
    return bool(url) and not any(map(str.isspace, url))


def _words(fields: Mapping[str, Any]) -> str:
    """Return what was said, and in words what else came with it."""
    content = fields.get("content")
    text = plain_text(content) if isinstance(content, str) else ""
    location, card = fields.get("location"), fields.get("app_card")
    more = []
    if isinstance(location, dict):
        latitude, longitude = (plain_text(location.get(name)) for name in ("latitude", "longitude"))
        more.append(f"📍 {latitude}, {longitude}" if latitude and longitude else "📍 a location")
    if isinstance(card, dict):
        more.append(f"sent an app card: {plain_text(card.get('url'))[:300]}".rstrip(": "))
    return "\n".join(filter(None, [text, *more]))
