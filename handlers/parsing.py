"""What people type after `/imessage` → a request. Pure.

Slack's clients turn straight quotes into smart ones and `--` into a dash, link what looks like a number or an
address, and send emoji as names. All that is undone or understood here; otherwise the text is left as it was typed.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import TypeAlias

from msgspec import Struct

from bot.domain.message import Request
from bot.domain.number import in_e164
from bot.domain.rules import Replies
from bot.errors import UsageError
from bot.sendblue.wire import STYLES
from bot.slack.markup import as_read, escape, unlinked
from handlers.media import check_media
from handlers.recipient import DASHES, bare, ends_of_numeric_run, parse_number, read_quoted, read_recipient

_OPTIONS = {"style": "confetti", "media": "https://example.com/menu.png", "from": "+1 555 010 0900"}  # → an example
_OPTION = re.compile(rf"(?:--|[\u2013\u2014\u2015])(?P<name>[A-Za-z][\w{DASHES}]*)=?\s*")
_END_OF_OPTIONS = re.compile(r"--\s")
_EXTENSION = re.compile(r"(?:x|ext\.?|extension)\s*\d+\b", re.IGNORECASE)
_OPTION_AT_THE_END = re.compile(
    r"(?i)(?<!\S)(?:--|[\u2013\u2014\u2015]{1,2})(?:style|media|from)"
    rf"(?:(?:=\s*+|\s++)(?:<[^>]*+>|[\"“„][^\"”“]*+[\"”“]|[+＋(]*\d[\d()./\s{DASHES}]*+|shooting\s++star|\S++))?\Z"
)


class Help(Struct, frozen=True):
    """The person wants to know how it works."""


class StatusQuestion(Struct, frozen=True):
    recipient: str | None  # E.164; None: the person's last messages to all


class RuleQuestion(Struct, frozen=True):
    rule: Replies | None  # to be set; None: to be shown


Asked: TypeAlias = Request | Help | StatusQuestion | RuleQuestion


def parse_command(text: str, *, region: str, lines: Sequence[str]) -> Asked:
    """Read a command's argument text as Slack sends it. Raises UsageError: it cannot be done, or is not clear."""
    text = text.strip()
    if not text or text.lower() == "help":
        return Help()
    first, *rest_of_it = text.split(maxsplit=1)
    if first.lower() == "status":
        return _status_question("".join(rest_of_it), region)
    if first.lower() == "replies":
        return _rule_question("".join(rest_of_it))
    options: dict[str, str] = {}
    rest, _ = _read_options(text, options, region, lines)
    recipient, rest = read_recipient(rest, region)
    rest, ended = _read_options(rest, options, region, lines)
    if not ended and (found := _OPTION_AT_THE_END.search(rest)) is not None:
        raise UsageError(  # an option, or the text's? Only the person knows
            f"your text ends with `{escape(unlinked(found[0]))}`, and the customer would read that. Write it before "
            "your text; or, if it belongs to the text, put it in quotes."
        )
    media_url = check_media(options["media"]) if "media" in options else None
    body = as_read(rest)
    if media_url is None and all(unicodedata.category(char) in ("Cc", "Cf", "Zs", "Zl", "Zp") for char in body):
        raise UsageError("there is no text. Write it after the number: `/imessage +1 415 555 2671 Table at eight?`")
    if _EXTENSION.match(body):
        raise UsageError("I can't text an extension. Leave it out, or write your text so that it starts with a word.")
    line = in_e164(bare(options["from"]), region) if "from" in options else None
    if "from" in options and line not in lines:
        raise UsageError(f"--from must be one of our lines: {', '.join(lines)}.")
    if recipient in lines:
        raise UsageError("that is one of our own lines. Use the customer's number.")
    style = re.sub(rf"[{DASHES}]", "_", options["style"].lower()) if "style" in options else None
    if style is not None and style not in STYLES:
        raise UsageError(f"I don't know that style. Use one of: {', '.join(STYLES)}.")
    return Request(recipient, body, line, style, media_url)


def _rule_question(rest: str) -> RuleQuestion:
    wanted = rest.strip().lower()
    if wanted and wanted not in tuple(Replies):
        raise UsageError(
            "the rule for what is typed in threads is `ask`, `send` or `mention`: `/imessage replies ask`",
            about_sending=False,
        )
    return RuleQuestion(Replies(wanted) if wanted else None)


def _status_question(rest: str, region: str) -> StatusQuestion:
    quoted = read_quoted(rest)
    try:
        return StatusQuestion(parse_number(unlinked(quoted[0] if quoted else rest), region) if rest else None)
    except UsageError as error:
        raise UsageError(str(error), about_sending=False) from None


def _read_options(rest: str, options: dict[str, str], region: str, lines: Sequence[str]) -> tuple[str, bool]:
    """Move `--name value` from the front of the rest into options; return what follows, and whether `--` ended them."""
    rest = rest.lstrip()
    while (match := _OPTION.match(rest)) is not None:
        name = match["name"].lower()
        if name not in _OPTIONS and not rest.startswith("--"):
            return rest, False  # a text that begins with a dash
        if name not in _OPTIONS:
            raise UsageError(
                f"I don't know the option --{name}. There are --style, --media and --from; "
                "to send a text that begins like this, write -- and a space before it."
            )
        if name in options:
            raise UsageError(f"--{name} was given twice. Leave one out.")
        options[name], rest = _read_value(rest[match.end() :], name, region, lines)
        rest = rest.lstrip()
    ended = _END_OF_OPTIONS.match(rest) is not None
    return (rest[2:].lstrip() if ended else rest), ended


def _read_value(rest: str, name: str, region: str, lines: Sequence[str]) -> tuple[str, str]:
    if (quoted := read_quoted(rest)) is not None:
        return unlinked(quoted[0]), rest[quoted[1] :]
    if name == "from":  # a number may have spaces; it ends where it is one of ours
        for end in ends_of_numeric_run(rest):
            if in_e164(bare(rest[:end]), region) in lines:
                return rest[:end], rest[end:]
    if (match := re.match(r"<[^>]*>|\S+", rest)) is None:
        raise UsageError(f"--{name} needs a value, such as `--{name} {_OPTIONS[name]}`.")
    return unlinked(match[0]), rest[match.end() :]
