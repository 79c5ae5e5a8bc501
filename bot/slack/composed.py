"""What Slack's composer made of what a person typed, in rich_text blocks → a draft. Pure.

A draft is text in Slack's escapes. Its tokens are the mentions that `bot.slack.markup.named` reads, and two that are
gone once the draft is read: `<!here>` (or `channel`, or `everyone`), and `<!message>` for a mention of a message.
Text in a block is as it was typed: it has no markup, and nothing in it is escaped. Source: docs, "Rich text block".
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.slack.markup import emoji_of, escape, link_text, with_emoji

Element = Mapping[str, Any]

_INDENT, _DEEPEST = "  ", 8
_LAST_OFFSET = 1_000_000
_TONES = {"1f3fb", "1f3fc", "1f3fd", "1f3fe", "1f3ff"}
_TONED = re.compile(r"(?P<name>.*?):{1,2}skin-tone-(?P<tones>[2-6](?:-[2-6])?):?")
_SCHEME = re.compile(r"(?:mailto|tel):")


def composed(blocks: Sequence[Any]) -> tuple[str, str]:
    """Return the draft, and the type of the first part that it does not say as it was typed ("": there is none)."""
    unread: list[str] = []
    drafts: list[str] = []
    for block in blocks:
        if type_of(block) != "rich_text":
            drafts.append(_stand_in(block, unread))
        else:
            drafts += [_part(part, unread) for part in _elements(block, unread)]
    return "\n".join(drafts), unread[0] if unread else ""


def type_of(element: object) -> str:
    """Return a word that is safe to show, whatever was sent as type."""
    kind = element.get("type") if isinstance(element, dict) else None
    return kind if isinstance(kind, str) and re.fullmatch(r"[a-z_]{1,40}", kind) else "element"


def _part(part: Any, unread: list[str]) -> str:
    """Return the lines of a paragraph, a list, a quote or code, without the last line's end."""
    kind = type_of(part)
    if kind == "rich_text_list":
        draft = "\n".join(_items(part, unread))
    elif kind in ("rich_text_section", "rich_text_quote"):
        draft = _inlines(part, unread).removesuffix("\n")  # before another part Slack may write it or leave it out
    elif kind == "rich_text_preformatted":
        draft = _inlines(part, unread, code=True)
    else:
        return _stand_in(part, unread)
    quoted = kind == "rich_text_quote" or bool(part.get("border"))  # a list or code in a quote has a border
    return "\n".join(f"&gt; {line}" for line in draft.split("\n")) if quoted else draft


def _items(part: Element, unread: list[str]) -> list[str]:
    """Return a list's items. A list goes on in another one after a deeper one; the offset says with which number."""
    indent = _INDENT * _count(part.get("indent"), _DEEPEST)
    first = _count(part.get("offset"), _LAST_OFFSET) + 1
    ordered = part.get("style") == "ordered"
    return [
        f"{indent}{f'{number}.' if ordered else '•'} "
        + (_inlines(item, unread) if type_of(item) == "rich_text_section" else _stand_in(item, unread))
        for number, item in enumerate(_elements(part, unread), first)
    ]


def _inlines(part: Element, unread: list[str], *, code: bool = False) -> str:
    return "".join(_inline(element, unread, code=code) for element in _elements(part, unread))


def _inline(element: Any, unread: list[str], *, code: bool) -> str:
    kind = type_of(element)
    if (read := _INLINES.get(kind)) is None:
        return _stand_in(element, unread)
    draft = escape(_text(element, "text")) if code and kind == "text" else read(element)
    if draft is None or (kind == "emoji" and re.fullmatch(r"[\w+'&.-]+", draft)):  # a name: no phone has that emoji
        unread.append(kind)
    return draft or ""


def _stand_in(element: Any, unread: list[str]) -> str:
    """Return the words that Slack gives for clients that do not know this type."""
    words = [_text(element, field) for field in ("text", "fallback", "url")] if isinstance(element, dict) else []
    shown = next(filter(None, words), None)
    if shown is None:
        unread.append(type_of(element))
        return ""
    return escape(shown) + ("<!message>" if "channel_id" in element else "")


def _typed(element: Element) -> str | None:
    style = element.get("style")
    if not isinstance(element.get("text"), str):
        return None
    text = _text(element, "text")
    return escape(text if isinstance(style, dict) and style.get("code") else with_emoji(text))


def _link(element: Element) -> str | None:
    url, label = _text(element, "url"), _text(element, "text")
    address = _SCHEME.sub("", url, count=1)
    return escape(link_text(address, label, web=address == url)) if url else None


def _emoji(element: Element) -> str | None:
    """Return the emoji; of a workspace's own, which no phone has, its name.

    A skin tone may stand in `unicode`, in the name, in `skin_tone`, or in several of them.
    """
    name, points = _text(element, "name"), _text(element, "unicode").lower().split("-")
    shown = _characters(points)
    if shown and not _TONES.isdisjoint(points):
        return escape(shown)
    tone = element.get("skin_tone")
    tones = str(tone) if tone in (2, 3, 4, 5, 6) else _text(element, "skin_tone")
    if (toned := _TONED.fullmatch(name)) is not None:
        name, tones = toned["name"], toned["tones"]
    return escape(emoji_of(name, tones) or shown or name.replace(":", "")) or None


def _characters(points: Sequence[str]) -> str:
    """Return what hexadecimal code points spell; "" where they are none."""
    if not all(re.fullmatch(r"[0-9a-f]{2,5}", point) for point in points):
        return ""
    return "".join(chr(int(point, 16)) for point in points)


def _id(field: str, pattern: str, token: str) -> Callable[[Element], str | None]:
    def read(element: Element) -> str | None:
        found = _text(element, field)
        return token.format(found) if re.fullmatch(pattern, found) else None

    return read


_INLINES: Mapping[str, Callable[[Element], str | None]] = {
    "text": _typed,
    "link": _link,
    "emoji": _emoji,
    "user": _id("user_id", "[UW][A-Z0-9]+", "<@{}>"),
    "channel": _id("channel_id", "[CGD][A-Z0-9]+", "<#{}>"),
    "usergroup": _id("usergroup_id", "S[A-Z0-9]+", "<!subteam^{}>"),
    "broadcast": _id("range", "here|channel|everyone", "<!{}>"),
    "date": lambda element: escape(_text(element, "fallback")) or None,  # its url is a link, not the date
    "color": lambda element: escape(_text(element, "value")) or None,
    "team": lambda _: None,  # has nothing but an id, which says nothing to a customer
}


def _elements(part: Element, unread: list[str]) -> Sequence[Any]:
    elements = part.get("elements")
    if isinstance(elements, list):
        return elements
    unread.append(type_of(part))
    return ()


def _text(element: Element, field: str) -> str:
    value = element.get(field)
    return value if isinstance(value, str) else ""


def _count(value: object, most: int) -> int:
    return max(0, min(value, most)) if isinstance(value, int) else 0
