"""Slack's spelling of what a person typed → what they typed. Pure. Source: Slack's "Formatting message text"."""

import re
import unicodedata

from bot.slack.emoji import emoji_of

_LINK = re.compile(r"<(?P<target>(?:https?://|mailto:|tel:)[^|<>]*)(?:\|(?P<label>[^<>]*))?>")
_CHANNEL = re.compile(r"<#[A-Z0-9]+\|(?P<name>[^<>]+)>")
_EMOJI = r":(?P<name>[\w+'&.-]+):(?::skin-tone-(?P<tones>[2-6](?:-[2-6])?):)?"
_VERBATIM = (
    r"(?<![A-Za-z0-9])(?:[A-Za-z][A-Za-z0-9+.-]*://|www\.|mailto:)\S+"  # a URL
    r"|```.*?```|`[^`\n]+`"  # code
)
# What may stand at the end of an emoji beside a symbol: a variation selector, a keycap, a skin tone, a tag.
_ENDS_AN_EMOJI = re.compile("[\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
_VERBATIM_OR_EMOJI = re.compile(rf"(?P<verbatim>{_VERBATIM})|{_EMOJI}", re.DOTALL)


def as_read(text: str) -> str:
    """Return what the customer shall read."""
    text = _LINK.sub(lambda link: _link_text(link["target"], link["label"]), text)
    text = _CHANNEL.sub(r"#\g<name>", text)
    text = _unescape(text)
    return _with_emoji(text) if ":" in text else text


def unlinked(text: str) -> str:
    """Return a number or an address without Slack's link around it: what stands before the `|`."""
    return _unescape(_LINK.sub(lambda link: _address(link["target"]), text))


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _address(target: str) -> str:
    return re.sub(r"^(?:mailto|tel):", "", target)


def _link_text(target: str, label: str | None) -> str:
    bare = _address(target)
    if not label:
        return bare
    # Slack links what it recognises and keeps the typed form as label; a label of its own must not hide the address.
    typed = re.sub(r"^https?://", "", bare).rstrip("/") == re.sub(r"^https?://", "", label).rstrip("/")
    return label if typed or target.startswith(("mailto:", "tel:")) else f"{label} ({bare})"


def _with_emoji(text: str) -> str:
    """Put emoji for their names, but not in a URL, an address or code, where `:b:` is no emoji."""
    parts, end, emoji_ended_at = [], 0, -1
    for match in _VERBATIM_OR_EMOJI.finditer(text):
        start = match.start()
        if match["verbatim"] or not (start == emoji_ended_at or _may_begin_after(text[max(0, start - 1) : start])):
            continue
        if (emoji := emoji_of(match["name"], match["tones"] or "")) is not None:  # or a time of day, a workspace's own
            parts += [text[end:start], emoji]
            end = emoji_ended_at = match.end()
    return "".join([*parts, text[end:]])


def _may_begin_after(char: str) -> bool:
    """Whether a name may begin after this character ("" at the start)."""
    opening = not char or char.isspace() or char in "\"'¿¡" or unicodedata.category(char) in ("Ps", "Pi")
    return opening or unicodedata.category(char) == "So" or _ENDS_AN_EMOJI.fullmatch(char) is not None
