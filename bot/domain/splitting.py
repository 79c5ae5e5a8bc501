"""Cutting a text that is too long for one message. Pure."""

import re
import unicodedata

_ENDS = (
    re.compile(r"\n\s*\n"),  # a paragraph
    re.compile(r"(?<![.!?…。！？])[.!?…。！？]++[\"'”’)\]]*+\s++|\n"),  # a sentence or a line; one try per row of dots
    re.compile(r"\s+"),  # a word
)
_CONTINUATIONS = frozenset(map(chr, [*range(0x1F3FB, 0x1F400), *range(0xE0020, 0xE0080)]))  # skin tones, tags
_HALF_FLAGS = "".join(map(chr, range(0x1F1E6, 0x1F200)))
_ZERO_WIDTH_JOINER = "\u200d"


def split_text(text: str, longest: int) -> list[str]:
    """Return the text in parts of at most `longest` UTF-16 units; joined they are the text, to the letter.

    Cut at the last paragraph end that leaves a part at least half full, else at a sentence end, else at a word
    end, else between two characters that do not belong together. (An iPhone and Sendblue's own language count
    UTF-16 units, in which an emoji is two.)
    """
    parts = []
    while _units(text) > longest:
        at = _cut(text, _prefix(text, longest))
        parts.append(text[:at])
        text = text[at:]
    return [*parts, text]


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _prefix(text: str, longest: int) -> int:
    """How many characters fit."""
    fits = min(len(text), longest)
    while _units(text[:fits]) > longest:
        fits -= max(1, (_units(text[:fits]) - longest) // 2)
    return fits


def _cut(text: str, fits: int) -> int:
    for end in _ENDS:
        ends = [match.end() for match in end.finditer(text, 0, fits)]
        if ends and ends[-1] >= fits // 2:
            return ends[-1]
    at = fits
    while at > 1 and _belong_together(text, at):
        at -= 1
    return at if at > 1 else fits


def _belong_together(text: str, at: int) -> bool:
    """Whether a cut before `at` would tear a letter from its marks, or an emoji, a keycap or a flag apart."""
    before, after = text[at - 1], text[at]
    if unicodedata.category(after).startswith("M") or after in _CONTINUATIONS or _ZERO_WIDTH_JOINER in (before, after):
        return True
    half_flags_before = at - len(text[:at].rstrip(_HALF_FLAGS))
    return after in _HALF_FLAGS and half_flags_before % 2 == 1
