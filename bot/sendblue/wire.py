"""Sendblue's words ⇄ ours. Pure: bytes and JSON in, reports and errors out. Unknown words are kept verbatim.

Sources: Sendblue's reference (docs.sendblue.com), its SDKs and CLI, and what integrators saw where these disagree.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

import msgspec
from msgspec.structs import replace

from bot.domain.delivery import Delivery, HandleFrom, Service
from bot.domain.known import Report
from bot.domain.send import Send
from bot.errors import NotSent, Refused, Uncertain, UnreadableReport
from bot.sendblue.failures import ASK_AGAIN, CLEAR_NO, LATER, error_of, explanations, maybe_sent, plain_text

T = TypeVar("T")

# Status words in upper case; the vendor writes both cases. Left out on purpose, so they change nothing: RECEIVED
# (inbound only), SUCCESS, TIMEOUT, DOWNGRADED, OK (listed somewhere, never explained).
DELIVERIES = {
    **dict.fromkeys(("REGISTERED", "PENDING", "QUEUED", "ACCEPTED"), Delivery.QUEUED),
    "SENT": Delivery.SENT,
    "DELIVERED": Delivery.DELIVERED,
    "READ": Delivery.READ,
    **dict.fromkeys(("ERROR", "DECLINED", "FAILED"), Delivery.FAILED),
}
_SERVICES = {service.value.lower(): service for service in Service}

# Source of a report → what the handle in it is worth.
HANDLES = {"send": HandleFrom.OWN, "callback": HandleFrom.OWN, "list": HandleFrom.LIST}

# What iMessage can dress a text in; ignored on SMS and RCS.
STYLES = (
    *("celebration", "shooting_star", "fireworks", "lasers", "love", "confetti", "balloons", "spotlight", "echo"),
    *("invisible", "gentle", "loud", "slam"),
)

OUTBOUND = "outbound"  # the type of webhook that hears what became of every text
RECEIVE = "receive"  # the type that hears what customers say
LONGEST_TEXT = 18_000  # characters in one message: Sendblue takes fewer than 18,996, in a unit it does not name
EXTENSIONS = (
    *("jpg", "jpeg", "png", "gif", "heic", "heif", "webp", "bmp", "tif", "tiff", "svg"),
    *("mp4", "mov", "m4v", "3gp", "mpg", "mpeg", "avi", "webm", "mp3", "m4a", "aac", "wav", "amr", "caf", "aiff"),
    *("pdf", "vcf", "vcard", "ics", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "txt", "csv", "zip"),
)
"""Of what it takes: a file of another type is dropped, or refused. Source: Sendblue's "Sending Messages"."""
FILE_HOSTS = (
    "storage.googleapis.com",
    ".sendblue.co",
    ".sendblue.com",
)  # of customers' files; the first was seen
_MOST_LISTED = 1000  # items of a page that are read: more than we ask for, and than the vendor ever gives
_PLAINLY_LATER = {429: "http_429", 407: "proxy_refused"}  # what ends by itself; the second is said by a proxy


def submission(send: Send, callback_url: str) -> dict[str, str]:
    """Return the body of `POST /api/send-message`. Optional fields are left out, never null."""
    body = {"number": send.words.recipient, "from_number": send.words.line, "status_callback": callback_url}
    optional = {"content": send.words.text, "media_url": send.words.media_url, "send_style": send.words.style}
    return body | {name: value for name, value in optional.items() if value}


def parse_answer(status: int, body: bytes, *, now: datetime, media_url: str | None = None) -> Report:
    """Read the answer to a send: a report at QUEUED or later. Raises Refused, NotSent or Uncertain."""
    fields = json_object(body) or {}
    report = _report(fields, "send", now)
    code, reason, handle = report.error_code, report.error_text, report.handle
    failed = report.delivery is Delivery.FAILED
    says_yes = handle is not None or (report.delivery is not None and not failed)
    if status in (408, 409) or status >= 500 or 300 <= status < 400 or (status >= 400 and says_yes):
        raise Uncertain(code or f"http_{status}", reason, handle=handle)
    if status >= 400 or failed:
        if maybe_sent(code, " ".join(explanations(fields))):
            raise Uncertain(code, reason, handle=handle)
        if code not in CLEAR_NO and (status in _PLAINLY_LATER or code in LATER):
            raise NotSent(code or _PLAINLY_LATER[status], reason)
        raise Refused(code or f"http_{status}", reason, handle=handle)
    if handle is None or report.delivery is None:
        raise Uncertain(code or "unreadable_answer", reason, handle=handle)
    lost = media_url is not None and not fields.get("media_url")  # Sendblue drops a picture that it cannot fetch
    return replace(report, at=now, error_code="", error_text="", recipient="", picture_lost=lost)


def parse_upload(status: int, body: bytes) -> str:
    """Read the answer to `POST /api/upload-file`: the file's address. Raises Refused or NotSent."""
    if 400 <= status < 500 and status not in (408, 429):
        raise Refused("file_refused")
    url = (json_object(body) or {}).get("media_url")
    if not (200 <= status < 300 and isinstance(url, str) and url.startswith(("https://", "http://"))):
        raise NotSent("unreadable_answer" if 200 <= status < 300 else f"http_{status}")
    return url


def parse_report(body: bytes, *, source: str, now: datetime, form: bool = False) -> Report:
    """Read one status callback or answer. Raises UnreadableReport: no JSON object, or neither handle nor status."""
    fields = fields_of(body, form=form)
    report = _report(fields, source, now)
    if report.handle is None and not report.word:
        raise UnreadableReport("neither message_handle nor status")
    # Of what a customer wrote only the word is kept: its handle and channel are those of another text.
    return Report(source, now, None, report.word) if is_a_customers(fields) else report


def parse_account_report(fields: Mapping[str, Any], *, now: datetime) -> Report | None:
    """Read one POST of an account webhook: as `parse_report`; None for a customer's text, or where no handle is."""
    # It comes to one address for all texts: only the handle says which one it is about.
    report = replace(_report(fields, "callback", now), handle_from=HandleFrom.NOWHERE)
    return None if is_a_customers(fields) or report.handle is None else report


def fields_of(body: bytes, *, form: bool = False) -> Mapping[str, Any]:
    """Return what stands in a POST of Sendblue's. Raises UnreadableReport: no JSON object."""
    try:
        fields = dict(parse_qsl(body.decode(), strict_parsing=True, max_num_fields=100)) if form else json_object(body)
    except ValueError:
        fields = None
    if fields is None:
        raise UnreadableReport("not a JSON object")
    nested = fields.get("data")  # in the envelope {status, data}
    return nested if isinstance(nested, dict) else fields


def is_a_customers(fields: Mapping[str, Any]) -> bool:
    return fields.get("is_outbound") in (False, "false", "False")


class Listed(msgspec.Struct, frozen=True):
    """One text in Sendblue's list."""

    report: Report
    text: str
    outbound: bool
    line: str  # E.164; "" where it is not said
    at: datetime | None  # when it was sent; None where it is not said

    def may_be(self, send: Send) -> bool:
        """Whether a send without an answer can have led to this, by all but its time. What failed is no evidence."""
        fits = self.outbound and self.text == send.words.text and self.report.recipient == send.words.recipient
        return fits and self.report.delivery is not Delivery.FAILED and self.line in ("", send.words.line)


def parse_page(body: bytes, *, now: datetime) -> tuple[list[Listed], bool | None]:
    """Read `GET /api/v2/messages`: its texts, and whether more follow, where it says so. Raises UnreadableReport."""
    items, more = page_of(body)
    return [_listed(item, now) for item in items], more


def page_of(body: bytes) -> tuple[list[dict[str, Any]], bool | None]:
    """Return the items of a page of the list, and whether more follow, where it says so. Raises UnreadableReport."""
    fields = json_object(body) or {}
    items = [item for item in part_of(fields, "data", list)[:_MOST_LISTED] if isinstance(item, dict)]
    pagination = fields.get("pagination")
    more = pagination.get("hasMore") if isinstance(pagination, dict) else None
    return items, more if isinstance(more, bool) else None


def _listed(item: Mapping[str, Any], now: datetime) -> Listed:
    return Listed(
        _report(item, "list", now),
        str(item.get("content") or ""),
        outbound=not is_a_customers(item),
        line=plain_text(item.get("from_number")),
        at=read_time(item.get("date_sent")) or read_time(item.get("date_created")),
    )


def _report(fields: Mapping[str, Any], source: str, now: datetime) -> Report:
    status = fields.get("status")
    if isinstance(status, dict):  # {"status": …}
        status = status.get("status")
    word = plain_text(status)[:80]
    at = read_time(fields.get("date_updated"))
    credible = at is not None and now - timedelta(days=2) < at < now + timedelta(minutes=1)
    # True only when iMessage fell back to SMS; SMS from the start says so in `service`.
    downgraded = fields.get("was_downgraded") in (True, "true", "True")
    service = _SERVICES.get(plain_text(fields.get("service")).lower(), Service.UNKNOWN)
    code, reason = error_of(fields)
    delivery = DELIVERIES.get(word.upper())
    if delivery is Delivery.FAILED and code in ASK_AGAIN:
        delivery = None
    return Report(
        source,
        at if at and credible else now,
        delivery,
        word,
        plain_text(fields.get("message_handle"))[:200] or None,
        Service.SMS if downgraded else service,
        error_code=code,
        error_text=reason,
        recipient=plain_text(fields.get("to_number") or fields.get("number")),
        handle_from=HANDLES.get(source, HandleFrom.NOWHERE),
    )


def read_time(value: object) -> datetime | None:
    try:
        time = datetime.fromisoformat(value if isinstance(value, str) else "")
        return time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def json_object(body: bytes) -> dict[str, Any] | None:
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        try:  # UTF-16, half a surrogate pair, NaN and 1e999 are read only by Python's own parser
            value = json.loads(body)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


def part_of(fields: Mapping[str, Any] | None, name: str, kind: type[T]) -> T:
    """Return a field. Raises UnreadableReport: it is not of this kind."""
    value = (fields or {}).get(name)
    if not isinstance(value, kind):
        raise UnreadableReport(f"no {name}")
    return value


@dataclass(frozen=True, slots=True)
class Hook:
    """One registered webhook. secret: its own, or else the account's; "" when it has none."""

    kind: str
    url: str
    secret: str = field(repr=False)


def parse_lines(body: bytes) -> list[str]:
    """Read `GET /api/lines`. Raises UnreadableReport: not the documented shape."""
    return [number for number in part_of(json_object(body), "numbers", list) if isinstance(number, str)]


def parse_line_states(body: bytes) -> dict[str, str]:
    """Read `GET /api/v2/lines/state`: line → ONLINE, OFFLINE, DEGRADED or another word. Raises as `parse_lines`."""
    items = [item for item in part_of(json_object(body), "data", list) if isinstance(item, dict)]
    found = [(item.get("sendblue_number"), item.get("status")) for item in items]
    return {line: str(state).upper() for line, state in found if isinstance(line, str)}


def parse_webhooks(body: bytes) -> list[Hook]:
    """Read `GET /api/account/webhooks`. Raises as `parse_lines`."""
    by_kind = part_of(json_object(body), "webhooks", dict)
    shared = by_kind.get("globalSecret")  # a text among lists
    found = []
    for kind, hooks in by_kind.items():
        for hook in hooks if isinstance(hooks, list) else ():
            fields = hook if isinstance(hook, dict) else {"url": hook}
            if isinstance(fields.get("url"), str):
                secret = fields.get("secret") or shared
                found.append(Hook(kind, fields["url"], secret if isinstance(secret, str) else ""))
    return found


def registration(url: str, secret: str, kind: str = OUTBOUND) -> dict[str, Any]:
    """Return the body of `POST /api/account/webhooks` for one more of a type. The account's own secret stays."""
    return {"type": kind, "webhooks": [{"url": url, "secret": secret}]}


def same_place(one: str, other: str) -> bool:
    """Whether two URLs lead to the same place. Sendblue calls `http://` as https."""
    try:
        return _place(one) == _place(other)
    except ValueError:
        return False


def _place(url: str) -> tuple[object, ...]:
    parts = urlsplit(url.strip())
    port = None if parts.port in (80, 443) else parts.port
    return parts.hostname, port, parts.path.rstrip("/"), parts.query


def same_line(one: str, other: str) -> bool:
    return re.sub(r"\D", "", one) == re.sub(r"\D", "", other)
