"""Slack's composer: what becomes of what somebody types. Pure.

A typed text is plain, except that `<@U…>`, `<#C…>`, `<!subteam^S…>`, `<!here>` and `<https://…|label>` stand for what
somebody chose from the composer's lists. Source: docs, "Formatting message text" and "Rich text block".
"""

import re
import secrets
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TypeAlias

from sandbox.slack.emoji import element, glyph_pattern, glyphs
from sandbox.slack.escapes import escaped
from sandbox.traffic import Json

Part: TypeAlias = tuple[str, Json]
"""A piece of a message: in `text`, and as an element of its rich text."""

_CHOSEN = (
    r"<@(?P<user>[UW][A-Z0-9]+)>",
    r"<#(?P<channel>[CG][A-Z0-9]+)(?:\|[^>]*)?>",
    r"<!subteam\^(?P<group>S[A-Z0-9]+)(?:\|[^>]*)?>",
    r"<!(?P<range>here|channel|everyone)>",
    r"<(?P<url>(?:https?|mailto|tel):[^>|\s]+)(?:\|(?P<label>[^>]+))?>",
    r"(?P<bare>https?://[^\s<>]*[^\s<>.,;:!?)\"'])",
    r":(?P<name>[a-z0-9_+'-]+(?:::skin-tone-[2-6])?):",
)


def picked(typed: str, names: Mapping[str, str]) -> str:
    """Return what was typed with each name, such as `@ben`, turned into what a choice from the list would have put."""
    longest_first = sorted(names, key=len, reverse=True)
    pattern = rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?![\w-])"
    return re.sub(pattern, lambda match: names[match[0].lower()], typed, flags=re.IGNORECASE)


def composed(typed: str) -> tuple[str, list[Json]]:
    """Return a message's `text` and its `blocks`: one, a rich text; none for what has only files."""
    if not typed:
        return "", []
    parts = list(_parts(typed))
    section = {"type": "rich_text_section", "elements": _joined([part for _, part in parts])}
    block = {"type": "rich_text", "block_id": secrets.token_urlsafe(4), "elements": [section]}
    return "".join(text for text, _ in parts), [block]


@cache
def _pattern() -> re.Pattern[str]:
    return re.compile("|".join((*_CHOSEN, f"(?P<glyph>{glyph_pattern()})")))


def _parts(typed: str) -> Iterator[Part]:
    end = 0
    for match in _pattern().finditer(typed):
        yield _plain(typed[end : match.start()])
        yield _special(match) or _plain(match[0])
        end = match.end()
    yield _plain(typed[end:])


def _plain(text: str) -> Part:
    return escaped(text), {"type": "text", "text": text}


def _special(match: re.Match[str]) -> Part | None:
    """Return what is more than text, None for a name that is no emoji's."""
    kind, found = match.lastgroup, match.groupdict()
    if kind in ("user", "channel"):
        return match[0], {"type": kind, f"{kind}_id": found[kind]}
    if kind == "group":
        return match[0], {"type": "usergroup", "usergroup_id": found["group"]}
    if kind == "range":
        return match[0], {"type": "broadcast", "range": found["range"]}
    if kind in ("name", "glyph"):
        name = found["name"] or glyphs()[found["glyph"]]
        emoji = element(name)
        return (f":{name}:", emoji) if emoji else None
    url, label = found["url"] or found["bare"], found["label"]
    shown = f"<{escaped(url)}|{escaped(label)}>" if label else f"<{escaped(url)}>"
    return shown, {"type": "link", "url": url} | ({"text": label} if label else {})


def _joined(elements: list[Json]) -> list[Json]:
    """Return the elements without empty texts, and with neighbouring texts as one."""
    kept: list[Json] = []
    for one in elements:
        if one["type"] == "text" and kept and kept[-1]["type"] == "text":
            kept[-1] = {"type": "text", "text": kept[-1]["text"] + one["text"]}
        elif one.get("text") or one["type"] != "text":
            kept.append(one)
    return kept
