"""Why Sendblue says no. Pure. Sources: its error-code reference, its SDKs (`error_key`), what integrators saw."""

import re
from collections.abc import Mapping
from typing import Any

from bot.domain.number import hide_numbers

ASK_AGAIN = {"10002"}  # the vendor does not know the status itself
LATER = {"4001", "5003", "5509"}  # rate limits, which end by themselves (that of SMS too, but not within minutes)
MAYBE_SENT = {"5000", "10001", "22"}  # the text may have gone out all the same
OPTED_OUT = {"402", "OPTED_OUT"}  # the customer wants no texts
CLEAR_NO = {  # another try changes nothing
    *OPTED_OUT,
    *("4000", "4002", "PRE_REPLY_LIMIT_REACHED", "OUTSIDE_REPLY_WINDOW", "SMS_LIMIT_REACHED"),
    *("INVALID_REACTION", "line_not_registered", "ambiguous_sending_line"),
}
_KNOWN = ASK_AGAIN | LATER | MAYBE_SENT | CLEAR_NO | {"5504"}
_IS_A_CODE = re.compile(r"(?:[A-Z][A-Z0-9_]{0,39}|[a-z][a-z0-9_]{0,39}|\d{1,6})?")
_CODES = ("error_key", "error_code", "code")
_EXPLANATIONS = ("message", "error_message", "error_reason", "error_detail", "detail")


def error_of(fields: Mapping[str, Any]) -> tuple[str, str]:
    """The code of an error and its explanation; "" and "" of the many reports in which no field is about one."""
    for name in ("error", "errors", "data", *_CODES, *_EXPLANATIONS):
        if fields.get(name) not in (None, ""):
            return error_code(fields), explanation(fields)
    return "", ""


def error_code(fields: Mapping[str, Any]) -> str:
    """The code of an error, wherever it stands and however it is written (402, "402", 402.0, a word); none is "".

    The vendor says to tell its rules apart by `error_key`, so it is read first; the older `error_code` counts where
    only that is known to us. An unknown word is written in capitals, because codes of ours are in lower case. What is
    no code, such as a sentence with a customer's words, is "other": a code stands in logs.
    """
    given = _given_codes(fields)
    code = next((one for one in given if one in _KNOWN), next(iter(given), ""))
    if not _IS_A_CODE.fullmatch(code) or hide_numbers(code) != code:
        return "other"
    return code if code in _KNOWN else code.upper()


def _given_codes(fields: Mapping[str, Any]) -> list[str]:
    codes = [_plain_code(place.get(name)) for place in _error_places(fields) for name in _CODES]
    bare = _plain_code(fields.get("error"))
    return [code for code in (*codes, bare if bare.isdecimal() else "") if code]


def _error_places(fields: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the objects in which an error may be explained: the answer itself, and what it wraps one in."""
    errors = fields.get("errors")
    first = errors[:1] if isinstance(errors, list) else []
    return [place for place in (fields, fields.get("error"), fields.get("data"), *first) if isinstance(place, dict)]


def _plain_code(value: object) -> str:
    text = plain_text(int(value) if isinstance(value, float) and value.is_integer() else value)
    return text.lstrip("0") if text.isdecimal() else text


def explanation(fields: Mapping[str, Any]) -> str:
    """Their explanation: the first that is a sentence, else a word."""
    reasons = explanations(fields)
    return next((one for one in reasons if " " in one), next(iter(reasons), ""))[:500]


def explanations(fields: Mapping[str, Any]) -> list[str]:
    """All that they say about it, the most telling place first."""
    found = [plain_text(place.get(name)) for place in _error_places(fields) for name in _EXPLANATIONS]
    found.append(plain_text(fields.get("error")))
    return [text for text in (*found, *(code for code in _given_codes(fields) if " " in code)) if text]


def maybe_sent(code: str, reason: str) -> bool:
    """Whether the text may have gone out although this failure was reported."""
    if code == "5504":  # its text tells a refusal from a line whose device stopped answering
        words = reason.lower().replace("’", "'")
        return "timed out" in words or "isn't running" in words
    return code in MAYBE_SENT or code in ASK_AGAIN


def plain_text(value: object) -> str:
    """Text of a scalar, without what no database takes (NUL, lone surrogates); "" for anything else."""
    if not isinstance(value, str):
        value = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
    if not value.isascii():
        value = value.encode(errors="replace").decode()
    return value.replace("\x00", "").strip()
