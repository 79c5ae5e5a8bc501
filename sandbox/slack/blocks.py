"""Block Kit's rules, as far as they bite: counts, lengths, known types. Pure.

Source: Block Kit reference (blocks, composition objects, block elements); the limit on all blocks
together is undocumented and was reported by integrators.
"""

from collections.abc import Callable, Iterator, Mapping

from sandbox.slack.records import SlackRefusalError
from sandbox.traffic import Json

MOST_BLOCKS = 50
_LAX = frozenset({"rich_text", "video", "file", "table", "call"})
"""Types taken without looking inside; nobody here sends them."""


def check_blocks(blocks: object, most: int) -> list[Json]:
    """Return the blocks of a message as they were sent. most: characters in all of them.

    Raises:
        SlackRefusalError: `invalid_blocks` with what is wrong, or `msg_blocks_too_long`.
    """
    if blocks in (None, ""):
        return []
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise SlackRefusalError("invalid_blocks_format")
    problems = list(block_problems(blocks, MOST_BLOCKS))
    if problems:
        raise SlackRefusalError("invalid_blocks", *problems)
    if sum(len(text) for block in blocks for text in _texts(block)) > most:
        raise SlackRefusalError("msg_blocks_too_long")
    return blocks


def block_problems(blocks: list[Json], most: int) -> Iterator[str]:
    """Yield what is wrong with blocks, of which there may be so many."""
    if len(blocks) > most:
        yield f"no more than {most} items allowed [json-pointer:/blocks]"
    named = [block["block_id"] for block in blocks if block.get("block_id")]
    if len(named) != len(set(named)):
        yield "block_id must be unique [json-pointer:/blocks]"
    if sum(len(block.get("text") or "") for block in blocks if block.get("type") == "markdown") > 12_000:
        yield "markdown blocks may hold 12000 characters together [json-pointer:/blocks]"
    for number, block in enumerate(blocks):
        for problem in _problems(block):
            yield f"{problem} [json-pointer:/blocks/{number}]"


def _problems(block: Json) -> Iterator[str]:
    kind = block.get("type")
    if len(str(block.get("block_id", ""))) > 255:
        yield "block_id must be at most 255 characters"
    if kind in _LAX:
        return
    check = _CHECKS.get(str(kind))
    if check is None:
        yield f"unsupported type: {kind}"
        return
    yield from check(block)


def _section(block: Json) -> Iterator[str]:
    text, fields = block.get("text"), block.get("fields")
    if text is None and not fields:
        yield "missing required field: text"
    if text is not None:
        yield from text_problems(text, 3000)
    if fields is not None:
        yield from _items(fields, 10, "fields")
        for field in _dicts(fields):
            yield from text_problems(field, 2000)
    if block.get("accessory") is not None:
        for accessory in _dicts([block["accessory"]]):
            yield from _element(accessory)


def _header(block: Json) -> Iterator[str]:
    yield from text_problems(block.get("text"), 150, only="plain_text")


def _context(block: Json) -> Iterator[str]:
    elements = block.get("elements")
    yield from _items(elements, 10, "elements")
    for element in _dicts(elements):
        yield from _image(element) if element.get("type") == "image" else text_problems(element, 3000)


def _actions(block: Json) -> Iterator[str]:
    elements = block.get("elements")
    yield from _items(elements, 25, "elements")
    names = [element["action_id"] for element in _dicts(elements) if element.get("action_id")]
    if len(names) != len(set(names)):
        yield "action_id must be unique within its block"
    for element in _dicts(elements):
        yield from _element(element)


def _input(block: Json) -> Iterator[str]:
    yield from text_problems(block.get("label"), 2000, only="plain_text")
    element = block.get("element")
    if not isinstance(element, dict):
        yield "missing required field: element"
    elif element.get("type") == "plain_text_input":
        for name, most in (("initial_value", 3000), ("action_id", 255)):
            if name in element:
                yield from _length(element[name], most, name)
        if "placeholder" in element:
            yield from text_problems(element["placeholder"], 150, only="plain_text")


def _image(block: Json) -> Iterator[str]:
    yield from _length(block.get("image_url") or block.get("slack_file"), 3000, "image_url")
    yield from _length(block.get("alt_text"), 2000, "alt_text")


def _markdown(block: Json) -> Iterator[str]:
    yield from _length(block.get("text"), 12_000, "text")


def _divider(_block: Json) -> Iterator[str]:
    return iter(())


def _element(element: Json) -> Iterator[str]:
    """Look at an interactive element or an image."""
    if not element.get("type"):
        yield "an element needs a type"
        return
    if len(str(element.get("action_id", ""))) > 255:
        yield "action_id must be at most 255 characters"
    if element["type"] == "image":
        yield from _image(element)
    if element["type"] == "button":
        yield from _button(element)


def _button(element: Json) -> Iterator[str]:
    yield from text_problems(element.get("text"), 75, only="plain_text")
    for name, most in (("value", 2000), ("url", 3000), ("accessibility_label", 75)):
        if name in element:
            yield from _length(element[name], most, name)
    if element.get("style") not in (None, "primary", "danger"):
        yield "style must be primary or danger"
    confirm = element.get("confirm")
    if isinstance(confirm, dict):
        yield from text_problems(confirm.get("title"), 100, only="plain_text")
        yield from text_problems(confirm.get("text"), 300)
        for name in ("confirm", "deny"):
            yield from text_problems(confirm.get(name), 30, only="plain_text")


def text_problems(text: object, most: int, only: str | None = None) -> Iterator[str]:
    """Yield what is wrong with a text object."""
    if not isinstance(text, dict):
        yield "missing required field: text"
        return
    if text.get("type") not in ("plain_text", "mrkdwn") or (only and text["type"] != only):
        yield f"unsupported text type: {text.get('type')}"
    if "verbatim" in text and text.get("type") != "mrkdwn":
        yield "verbatim is for mrkdwn only"
    yield from _length(text.get("text"), most, "text")


def _length(value: object, most: int, name: str) -> Iterator[str]:
    if isinstance(value, dict):
        return
    if not isinstance(value, str) or not value:
        yield f"{name} must be more than 0 characters"
    elif len(value) > most:
        yield f"{name} must be less than {most + 1} characters"


def _items(items: object, most: int, name: str) -> Iterator[str]:
    if not isinstance(items, list) or not items:
        yield f"{name} must have at least 1 item"
    elif len(items) > most:
        yield f"no more than {most} items allowed in {name}"
    elif len(_dicts(items)) < len(items):
        yield f"{name} must hold objects"


def _dicts(items: object) -> list[Json]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _texts(part: object) -> Iterator[str]:
    """Yield every piece of text in a block, however deep."""
    if isinstance(part, dict):
        for name, value in part.items():
            if isinstance(value, str) and name in ("text", "value", "url", "alt_text", "image_url"):
                yield value
            else:
                yield from _texts(value)
    elif isinstance(part, list):
        for item in part:
            yield from _texts(item)


_CHECKS: Mapping[str, Callable[[Json], Iterator[str]]] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "input": _input,
    "image": _image,
    "markdown": _markdown,
    "divider": _divider,
}
