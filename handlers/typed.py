"""Slack's spelling of what a person typed → what they typed. Pure. Source: Slack's "Formatting message text"."""

import re
import unicodedata

from bot.slack.markup import emoji_of

_LINK = re.compile(r"<(?:mailto:|tel:|(?=https?://))(?P<address>[^|<>]*)(?:\|(?P<label>[^<>]*))?>")
_VERBATIM_OR_EMOJI = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Za-z][A-Za-z0-9+.-]{0,30}://|www\.|mailto:)\S+"  # a URL
    r"|(?s:```.*?```)|`[^`\n]+`"  # code
    r"|:(?P<name>[\w+'&.-]+):(?::skin-tone-(?P<tones>[2-6](?:-[2-6])?):)?"
)
# What may stand before an emoji: a space, a quote, an emoji's end (a variation selector, a keycap, a skin tone, a tag).
_OPENING = re.compile("[\\s\"'¿¡\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")


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
