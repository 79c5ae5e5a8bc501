"""POST /api/send-message: what a request must look like to become a message. Pure."""

import re
import secrets
import time
import uuid
from collections.abc import Collection, Mapping

from sandbox.sendblue.faults import SendblueFaults
from sandbox.sendblue.journeys import journey
from sandbox.sendblue.records import ACCOUNT, PhoneMessage, SendblueRefusalError, request_error, send_error
from sandbox.traffic import Json

LONGEST = 18_995
"""Characters; the documents say "less than 18996"."""

_E164 = re.compile(r"\+[1-9]\d{6,14}")


def message_from(fields: Mapping[str, object], lines: Collection[str], faults: SendblueFaults) -> PhoneMessage:
    """Return the message a send asks for.

    Raises:
        SendblueRefusalError: HTTP 400 with the reason.
    """
    number, line = _text(fields, "number"), _text(fields, "from_number")
    if not number:
        raise request_error('missing required parameter: "number"')
    if not line:
        raise request_error('missing required parameter: "from_number"')
    if not _E164.fullmatch(number):
        raise request_error("number must be in E.164 format")
    if line not in lines:
        raise request_error("The from_number is not registered")
    content, media_url = _text(fields, "content"), _text(fields, "media_url")
    if not content and not media_url:
        raise request_error('missing required parameter: "content" or "media_url"')
    if _length(content, faults.length_unit) > LONGEST:
        raise _too_long(faults)
    style, callback = _extras(fields, faults)
    now = time.time()
    return PhoneMessage(
        handle=str(uuid.uuid4()),
        number=number,
        from_number=line,
        content=content,
        media_url=media_url or None,
        status=journey(faults, media=bool(media_url))[0],
        line=line,
        at=now,
        updated_at=now,
        send_style=style,
        status_callback=callback or None,
    )


def _extras(fields: Mapping[str, object], faults: SendblueFaults) -> tuple[str, str]:
    """Return the style and the callback URL, as far as they are understood."""
    style, callback = _text(fields, "send_style"), _text(fields, "status_callback")
    if style and faults.unknown_style == "refused":
        raise request_error("send_style is not one of the allowed values")
    if _text(fields, "media_url") and faults.bad_media == "refused":
        raise request_error("Invalid media URL")
    if faults.unknown_style == "ignored":
        style = ""
    return style, _text(fields, "statusCallback") or ("" if faults.camel_callback else callback)


def _length(text: str, unit: str) -> int:
    if unit == "utf-16":
        return len(text.encode("utf-16-le", "surrogatepass")) // 2
    return len(text.encode("utf-8", "surrogatepass")) if unit == "bytes" else len(text)


def _too_long(faults: SendblueFaults) -> SendblueRefusalError:
    status = faults.success_code if faults.overlong == "2xx" else 400
    return send_error(4000, f"content must be shorter than {LONGEST + 1} characters", status)


def message_to(line: str, number: str, text: str, *, opted_out: bool = False) -> PhoneMessage:
    """Return what a customer wrote to one of our lines."""
    now = time.time()
    return PhoneMessage(
        handle=secrets.token_hex(16).upper(),
        number=number,
        from_number=number,
        content=text,
        media_url=None,
        status="RECEIVED",
        line=line,
        at=now,
        updated_at=now,
        outbound=False,
        opted_out=opted_out,
    )


def opted_out(fields: Mapping[str, object]) -> Json:
    """Return the body that goes with HTTP 400 for somebody who said STOP. Source: a live refusal."""
    return {
        "accountEmail": ACCOUNT,
        "status": "ERROR",
        "error_code": 402,
        "error_message": "OPTED_OUT",
        "error_reason": "SpamRule",
        "error_detail": "The message was declined because the user opted out.",
        "from_number": _text(fields, "from_number"),
        "number": _text(fields, "number"),
    }


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    return "" if value is None else str(value)
