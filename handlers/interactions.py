"""Clicks on the buttons in a thread."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from slack_bolt.async_app import AsyncAck

from bot.errors import NotStored
from bot.services.deciding import Click, Deciding
from bot.slack import answers


@dataclass
class Interactions:
    deciding: Deciding

    async def decide(self, ack: AsyncAck, action: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        """*Send again*, *Try again* and *Leave it*."""
        parts = (body.get(name) for name in ("user", "team", "channel"))
        user, team, channel = (part if isinstance(part, dict) else {} for part in parts)
        teams = (str(team.get("id") or ""), str(user.get("team_id") or ""))
        click = Click(str(user.get("id", "")), teams, str(channel.get("id", "")), str(body.get("response_url", "")))
        try:
            await self.deciding.decide(UUID(str(action.get("value", ""))), action["action_id"], click)
        except ValueError:
            self.deciding.note(click, answers.in_vain(None))
        except NotStored:
            self.deciding.note(click, answers.CLICK_NOT_STORED)
        await ack()
