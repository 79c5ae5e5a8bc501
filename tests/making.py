"""Sends, messages and threads for tests, made and changed by what matters about each, whoever owns it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.known import Known
from bot.domain.message import Message, Origin
from bot.domain.send import Decision, Schedule, Send, Telling, Words
from bot.domain.thread import Thread
from bot.storage.intake import NewMessage, Routes

ROUTES = Routes(("+15550100900", "+15550100901"), timedelta(days=7))
_ABOUT = ("id", "thread_id", "recipient", "line", "text", "accepted_at", "since")


def a_send(*about: Any, **fields: Any) -> Send:
    """Return a send of these: id, thread_id, recipient, line, text, accepted_at, since; others by their names."""
    fields |= dict(zip(_ABOUT, about, strict=False))
    fields.setdefault("message_id", fields["thread_id"])  # the only one in it
    kinds = {"words": Words, "known": Known, "telling": Telling, "schedule": Schedule}
    owned = {name: kind(**_taken(kind, fields)) for name, kind in kinds.items()}
    return Send(**owned, **_decided(fields, owned["known"].since))


def changed(one: Send, **fields: Any) -> Send:
    """Return it with other values of these fields. decision: "resend", "leave" or ""."""
    owners = {name: getattr(one, name) for name in ("words", "known", "telling", "schedule")}
    owned = {name: replace(owner, **_taken(type(owner), fields)) for name, owner in owners.items()}
    return replace(one, **owned, **_decided(fields, one.known.since))


def a_thread(*sends: Send, **state: Any) -> Thread:
    """Return the thread of these sends, all of one message. state: its other fields."""
    words = sends[0].words
    place = {"channel": "C1", "asked_in": "C1", "message": a_message(sends)}
    return Thread(
        sends[0].thread_id, sends=sends, **(place | {"line": words.line, "customer": words.recipient} | state)
    )


def a_message(sends: Sequence[Send]) -> Message:
    words = sends[0].words
    text = "".join(send.words.text for send in sends if send.words.try_number == 1)
    return Message(sends[0].message_id, UUID(int=0), 0, "out", "T1", "U1", "", text, "", words.accepted_at)


def a_new_message(origin: Origin, *sends: Send) -> NewMessage:
    """Return what is stored when these sends are accepted."""
    return NewMessage(sends[0].message_id, sends[0].thread_id, origin, a_message(sends).text, sends, ROUTES)


def _taken(kind: type[Struct], fields: dict[str, Any]) -> dict[str, Any]:
    return {name: fields.pop(name) for name in kind.__struct_fields__ if name in fields}


def _decided(fields: dict[str, Any], since: datetime) -> dict[str, Any]:
    """Return fields with a decision in place of what was decided, by whom and when."""
    choice, by, at = (fields.pop(name, None) for name in ("decision", "decided_by", "decided_at"))
    return fields | ({"decision": Decision(choice, by or "U0BO", at or since)} if choice else {})
