"""Slack's markup: escaping, times, cutting, emoji names. Pure, but for one file that is read at the first use."""

import json
import re
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path


def escape(text: str) -> str:
    """Escape what Slack would read as a mention or a link. Exactly these three, says its reference."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def when(at: datetime) -> str:
    """Return a time in the reader's own zone; in UTC where a client cannot do that."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|{at:%b %-d, %H:%M} UTC>"


def clock_time(at: datetime) -> str:
    """Return the same without the day, for times that are minutes away."""
    return f"<!date^{int(at.timestamp())}^{{time}}|{at:%H:%M} UTC>"


def span(length: timedelta) -> str:
    """Return `24 hours`, `5 minutes`, `30 seconds`: in smaller units where a larger one is more than a tenth off."""
    seconds = length.total_seconds()
    for size, unit in ((3600, "hour"), (60, "minute"), (1, "second")):
        count = round(seconds / size)
        if count and (size == 1 or abs(count * size - seconds) <= seconds / 10):
            return f"{count} {unit}" + ("s" if count != 1 else "")
    return "a moment"


def shorten(text: str, length: int) -> str:
    """Return at most `length` characters, with an ellipsis when something is missing."""
    return text if len(text) <= length else text[: length - 2] + " …"


def shorten_markup(text: str, length: int) -> str:
    """Return the same for text with markup: never cut in the middle of `&amp;` or of `<!date^…>`."""
    shown = shorten(text, length)
    return shown if shown == text else re.sub(r"(?:&[a-z]*|<[^>]*) …$", " …", shown)


def emoji_of(name: str, tones: str = "") -> str | None:
    """Return the emoji of a name such as `wave`; None when Slack has none of that name (a workspace may).

    tones: `2` to `6`, or `2-5` for two people; a tone that the emoji does not have is left out.
    """
    first, _, second = tones.partition("-")
    tones = tones if first != second else first
    return _emoji().get(f"{name}::skin-tone-{tones}") or _emoji().get(name)


@cache
def _emoji() -> dict[str, str]:  # from iamcal/emoji-data, as Slack's names are (`make emoji`)
    names: dict[str, str] = json.loads(Path(__file__).with_name("emoji_names.json").read_text())["names"]
    return names
