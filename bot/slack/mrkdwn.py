"""A message's `text`, in Slack's mrkdwn → a draft, as `bot.slack.composed` makes of blocks. Pure.

It is read where a message has no blocks, and says less than they do: an emoji's name that was typed and an emoji that
was chosen look the same in it. Source: docs, "Formatting message text".
"""

import re
from functools import partial
from itertools import chain, zip_longest

from bot.slack.markup import emoji_of, escape, link_text, unescape

_TOKEN = re.compile(r"<(?P<target>[@#!][^<>|]*|[A-Za-z][A-Za-z0-9+.-]*:[^<>|]*)(?:\|(?P<label>[^<>]*))?>")
_MENTION = re.compile(r"@[UW][A-Z0-9]+|#[CGD][A-Z0-9]+|!subteam\^S[A-Z0-9]+|!(?:here|channel|everyone)")
_CODE = re.compile(r"(?s:```(?P<lines>.+?)```)|`(?P<word>[^`\n]+)`")
# A mark stands at a word's edge on the outside and touches it on the inside: neither 2 * 3 * 4 nor a_name_like_this.
_STYLES = [
    re.compile(rf"(?<![^\W_])(?<!{mark})[{mark}](?=[^\s{mark}])([^{mark}\n]+)(?<!\s)[{mark}](?![^\W_]|{mark})")
    for mark in (r"\*", "_", "~")
]
# Only `100` and `1234` are emoji; other figures are times of day.
_EMOJI = re.compile(r":(100|1234|(?!\d+:)[\w+'.-]{1,100}):(?::skin-tone-([2-6](?:-[2-6])?):)?")
_RUN = re.compile(rf"(?<!:)(?:{_EMOJI.pattern})++")


def draft(text: str) -> tuple[str, str]:
    """Return the draft, and what could not be read in it ("": it all could). text: without control characters."""
    tokens: list[str] = []
    code: list[str] = []
    unread: list[str] = []

    def keep_token(found: re.Match[str]) -> str:
        token = _token(found["target"], found["label"] or "")
        tokens.append(token or "")
        unread.extend([] if token else ["mention"])
        return "\0"

    def keep_code(found: re.Match[str]) -> str:
        code.append(found["lines"] or found["word"])
        return "\1"

    text = _CODE.sub(keep_code, escape(unescape(_TOKEN.sub(keep_token, text))))
    for style in _STYLES:
        text = style.sub(r"\1", text)
    text = _RUN.sub(partial(_emoji_run, unread=unread), text)
    for mark, kept in (("\1", code), ("\0", tokens)):  # code first: there may be tokens in it
        text = "".join(chain(*zip_longest(text.split(mark), kept, fillvalue="")))
    return text, unread[0] if unread else ""


def _token(target: str, label: str) -> str | None:
    if _MENTION.fullmatch(target):
        return f"<{target}>"
    if target.startswith(("@", "#", "!")):
        return escape(unescape(label)) or None  # a date has its words there
    address = re.sub(r"\A(?:mailto|tel):", "", target)
    return escape(link_text(unescape(address), unescape(label), web=address == target))


def _emoji_run(run: re.Match[str], unread: list[str]) -> str:
    """Put emoji for the names that stand side by side. unread: gets a word where no phone has one of them."""
    before, after = run.string[run.start() - 1 : run.start()], run.string[run.end() : run.end() + 1]
    glued = before.isalnum(), after.isalnum()

    def emoji(found: re.Match[str]) -> str:
        name, tones = found[1], found[2] or ""
        is_word = len(name) > 1 and not name.isdigit()
        if any(glued) and not is_word:
            return found[0]  # 10:100:20, a:b:c
        known = emoji_of(name, tones)
        if known or any(glued) or not is_word:
            return known or found[0]
        unread.append("emoji")
        return name  # a workspace's own: no phone has it

    return _EMOJI.sub(emoji, run[0])
