"""Slack's emoji by name. Source: the same public data set that Slack's names come from; `make emoji` renews it."""

import json
import re
from functools import cache
from pathlib import Path

from sandbox.traffic import Json

_TONED = re.compile(r"(?P<name>[^:]+)(?:::skin-tone-(?P<tone>[2-6]))?")
_TABLE = Path(__file__).parents[2] / "bot" / "slack" / "emoji_names.json"


@cache
def names() -> dict[str, str]:
    """Return what each name stands for, with and without a skin tone, such as `+1::skin-tone-2`."""
    table: dict[str, str] = json.loads(_TABLE.read_text())["names"]
    return table


@cache
def glyphs() -> dict[str, str]:
    """Return the name of each emoji that somebody can type as a character; of several names, the first."""
    named: dict[str, str] = {}
    for name, glyph in names().items():
        named.setdefault(glyph, name)
    return named


@cache
def glyph_pattern() -> str:
    """Return a pattern that finds the longest emoji first."""
    return "|".join(re.escape(glyph) for glyph in sorted(glyphs(), key=len, reverse=True))


def element(name: str) -> Json | None:
    """Return the rich text element of a name, None if there is no such emoji."""
    glyph = names().get(name)
    match = _TONED.fullmatch(name)
    if glyph is None or match is None:
        return None
    made: Json = {"type": "emoji", "name": match["name"], "unicode": "-".join(f"{ord(char):x}" for char in glyph)}
    return made | ({"skin_tone": int(match["tone"])} if match["tone"] else {})
