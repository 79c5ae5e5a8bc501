"""Slack's markup, written and read: escaping, times, cutting; links, emoji. Source: its "Formatting message text".

Pure, but for one file that is read at the first use.
"""

import json
import re
import unicodedata
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

_LINK = re.compile(r"<(?:mailto:|tel:|(?=https?://))(?P<address>[^|<>]*)(?:\|(?P<label>[^<>]*))?>")
_VERBATIM_OR_EMOJI = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Za-z][A-Za-z0-9+.-]{0,30}://|www\.|mailto:)\S+"  # a URL
    r"|(?s:```.*?```)|`[^`\n]+`"  # code
    r"|:(?P<name>[\w+'&.-]+):(?::skin-tone-(?P<tones>[2-6](?:-[2-6])?):)?"
)
# What may stand before an emoji: a space, a quote, an emoji's end (a variation selector, a keycap, a skin tone, a tag).
_OPENING = re.compile("[\\s\"'¿¡\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")


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


def as_read(text: str) -> str:
    text = _LINK.sub(_link_text, text)
    text = _unescape(re.sub(r"<#[A-Z0-9]+\|([^<>]+)>", r"#\1", text))  # a channel
    return _with_emoji(text) if ":" in text else text


def unlinked(text: str) -> str:
    """Return a number or an address without Slack's link around it: what stands before the `|`."""
    return _unescape(_LINK.sub(r"\g<address>", text))


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _link_text(link: re.Match[str]) -> str:
    address, label = link["address"], link["label"]
    if not label or not link[0].startswith("<http"):
        return label or address
    # Slack links what it recognises and keeps the typed form as label; a label of its own must not hide the address.
    typed = re.sub(r"^https?://", "", address).rstrip("/") == re.sub(r"^https?://", "", label).rstrip("/")
    return label if typed else f"{label} ({address})"


def _with_emoji(text: str) -> str:
    """Put emoji for their names, but not in a URL, an address or code, where `:b:` is no emoji."""
    parts, end = [], 0  # end: of the last emoji, after which the next may follow at once; of nothing at first
    for match in _VERBATIM_OR_EMOJI.finditer(text):
        start, before = match.start(), text[match.start() - 1]
        opens = start == end or _OPENING.match(before) or unicodedata.category(before) in ("Ps", "Pi", "So")
        if match["name"] and opens and (emoji := emoji_of(match["name"], match["tones"] or "")) is not None:
            parts += [text[end:start], emoji]  # other names are times of day, or a workspace's own
            end = match.end()
    return "".join([*parts, text[end:]])


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
