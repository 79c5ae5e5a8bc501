"""Slack's emoji names and the emoji they stand for. Pure, but for one file that is read at the first use.

Source: iamcal/emoji-data, from which Slack's names come (`make emoji` renews the table).
"""

import json
from functools import cache
from pathlib import Path


def emoji_of(name: str, tones: str = "") -> str | None:
    """Return the emoji of a name such as `wave`; None when Slack has none of that name (a workspace may).

    tones: `2` to `6`, or `2-5` for two people; a tone that the emoji does not have is left out.
    """
    first, _, second = tones.partition("-")
    tones = tones if first != second else first
    return _names().get(f"{name}::skin-tone-{tones}") or _names().get(name)


@cache
def _names() -> dict[str, str]:
    names: dict[str, str] = json.loads(Path(__file__).with_name("emoji_names.json").read_text())["names"]
    return names
