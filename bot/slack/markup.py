"""Slack's markup for things that come up everywhere: escaping, numbers, times. Pure."""

import re
from datetime import datetime, timedelta

from bot.domain import number as number_words

FORGOTTEN = "a customer"
"""Stands for a number that is no longer kept."""


def escape(text: str) -> str:
    """Escape what Slack would read as a mention or a link. Exactly these three, says its reference."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def mask(number: str) -> str:
    """What a channel sees of a number: see `bot.domain.number.mask`."""
    return number_words.mask(number) if number else FORGOTTEN


def pretty(number: str) -> str:
    """What its sender sees: `+1 415-555-2671`."""
    return number_words.pretty(number) if number else FORGOTTEN


def when(at: datetime) -> str:
    """The time in the reader's own zone; UTC where a client cannot do that."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|{at:%b %-d, %H:%M} UTC>"


def clock_time(at: datetime) -> str:
    """The same without the day, for times that are minutes away."""
    return f"<!date^{int(at.timestamp())}^{{time}}|{at:%H:%M} UTC>"


def shorten_markup(text: str, length: int) -> str:
    """The same for text with markup in it: never in the middle of `&amp;` or of `<!date^…>`."""
    shown = shorten(text, length)
    return shown if shown == text else re.sub(r"(?:&[a-z]*|<[^>]*) …$", " …", shown)


def span(length: timedelta) -> str:
    """`24 hours`, `5 minutes`, `30 seconds`."""
    seconds = length.total_seconds()
    for size, unit in ((3600, "hour"), (60, "minute"), (1, "second")):
        count = round(seconds / size)
        stretched = size > 1 and abs(count * size - seconds) > seconds / 10  # then it is said in smaller units
        if count and not stretched:
            return f"{count} {unit}" + ("s" if count != 1 else "")
    return "a moment"


def shorten(text: str, length: int) -> str:
    """Return at most `length` characters, with an ellipsis when something is missing."""
    return text if len(text) <= length else text[: length - 2] + " …"
