"""What strangers send does not fill a disk with log lines."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from bot.sendblue.tokens import CallbackTokens
from handlers.callbacks import Callbacks
from handlers.guard import Guard
from handlers.http import Answer

TOKENS = CallbackTokens("", ["secret"])
NOBODY: Any = SimpleNamespace(apply=None)  # what nothing refused comes to


def now() -> datetime:
    return datetime.now(UTC)


REFUSING = {
    "unsigned_request_refused": (401, Guard(NOBODY, "secret", NOBODY).events),
    "account_webhook_refused": (401, Callbacks(NOBODY, NOBODY, TOKENS, now, ["secret"], "US", NOBODY).account),
    "callback_unreadable": (400, Callbacks(NOBODY, NOBODY, TOKENS, now, [], "US", NOBODY).status),
}


async def refuse(event: str) -> None:
    async def garbage() -> dict[str, Any]:
        return {"type": "http.request", "body": b"garbage"}

    status, refusing = REFUSING[event]
    answer: Answer = await refusing({"type": "http", "path": TOKENS.url(UUID(int=7)), "headers": []}, garbage)
    assert answer.status == status


@pytest.mark.parametrize("event", REFUSING)
async def test_ten_thousand_refusals_are_one_line_and_hide_no_other_kind(logged: Callable[[], str], event: str) -> None:
    for _ in range(10_000):
        await refuse(event)
    others = REFUSING.keys() - {event}
    for other in others:
        await refuse(other)
    entries = [json.loads(line) for line in logged().splitlines()]
    warnings = [(entry["event"], entry["refused_since_last"]) for entry in entries if entry["level"] == "warning"]
    assert warnings == [(event, 0), *((other, 0) for other in others)]
