"""Cutting a text that is too long for one message. Pure."""

import re
import unicodedata

_ENDS = (
    re.compile(r"\n\s*\n"),  # a paragraph
    re.compile(r"(?<![.!?…。！？])[.!?…。！？]++[\"'”’)\]]*+\s++|\n"),  # a sentence or a line; one try per row of dots
    re.compile(r"\s+"),  # a word
)
_JOINERS = "\u200d\ufe0e\ufe0f" + "".join(map(chr, range(0x1F3FB, 0x1F400)))  # what continues an emoji


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
    while at > 1 and (unicodedata.combining(text[at]) or text[at] in _JOINERS or text[at - 1] == "\u200d"):
        at -= 1
    return at if at > 1 else fits
