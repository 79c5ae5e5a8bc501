"""Messages for tests, made and changed by what matters about each, whoever owns it."""

from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.known import Known
from bot.domain.message import Decision, Message, Schedule, Telling, Words

_ABOUT = ("id", "thread_id", "recipient", "line", "text", "accepted_at", "since")


def a_message(*about: Any, **fields: Any) -> Message:
    """Return a message of these: id, thread_id, recipient, line, text, accepted_at, since; others by their names."""
    fields |= dict(zip(_ABOUT, about, strict=False))
    kinds = {"words": Words, "known": Known, "telling": Telling, "schedule": Schedule}
    owned = {name: kind(**_taken(kind, fields)) for name, kind in kinds.items()}
    return Message(**owned, **_decided(fields, owned["known"].since))


def changed(one: Message, **fields: Any) -> Message:
    """Return it with other values of these fields. decision: "resend", "leave" or ""."""
    owners = {name: getattr(one, name) for name in ("words", "known", "telling", "schedule")}
    owned = {name: replace(owner, **_taken(type(owner), fields)) for name, owner in owners.items()}
    return replace(one, **owned, **_decided(fields, one.known.since))


def _taken(kind: type[Struct], fields: dict[str, Any]) -> dict[str, Any]:
    return {name: fields.pop(name) for name in kind.__struct_fields__ if name in fields}


def _decided(fields: dict[str, Any], since: datetime) -> dict[str, Any]:
    """Return fields with a decision in place of what was decided, by whom and when."""
    choice, by, at = (fields.pop(name, None) for name in ("decision", "decided_by", "decided_at"))
    return fields | ({"decision": Decision(choice, by or "U0BO", at or since)} if choice else {})
