"""Cutting a text that is too long for one message. Pure.

Where characters and sentences end is Unicode's word (UAX #29), through the `regex` library.
"""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import regex


def split_text(text: str, longest: int) -> list[str]:
    """Return the text in parts of at most `longest` UTF-16 units; joined they are the text, to the letter.

    Cut at the last paragraph end that leaves a part at least half full, else at a sentence end, else at a word end,
    else between two characters as a reader sees them. (An iPhone and Sendblue's own language count UTF-16 units, in
    which an emoji is two.)
    """
    parts, at = [], 0
    while (fits := _fitting(text, at, longest)) < len(text):
        end = _cut(text, at, fits)
        parts.append(text[at:end])
        at = end
    return [*parts, text[at:]]


def _fitting(text: str, at: int, longest: int) -> int:
    fits = min(len(text), at + longest)
    while (over := len(text[at:fits].encode("utf-16-le", "surrogatepass")) // 2 - longest) > 0:
        fits -= max(1, over // 2)
    return fits


def _cut(text: str, at: int, fits: int) -> int:
    *ends, character = _patterns()
    for end in ends:
        found = [match.end() for match in end.finditer(text, at, fits)]
        if found and found[-1] - at >= (fits - at) // 2:
            return int(found[-1])
    # One character more than fits: where it does not end there, the last one is cut in the middle.
    found = [match.end() for match in character.finditer(text, at, fits + 1)]
    return next((end for end in reversed(found) if at < end <= fits), fits)


@cache
def _patterns() -> "tuple[regex.Pattern[str], ...]":
    """Return where a paragraph, a sentence or line, and a word end, and what a reader sees as one character."""
    import regex  # noqa: PLC0415 - 3 MiB that only a long text needs

    stops = r"[[\p{SB=STerm}\p{SB=ATerm}…]]"
    # A full stop of the Latin script ends a sentence before a space; 。 and its like need none.
    sentence = rf"(?<!{stops}){stops}++(?:(?<=[[\p{{SB=STerm}}]--[!?]])\p{{SB=Close}}*+\s*+|\p{{SB=Close}}*+\s++)|\n"
    return tuple(regex.compile(f"(?V1){pattern}") for pattern in (r"\n\s*\n", sentence, r"\s+", r"\X"))
