"""Slack's markup, written and read: escaping, times, cutting; links, mentions, emoji.

Source: Slack's "Formatting message text".

Pure, but for one file that is read at the first use.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

_LINK = re.compile(r"<(?:mailto:|tel:|(?=https?://))(?P<address>[^|<>]*)(?:\|(?P<label>[^<>]*))?>")
_VERBATIM_OR_EMOJI = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Za-z][A-Za-z0-9+.-]{0,30}://|www\.|mailto:)\S+"  # a URL
    r"|(?s:```.*?```)|`[^`\n]+`"  # code
    r"|:(?P<name>[\w+'&.-]+):(?::skin-tone-(?P<tones>[2-6](?:-[2-6])?):)?"
)
_MENTION = re.compile(r"<(?:@(?P<person>[UW][A-Z0-9]+)|#(?P<channel>[CGD][A-Z0-9]+)|!subteam\^(?P<group>S[A-Z0-9]+))>")
_NAMELESS = {"person": "@somebody", "channel": "#a channel", "group": "@a group"}
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


def permalink(address: str, channel: str, ts: str) -> str:
    """Return the address of a message. address: the workspace's, with a slash at its end."""
    return f"{address}archives/{channel}/p{ts.replace('.', '')}"


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
    text = _LINK.sub(
        lambda link: link_text(link["address"], link["label"] or "", web=link[0].startswith("<http")), text
    )
    text = unescape(re.sub(r"<#[A-Z0-9]+\|([^<>]+)>", r"#\1", text))  # a channel
    return with_emoji(text)


def unlinked(text: str) -> str:
    """Return a number or an address without Slack's link around it: what stands before the `|`."""
    return unescape(_LINK.sub(r"\g<address>", text))


def unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def link_text(address: str, label: str, *, web: bool) -> str:
    """Return what a reader needs of a link. web: it is neither a mail address nor a number, whose label says enough."""
    if not label or not web:
        return label or address
    # Slack links what it recognises and keeps the typed form as label; a label of its own must not hide the address.
    typed = re.sub(r"^https?://", "", address).rstrip("/") == re.sub(r"^https?://", "", label).rstrip("/")
    return label if typed else f"{label} ({address})"


def mentioned(draft: str) -> list[str]:
    """Return the ids of the people, channels and user groups in a draft, each once."""
    return list(dict.fromkeys(mention[mention.lastgroup or ""] for mention in _MENTION.finditer(draft)))


def named(draft: str, names: Mapping[str, str]) -> str:
    """Return what a customer reads: names for mentions, and nothing escaped any more.

    draft: in Slack's escapes, mentions as `<@U…>`, `<#C…>` and `<!subteam^S…>` without a label. names: id → name, with
    its `@` or `#` or without.
    """

    def name(mention: re.Match[str]) -> str:
        kind = mention.lastgroup or ""
        nameless = _NAMELESS[kind]
        known = names.get(mention[kind], "").removeprefix(nameless[0])
        return escape(nameless[0] + known if known else nameless)

    return unescape(_MENTION.sub(name, draft))


def with_emoji(text: str) -> str:
    """Put emoji for their names, but not in a URL, an address or code, where `:b:` is no emoji."""
    if ":" not in text:
        return text
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
