"""Phone numbers: which one a spelling means, how its country writes it, and how to keep it out of sight. Pure.

Beside them those who write from something else, and cannot be texted: an e-mail address, a short code, a name.

E.164 is `+` and up to fifteen digits, the country's code first. Source of all rules: libphonenumber.
"""

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumberFormat, ValidationResult

LONGEST_SPELLING = 250  # characters; nothing longer is read
FORGOTTEN = "a customer"  # stands for a number that is no longer kept

_remembered = lru_cache(maxsize=1024)
"""Teams text the same customers again and again, and a number costs some twenty microseconds to take apart."""


def is_region(code: str) -> bool:
    """Whether a country has this code, in capitals: `US`."""
    return code in phonenumbers.SUPPORTED_REGIONS


def in_e164(typed: str, region: str | None = None) -> str | None:
    """Return the number a spelling means, if a number can be that long. region: for those without a country's code."""
    return None if len(typed) > LONGEST_SPELLING else _in_e164(typed, region)


@_remembered
def _in_e164(typed: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(typed, region)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def sender(spelled: str, region: str) -> str:
    """Return who wrote: a number in E.164, an e-mail address, a short code or a name; "" if it can be none of these.

    A short code, such as 72345, stays as it is, also where numbers without a country's code can be as short. Companies
    send SMS under names, such as AMAZON.
    """
    if _SHORT_CODE.fullmatch(spelled) and len(spelled) <= _SURELY_SHORT:
        return spelled
    if (number := in_e164(spelled, region)) is not None:
        return number
    if "@" in spelled:
        return spelled.casefold() if _ADDRESS.fullmatch(spelled) else ""
    name = " ".join(spelled.split())
    return name if _SHORT_CODE.fullmatch(name) or _NAME.fullmatch(name) else ""


_SHORT_CODE, _SURELY_SHORT = re.compile(r"[0-9]{3,8}"), 6  # digits
# Neither has what Slack would read as markup.
_ADDRESS, _NAME = re.compile(r"[^\s<>&|@]+@[^\s<>&|@]+"), re.compile(r"(?=.*[^\W\d_])[\w .&'!-]{1,40}")


@_remembered
def exists(number: str) -> bool:
    """Whether its country gives out such numbers (E.164)."""
    return phonenumbers.is_valid_number(phonenumbers.parse(number))


def is_national(digits: str, region: str) -> bool:
    """Whether digits begin as people there begin a number from elsewhere in the country: with a 0 where one is used."""
    prefix = phonenumbers.ndd_prefix_for_region(region, strip_non_digits=True)
    return prefix != "0" or digits.startswith("0")


def is_emergency(digits: str, region: str) -> bool:
    return phonenumbers.is_emergency_number(digits, region)


@_remembered
def last_groups(number: str) -> frozenset[str]:
    """Return the digits that stand last, with a space before them, where its country writes this number (E.164)."""
    parsed = phonenumbers.parse(number)
    forms = (PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.NATIONAL)
    return frozenset(re.split(r"\D+", phonenumbers.format_number(parsed, form))[-1] for form in forms)


@_remembered
def mask(number: str) -> str:
    """`+14155552671` → `+1 ••• 2671`: enough for the team to recognise, too little to copy from a channel.

    At least half of what follows the country's code is hidden. Of an e-mail address, which iMessage takes as well,
    the first letter and the domain are shown. A short code and a name are a company's, and no secret; but a name may
    have a number in it.
    """
    if number.startswith("group:"):
        return "a group"
    if "@" in number:
        return re.sub(r"^(.)[^@]*(?=@)", r"\1•••", number)
    if not number.startswith("+"):
        long = number.isdecimal() and len(number) > _SURELY_SHORT
        return f"••• {number[-4:]}" if long else hide_numbers(number) or FORGOTTEN
    parsed = phonenumbers.parse(number)
    national = phonenumbers.national_significant_number(parsed)
    shown = min(4, len(national) // 2)
    return f"+{parsed.country_code} ••• {national[len(national) - shown :]}"


@_remembered
def pretty(number: str) -> str:
    """`+14155552671` → `+1 415-555-2671`, for the sender's own eyes."""
    if "@" in number or not number.startswith("+"):
        return number or FORGOTTEN
    return phonenumbers.format_number(phonenumbers.parse(number), PhoneNumberFormat.INTERNATIONAL)


def hide_numbers(text: str) -> str:
    """Return what somebody else wrote without the phone numbers in it."""
    return _NUMBER.sub("[number]", text)


_NUMBER = re.compile(r"[+＋(]?\d(?:[\s()./_·\u2010-\u2015\u200b-\u200f\u2060-]{0,3}\d){6,}")
