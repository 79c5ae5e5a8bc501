"""The number at the front of what people type → E.164 and the rest. Pure. What is not clear is refused, not guessed."""

import re
import unicodedata

from bot.domain.number import LONGEST_SPELLING, exists, in_e164, is_emergency, is_national, last_groups
from bot.errors import UsageError
from bot.slack.markup import unlinked

DASHES = r"\-\u2010-\u2015\u2212"
_QUOTED = re.compile(r"""\"([^"]*)"|'([^']*)'|“([^”"]*)[”"]|„([^“”"]*)[“”"]|‘([^’]*)’|«([^»]*)»""")
_NUMERIC = re.compile(rf"[+＋\d()./·{DASHES}]+")
_TEL = re.compile(r"<tel:[^>]*>")
# Here, and not where they are used: to have the module find a pattern again takes as long as to match a word.
_SPACE, _TYPED, _SIGN, _PUNCTUATION = (re.compile(pattern) for pattern in (r"\s", r"\S+", "[,;/|&]", r"\A[,;:](?=\s)"))
_WORD = r"(?:and|or|und|oder|et|ou|y|o|e)\b"
_BETWEEN = re.compile(rf"(?:\s|&amp;|tel:|[,;/|&+＋:.·•→>()\[\]\u2010-\u2015-]|{_WORD})*", re.IGNORECASE)
_JOINS = re.compile(rf"[;/|&+＋]|{_WORD}", re.IGNORECASE)
_DATE = re.compile(
    r"(?:\d{4}[./-](?:0?\d|1[0-2])[./-](?:[0-2]?\d|3[01])"  # 2026-11-30
    r"|(?:[0-2]?\d|3[01])[./-](?:[0-2]?\d|3[01])(?:[./-](?:\d{4}|\d{2})?)?)"  # 30.11.2026, 11/30/26, 30.11.
    r"(?![./-]?\d)"
)
_SHORT = re.compile(r"(?:\d{3}[-. ])?\d{4}(?![\d/]|[.:]\d|\s*(?:am|pm|uhr|h)\b)", re.IGNORECASE)
_MOST_DIGITS = 20  # a number has at most 15, and prefixes to dial abroad
_UNCLEAR = 'I can\'t tell where the number ends. Put it in quotes: `/imessage "+1 415 555 2671" your text`.'
_SEVERAL = (
    "that begins with more than one number, and I text one customer at a time. Send a command for each; if a number "
    "is part of your text, write a word before it."
)


def read_recipient(rest: str, region: str) -> tuple[str, str]:
    """Split the recipient (E.164) from what follows. Raises UsageError: no number, several, or not clear which."""
    for sign in _SIGN.finditer(rest[:60]):  # before it is taken for a part of the first number
        before, after = bare(unlinked(rest[: sign.start()])), rest[sign.end() :].lstrip()
        if in_e164(before, region) and _begins_with_number(after, region):
            raise UsageError(_SEVERAL)
    if (link := _TEL.match(rest)) is not None:
        number, end = parse_number(unlinked(link[0]), region), link.end()
    elif (quoted := read_quoted(rest)) is not None:
        number, end = parse_number(unlinked(quoted[0]), region), quoted[1]
    else:
        number, end = _counted(rest, region)
    rest = rest[len(rest[:end].rstrip("/|&+")) :]
    if _begins_with_another(rest, region):
        raise UsageError(_SEVERAL)
    return number, _PUNCTUATION.sub("", rest)


def read_quoted(rest: str) -> tuple[str, int] | None:
    """Return what stands in the quotes at the front, and where they end."""
    found = _QUOTED.match(rest)
    return found and (found[found.lastindex or 0], found.end())


def parse_number(text: str, region: str) -> str:
    """Return one number in E.164. Raises UsageError: not a number, an emergency number, or one that cannot exist."""
    typed = bare(text)
    number = in_e164(typed, region)
    if number is None or not _NUMERIC.fullmatch(_SPACE.sub("", typed)):
        raise UsageError(_why_not(typed, region))
    return number


def bare(text: str) -> str:
    """Without the invisible characters and odd spaces of a pasted number, and without punctuation after it."""
    if not text.isascii():  # few are not, and each character is looked up
        text = "".join(char for char in text if unicodedata.category(char) != "Cf")
    if not text.isprintable():  # no space but the usual one is
        text = _SPACE.sub(" ", text)
    return text.strip().rstrip(",:;")


def ends_of_numeric_run(rest: str) -> list[int]:
    """Return where each leading word that can be part of a number ends, in order."""
    ends: list[int] = []
    digits = 0
    for word in _TYPED.finditer(rest):
        digits += len(_digits(word[0]))
        if digits > _MOST_DIGITS or len(ends) == _MOST_DIGITS or not _NUMERIC.fullmatch(bare(word[0])):
            break
        ends.append(word.end())
    return ends


def _counted(rest: str, region: str) -> tuple[str, int]:
    """Read a number that ends where its country's numbers do."""
    ends = ends_of_numeric_run(rest)
    # Number → where its shortest spelling ends, which comes last here and so stays.
    readings = {number: end for end in reversed(ends) if (number := in_e164(bare(rest[:end]), region))}
    if not readings:
        raise UsageError(_why_not(rest[: ends[-1]] if ends else re.split(r"\s", rest, maxsplit=1)[0], region))
    in_one_piece = len(_digits(rest[: ends[0]])) >= 9  # then the first word is the number, whatever digits follow
    likely = [number for number, end in readings.items() if end == ends[0] or not in_one_piece]
    if len(readings) > 1:  # number lengths vary in many countries, or a digit was left out: it must exist
        likely = [number for number in likely if exists(number)]
    if len(likely) != 1 or _took_a_word_of_the_text(rest[: readings[likely[0]]], likely[0]):
        raise UsageError(_UNCLEAR)
    return likely[0], readings[likely[0]]


def _took_a_word_of_the_text(typed: str, number: str) -> bool:
    """Whether the last word may be the text's: `415 555 267 8 pm?` lacks a digit, and the 8 is an hour."""
    words = [_digits(word) for word in typed.split()]
    if len(words) < 2 or words[-1] in last_groups(number):
        return False
    in_pairs = len(words) > 3 and all(len(word) == 2 for word in words[1:])
    return not exists(number) or (len(words[-1]) <= 2 and not in_pairs)


def _begins_with_another(rest: str, region: str) -> bool:
    """Whether another whole number follows, or the end of one after a sign: `415 555 2671 / 2672`."""
    following = _BETWEEN.sub("", rest, count=1)
    between = rest[: len(rest) - len(following)]
    plus = "+" if between.endswith(("+", "＋")) else ""
    short = _JOINS.search(between) and _SHORT.match(following)
    return short is not None or _begins_with_number(plus + following, region)


def _begins_with_number(text: str, region: str) -> bool:
    """Whether a whole number stands at the front, marked as one or as people of the region write it."""
    if (link := _TEL.match(text)) is not None:
        return in_e164(bare(unlinked(link[0])), region) is not None
    if _DATE.match(text):
        return False
    text = re.sub(r"[\[\]]", " ", text[:LONGEST_SPELLING])
    quoted = read_quoted(text)
    spellings = [quoted[0]] if quoted else [text[:end] for end in ends_of_numeric_run(text)]
    return any(_is_whole(bare(spelled), region) for spelled in spellings)


def _is_whole(spelled: str, region: str) -> bool:
    """Whether this is a number. Digits alone may also be a price or an order, so such a number must exist."""
    digits = _digits(spelled)
    number = in_e164(spelled, region) if len(digits) > 7 else None  # 2671, 19.30 and 12.500 are figures
    if number is None or spelled.startswith(("+", "＋")):
        return number is not None
    # Where numbers begin with a 0, shorter ones without it are more likely something else.
    return exists(number) and (is_national(digits, region) or len(digits) >= 10)


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def _why_not(typed: str, region: str) -> str:
    digits = re.sub(r"\D", "", typed)
    if is_emergency(digits, region):
        return "that is an emergency number. I can't reach emergency services: please call them."
    advice = "I need a phone number first: `/imessage +1 415 555 2671 Table at eight?`"
    if digits:
        advice = "that is not a number I can text. Check it and write it with its country code, such as +1 415 555 2671"
    return f"{advice} (`/imessage help` shows more)."
