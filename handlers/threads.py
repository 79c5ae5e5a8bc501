"""What people do in customers' threads, as Bolt hands it over: type, edit, delete, and answer what they are asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncAck

from bot.errors import NotStored, UsageError
from bot.services.deciding import Deciding
from bot.services.replying import Replying
from bot.slack import questions
from handlers.listeners import decide_by_click
from handlers.typed import read_event

log = structlog.get_logger(__name__)


@dataclass
class ThreadListeners:
    replying: Replying
    deciding: Deciding

    async def message(self, body: Mapping[str, Any]) -> None:
        """Any message in any channel the bot is in. What is not stored is answered 500, so that Slack repeats it."""
        if (typed := read_event(body)) is not None:
            await self.replying.take(typed)

    async def failed(self, error: Exception) -> BoltResponse:
        """Answer for a listener that raised. Slack repeats what was answered 500."""
        if isinstance(error, NotStored):
            log.warning("event_not_stored", error=str(error))
        else:
            log.error("listener_failed", exc_info=error)
        return BoltResponse(status=500, body="not stored, please send it again\n")

    async def decide(self, ack: AsyncAck, action: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        """*Send*, *Keep as note* and *Always send in this channel*."""
        choice = action["action_id"].partition("_")[0]
        await decide_by_click(self.deciding, self.deciding.decide_reply, choice, action, body)
        await ack()

    async def offer_correction(self, ack: AsyncAck, action: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        """*Send correction*: show the form."""
        trigger = str(body.get("trigger_id", ""))
        await decide_by_click(self.deciding, self.deciding.offer_correction, trigger, action, body)
        await ack()

    async def correct(self, ack: AsyncAck, view: dict[str, Any], body: Mapping[str, Any]) -> None:
        """The form was sent."""
        user, team = body.get("user") or {}, body.get("team") or {}
        try:
            message_id = UUID(str(view.get("private_metadata", "")))
            teams = " ".join(dict.fromkeys(filter(None, (team.get("id"), user.get("team_id")))))
            await self.replying.correct(message_id, questions.written_in(view), str(user.get("id", "")), teams)
        except (UsageError, ValueError) as error:
            why = str(error) if isinstance(error, UsageError) else "I don't know this form any more."
            await ack(response_action="errors", errors={questions.CORRECTION: f"Not sent: {why}"})
        except NotStored:
            await ack(response_action="errors", errors={questions.CORRECTION: questions.NOT_STORED})
        else:
            await ack()
