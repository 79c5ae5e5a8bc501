"""What Slack tells of a person's words in a thread → a reply, an edit or a removal. Pure.

Slack may send anything: what has not the shape that it documents is not for us, or is held as unread. Source: docs,
"message event" and its subtypes.
"""

import re
from collections.abc import Mapping
from typing import Any

from bot.domain.reply import Edit, Removal, Reply, SharedFile, file_name
from bot.slack import mrkdwn
from bot.slack.composed import composed, type_of
from bot.slack.markup import mentioned, named

Fields = Mapping[str, Any]

_READ = (None, "file_share", "thread_broadcast")  # subtypes; all others tell of something else than words to send
_NOT_OF_PEOPLE = ("bot_id", "bot_profile", "display_as_bot", "streaming_state", "hidden")
_SLACKBOT = "USLACKBOT"
_UNREADABLE = SharedFile("", "file", 0, "file_unreadable")
_MODES = {"external": "file_external", **dict.fromkeys(("snippet", "post", "email", "canvas"), "file_snippet")}
_CALL = re.compile(r"<!(here|channel|everyone)>")
_TOKEN = re.compile(r"<[@#!]")  # what was typed is escaped, so nothing else looks like this
# A phone does not show these. A joiner stays where scripts and emoji need it: between two that are not ASCII.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\u200b\u2060\ufeff]|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
)


def read_event(body: Fields) -> Reply | Edit | Removal | None:
    """Read a whole `event_callback`. None: it is not for us."""
    event = _fields(body, "event")
    channel = _id(event, "channel")
    if event.get("type") != "message" or not channel:
        return None
    deleted, changed = event.get("subtype") == "message_deleted", event.get("subtype") == "message_changed"
    message = _fields(event, "previous_message" if deleted else "message") if deleted or changed else event
    us = _authorized(body, "user_id") or _id(message, "parent_user_id")  # the root's author is our bot
    team = _authorized(body, "team_id") or _id(body, "team_id")
    reply = read_message(message, team=team, channel=channel, us=us)
    if deleted:
        deleted_ts = _ts(event, "deleted_ts")
        known = reply if reply and reply.ts == deleted_ts else None
        return Removal(channel, deleted_ts, known) if deleted_ts else None
    return _edit(reply, message, event.get("previous_message"), us) if changed and reply else reply


def read_message(message: Fields, *, team: str, channel: str, us: str) -> Reply | None:
    """Read one message of a thread. None: it is not a person's, or not a reply.

    team: our workspace. us: our bot's user id.
    """
    author, ts, thread_ts = _id(message, "user"), _ts(message, "ts"), _ts(message, "thread_ts")
    if message.get("subtype") not in _READ or any(message.get(field) for field in _NOT_OF_PEOPLE):
        return None
    if not (author and ts and thread_ts) or author in (us, _SLACKBOT) or thread_ts == ts:
        return None
    theirs = _id(message, "user_team") or _id(message, "team") or team
    gesture = message.get("client_msg_id")
    if not isinstance(gesture, str) or not re.fullmatch(r"[A-Za-z0-9-]{1,100}", gesture):
        gesture = ts
    teams = " ".join(dict.fromkeys(filter(None, (team, theirs))))
    return Reply(f"reply:{theirs}:{author}:{gesture}", teams, channel, thread_ts, ts, author, *_words(message, us))


def _edit(reply: Reply, message: Fields, previous: object, us: str) -> Edit | None:
    """Return the edit unless nothing a person did changed the words: an added preview of a link is told alike."""
    edited_ts = _ts(_fields(message, "edited"), "ts")
    if not edited_ts:
        return None
    if isinstance(previous, dict):
        known_ts = _ts(_fields(previous, "edited"), "ts")
        if known_ts == edited_ts or _words(previous, us) == _words(message, us):
            return None
    return Edit(reply, edited_ts)


def _words(message: Fields, us: str) -> tuple[str, bool, bool, bool, str, tuple[SharedFile, ...]]:
    """Return a reply's text, drafted, to_us, names_others, unread and files."""
    draft, unread = _draft(message)
    draft = draft.strip()
    to_us = bool(us) and draft.startswith(f"<@{us}>")
    if to_us:
        draft = _without_mention(draft, us)
    names_others = _TOKEN.search(draft) is not None
    draft = _CALL.sub(r"@\1", draft).replace("<!message>", "")
    drafted = bool(mentioned(draft))
    return draft if drafted else named(draft, {}), drafted, to_us, names_others, unread, _files(message)


def _draft(message: Fields) -> tuple[str, str]:
    blocks, text = message.get("blocks"), message.get("text")
    if isinstance(blocks, list) and blocks and type_of(blocks[0]) == "rich_text":
        draft, unread = composed(blocks)
    else:
        draft, unread = mrkdwn.draft(_clean(text)) if isinstance(text, str) else ("", "")
        unread = unread or ("text" if text is not None and not isinstance(text, str) else "")
    whole = draft.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # joins halves of a character
    if whole != draft and "\ufffd" in whole:
        unread = unread or "text"
    attached = message.get("attachments")
    if isinstance(attached, list) and any(isinstance(one, dict) and one.get("is_share") for one in attached):
        unread = unread or "attachment"  # a message that was forwarded, not a preview of a link
    return _clean(whole), unread


def _clean(text: str) -> str:
    """Return text without what a phone does not show."""
    return text if text.isascii() and text.isprintable() else _INVISIBLE.sub("", text.replace("\u00a0", " "))


def _without_mention(draft: str, us: str) -> str:
    """Cut our mention at the front, and a comma or a colon that is not an emoticon's eyes."""
    return re.sub(rf"\A(?:<@{re.escape(us)}>(?:\s*[:,]+(?=\s|\Z)|[:,]+(?![()\[\]|/\\*-]))?\s*)+", "", draft)


def _files(message: Fields) -> tuple[SharedFile, ...]:
    files = message.get("files")
    if not isinstance(files, list):
        return (_UNREADABLE,) if files is not None or message.get("subtype") == "file_share" else ()
    there = [one for one in files if not isinstance(one, dict) or one.get("mode") != "tombstone"]  # those were removed
    return tuple(_file(one) if isinstance(one, dict) else _UNREADABLE for one in there)


def _file(fields: Fields) -> SharedFile:
    """Return what a message says of a file. Of what another workspace shared it says its id alone."""
    size = fields.get("size")
    known = _id(fields, "id")
    problem = _MODES.get(str(fields.get("mode")), "") if known else _UNREADABLE.problem
    problem = "file_external" if fields.get("is_external") is True else problem
    size = size if isinstance(size, int) and not isinstance(size, bool) and 0 < size < 2**31 else 0
    return SharedFile(known, file_name(fields.get("name")), size, problem)


def _authorized(body: Fields, field: str) -> str:
    """Return our bot's user id or our workspace's, for which Slack tells it: another's event may be told, too."""
    authorizations = body.get("authorizations")
    first = authorizations[0] if isinstance(authorizations, list) and authorizations else None
    return _id(first, field) if isinstance(first, dict) else ""


def _fields(outer: Fields, field: str) -> Fields:
    value = outer.get(field)
    return value if isinstance(value, dict) else {}


def _id(fields: Fields, field: str) -> str:
    return _matching(fields.get(field), r"[A-Z0-9]{1,40}")


def _ts(fields: Fields, field: str) -> str:
    return _matching(fields.get(field), r"[0-9]{1,10}\.[0-9]{1,9}")


def _matching(value: object, pattern: str) -> str:
    return value if isinstance(value, str) and re.fullmatch(pattern, value) else ""
