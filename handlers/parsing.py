"""What people type after `/imessage` → a request. Pure.

Slack's clients turn straight quotes into smart ones and `--` into a dash, link what looks like a number or an
address, and send emoji as names. All that is undone or understood here; the text for the customer is otherwise left
as it was typed.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from phonenumbers import ValidationResult

from bot.domain.message import Request
from bot.errors import UsageError
from bot.sendblue.wire import STYLES
from handlers.media import check_media
from handlers.typed import as_read, unlinked

_DASHES = r"\-\u2010-\u2015\u2212"
_OPENING = {'"': '"', "'": "'", "“": "”", "„": "“”", "‘": "’", "«": "»"}
_OPTION = re.compile(rf"(?:--|[\u2013\u2014\u2015])(?P<name>[A-Za-z][\w{_DASHES}]*)(?P<equals>=)?")
_END_OF_OPTIONS = re.compile(r"--(?=\s)")
_NUMERIC = re.compile(rf"[+＋\d()./·{_DASHES}]+")
_EXTENSION = re.compile(r"(?:x|ext\.?|extension)\s*\d+\b", re.IGNORECASE)
_IN_ONE_PIECE, _MOST_DIGITS = 9, 20  # a number has at most 15, and prefixes to dial abroad
_LONGEST_NUMBER = 250  # characters, however it is written
_QUOTE_IT = 'Put it in quotes: `/imessage "+1 415 555 2671" your text`.'


@dataclass(frozen=True, slots=True)
class Help:
    """The person wants to know how it works."""


@dataclass(frozen=True, slots=True)
class StatusQuestion:
    """The person wants to see their last messages. recipient: E.164, or None for all."""

    recipient: str | None


def parse_command(text: str, *, region: str, lines: Sequence[str]) -> Request | Help | StatusQuestion:
    """Read a command's argument text as Slack sends it.

    region: where numbers without a country code are, such as "US". lines: ours, E.164.

    Raises:
        UsageError: it cannot be done, or it is not clear what was meant. Nothing must be sent.
    """
    text = text.strip()
    if not text or text.lower() == "help":
        return Help()
    first, _, rest = text.partition(" ")
    if first.lower() == "status":
        return _status_question(rest.strip(), region)
    options: dict[str, str] = {}
    rest = _read_options(text, options, region, lines)
    recipient, rest = _read_number(rest, region)
    rest = _read_options(rest, options, region, lines)
    media_url = check_media(options["media"]) if "media" in options else None
    body = as_read(rest)
    if not _is_visible(body) and media_url is None:
        raise UsageError("there is no text. Write it after the number: `/imessage +1 415 555 2671 Table at eight?`")
    if _EXTENSION.match(body):
        raise UsageError("I can't text an extension. Leave it out, or write your text so that it starts with a word.")
    line = _line(options["from"], region, lines) if "from" in options else None
    if recipient in lines:
        raise UsageError("that is one of our own lines. Use the customer's number.")
    return Request(recipient, body, line, _style(options["style"]) if "style" in options else None, media_url)


def _status_question(rest: str, region: str) -> StatusQuestion:
    quoted = _read_quoted(rest)
    try:
        return StatusQuestion(parse_number(unlinked(quoted[0] if quoted else rest), region) if rest else None)
    except UsageError as error:
        raise UsageError(str(error), about_sending=False) from None


def parse_number(text: str, region: str) -> str:
    """Return one number in E.164.

    Raises:
        UsageError: not a number, an emergency number, or one that cannot exist.
    """
    typed = _bare(text)
    number = _possible(typed, region)
    if number is None or not _NUMERIC.fullmatch(re.sub(r"\s", "", typed)):
        raise UsageError(_why_not(typed, region))
    return number


def _read_options(rest: str, options: dict[str, str], region: str, lines: Sequence[str]) -> str:
    """Move `--name value` from the front of the rest into options; return what follows."""
    rest = rest.lstrip()
    while (match := _OPTION.match(rest)) is not None:
        name = match["name"].lower()
        if name not in ("style", "media", "from") and not rest.startswith("--"):
            return rest  # a text that begins with a dash
        if name not in ("style", "media", "from"):
            raise UsageError(
                f"I don't know the option --{name}. There are --style, --media and --from; "
                "to send a text that begins like this, write -- and a space before it."
            )
        if name in options:
            raise UsageError(f"--{name} is there twice. Leave one out.")
        options[name], rest = _read_value(rest[match.end() :].lstrip(), name, region, lines)
        rest = rest.lstrip()
    if (end := _END_OF_OPTIONS.match(rest)) is not None:
        return rest[end.end() :].lstrip()
    return rest


def _read_value(rest: str, name: str, region: str, lines: Sequence[str]) -> tuple[str, str]:
    quoted = _read_quoted(rest)
    if quoted is not None:
        return unlinked(quoted[0]), quoted[1]
    if name == "from":  # a number may have spaces; it ends where it is one of ours
        for end in _ends_of_numeric_run(rest):
            if _possible(_bare(rest[:end]), region) in lines:
                return rest[:end], rest[end:]
    match = re.match(r"<[^>]*>|\S+", rest)
    if match is None:
        raise UsageError(f"--{name} needs a value, such as {_EXAMPLES[name]}")
    return unlinked(match[0]), rest[match.end() :]


_EXAMPLES = {
    "style": "`--style confetti`.",
    "media": "`--media https://example.com/menu.png`.",
    "from": "`--from +1 555 010 0900`.",
}


def _read_number(rest: str, region: str) -> tuple[str, str]:
    """Split the recipient from what follows."""
    if (link := re.match(r"<tel:[^>]*>", rest)) is not None:
        return parse_number(unlinked(link[0]), region), rest[link.end() :]
    quoted = _read_quoted(rest)
    if quoted is not None:
        return parse_number(unlinked(quoted[0]), region), quoted[1]
    ends = _ends_of_numeric_run(rest)
    in_one_piece = bool(ends) and sum(char.isdigit() for char in rest[: ends[0]]) >= _IN_ONE_PIECE
    readings: dict[str, int] = {}  # number → where its shortest spelling ends
    for end in ends:
        if (number := _possible(_bare(rest[:end]), region)) is not None:
            readings.setdefault(number, end)
    if in_one_piece and readings:
        # A first word with nearly all digits of a number is the number, even if the text begins with digits, unless
        # a digit seems to be missing.
        first = next(iter(readings))
        if readings[first] != ends[0] or (len(readings) > 1 and not _exists(first)):
            raise UsageError(f"I can't tell where the number ends. {_QUOTE_IT}")
        readings = {first: ends[0]}
    if len(readings) > 1:  # number lengths vary in many countries; prefer what exists
        readings = {number: end for number, end in readings.items() if _exists(number)} or readings
    if len(readings) > 1:
        raise UsageError(f"I can't tell where the number ends. {_QUOTE_IT}")
    if not readings:
        raise UsageError(_why_not(_bare(rest[: ends[-1]] if ends else "".join(rest.split(maxsplit=1)[:1])), region))
    number, end = readings.popitem()
    return number, rest[end:]


def _read_quoted(rest: str) -> tuple[str, str] | None:
    closing = _OPENING.get(rest[:1])
    if closing is None:
        return None
    ends = [at for char in {*closing, '"' if rest[0] in "“„" else ""} if char and (at := rest.find(char, 1)) > 0]
    return (rest[1 : min(ends)], rest[min(ends) + 1 :]) if ends else None


def _ends_of_numeric_run(rest: str) -> list[int]:
    """Return where each leading word that can be part of a number ends, in order."""
    ends: list[int] = []
    digits = 0
    for word in re.finditer(r"\S+", rest):
        if not _NUMERIC.fullmatch(_bare(word[0])):
            break
        digits += sum(char.isdigit() for char in word[0])
        if digits > _MOST_DIGITS or len(ends) == _MOST_DIGITS:
            break
        ends.append(word.end())
    return ends


def _is_visible(text: str) -> bool:
    return any(unicodedata.category(char) not in ("Cc", "Cf", "Zs", "Zl", "Zp") for char in text)


def _bare(text: str) -> str:
    """Without the invisible characters and odd spaces of a pasted number, and without punctuation after it."""
    if not text.isascii():
        text = "".join(" " if char.isspace() else char for char in text if unicodedata.category(char) != "Cf")
    return _SPACE.sub(" ", text).strip().rstrip(",:;")


_SPACE = re.compile(r"\s")


def _possible(typed: str, region: str) -> str | None:
    """Return what a spelling is in E.164, if a number can be that long."""
    return None if len(typed) > _LONGEST_NUMBER else _in_e164(typed, region)


@lru_cache(maxsize=1024)
def _in_e164(typed: str, region: str) -> str | None:
    try:
        number = phonenumbers.parse(typed, region)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _exists(number: str) -> bool:
    return phonenumbers.is_valid_number(phonenumbers.parse(number))


def _why_not(typed: str, region: str) -> str:
    digits = re.sub(r"\D", "", typed)
    if digits and phonenumbers.is_emergency_number(digits, region):
        return "that is an emergency number. I can't reach emergency services: please call them."
    if not digits:
        return "I need a phone number first: `/imessage +1 415 555 2671 Table at eight?` (`/imessage help` shows more)."
    return (
        "that is not a number I can text. Check it and write it with its country code, such as +1 415 555 2671 "
        "(`/imessage help` shows more)."
    )


def _line(value: str, region: str, lines: Sequence[str]) -> str:
    line = _possible(_bare(value), region)
    if line is None or line not in lines:
        raise UsageError(f"--from must be one of our lines: {', '.join(lines)}.")
    return line


def _style(value: str) -> str:
    style = re.sub(rf"[{_DASHES}]", "_", value.lower())
    if style not in STYLES:
        raise UsageError(f"I don't know that style. Use one of: {', '.join(STYLES)}.")
    return style
