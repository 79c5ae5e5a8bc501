"""Slack's markup for things that come up everywhere: escaping, times, cutting. Pure."""

import re
from datetime import datetime, timedelta


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
