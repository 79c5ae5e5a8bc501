"""What people do in Slack, as Bolt hands it over: `/imessage <number> <text>`, and clicks in a thread."""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from slack_bolt.async_app import AsyncAck

from bot import metrics
from bot.domain.message import Notice, Origin
from bot.domain.rules import Replies
from bot.errors import CallFailed, MaybeStored, NotStored, Refused, UsageError
from bot.sendblue.wire import STYLES
from bot.services.accepting import Accepting
from bot.services.deciding import Click, Deciding
from bot.services.permitting import Permitting
from bot.services.replying import Replying
from bot.slack import answers
from bot.slack.markup import permalink
from bot.slack.questions import rule_shown
from bot.slack.reasons import reason
from handlers.parsing import Help, RuleQuestion, StatusQuestion, parse_command

T = TypeVar("T")

_NOT_CHECKED = "I could not check whether you may do this, so nothing was done. Please try again."
_AT_ONCE = 1.0  # seconds for Slack, while who typed a command waits


@dataclass
class Listeners:
    accepting: Accepting
    replying: Replying
    deciding: Deciding
    permitting: Permitting
    region: str  # where numbers without a country code are, such as "US"
    lines: Sequence[str]  # ours, E.164
    watch_for: timedelta

    async def imessage(self, ack: AsyncAck, command: Mapping[str, str]) -> None:
        try:
            result, answer = await self._answer(command)
        except UsageError as error:
            result, answer = "refused", answers.usage(error)
        except MaybeStored:
            result, answer = "maybe_stored", answers.MAYBE_STORED
        except NotStored:
            result, answer = "not_stored", answers.NOT_STORED
        metrics.commands.labels(result).inc()
        await ack(answer)

    async def _answer(self, command: Mapping[str, str]) -> tuple[str, str]:
        asked = parse_command(command.get("text", ""), region=self.region, lines=self.lines)
        if isinstance(asked, Help):
            return "help", answers.help_text(self.lines, STYLES)
        if isinstance(asked, RuleQuestion):
            return "rule", await self._rule(asked.rule, _origin(command))
        if isinstance(asked, StatusQuestion):
            found = await self.accepting.last_of(command.get("user_id", ""), asked.recipient)
            return "status", answers.status(found, watched_for=self.watch_for, recipient=asked.recipient)
        origin = _origin(command)
        self.permitting.check_at_once(origin)
        accepted, parts = await self.accepting.accept(asked, origin)
        link = _link(command, accepted.root_ts)
        return "accepted", answers.accepted(asked.recipient, parts, link)  # true by now: the rows are on disk

    async def _rule(self, rule: Replies | None, origin: Origin) -> str:
        """Show or set what becomes of words typed in the channel's threads; who may text there may set it."""
        if rule is not None:
            self.permitting.check_at_once(origin)
            try:
                async with asyncio.timeout(_AT_ONCE):
                    await self.permitting.check(origin.author, origin.team)
            except Refused as error:
                raise UsageError(reason(error.code), about_sending=False) from None
            except (CallFailed, TimeoutError):
                raise UsageError(_NOT_CHECKED, about_sending=False) from None
            await self.replying.set_rule(origin.channel, rule, origin.author)
        found, own = await self.replying.rule(origin.channel)
        return rule_shown(found, own=own)

    async def decide(self, ack: AsyncAck, action: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        """*Send again*, *Try again* and *Leave it*."""
        await decide_by_click(self.deciding, self.deciding.decide, action["action_id"], action, body)
        await ack()

    async def decide_opt_out(self, ack: AsyncAck, action: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        """*Undo*, *Opt out this person* and *Keep texting*."""
        await decide_by_click(self.deciding, self.deciding.decide_opt_out, Notice(action["action_id"]), action, body)
        await ack()

    async def copy_again(self, ack: AsyncAck, action: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        """*Try again*, of a customer's file."""

        async def decide(attachment_id: UUID, _: None, click: Click) -> None:
            await self.deciding.copy_again(attachment_id, click)

        await decide_by_click(self.deciding, decide, None, action, body)
        await ack()


async def decide_by_click(
    deciding: Deciding,
    decide: Callable[[UUID, T, Click], Awaitable[None]],
    choice: T,
    action: Mapping[str, Any],
    body: Mapping[str, Any],
) -> None:
    """Hand a click over; say at once what cannot be stored. The button's value is the id of what it is about."""
    parts = (body.get(name) for name in ("user", "team", "channel"))
    user, team, channel = (part if isinstance(part, dict) else {} for part in parts)
    teams = (str(team.get("id") or ""), str(user.get("team_id") or ""))
    click = Click(str(user.get("id", "")), teams, str(channel.get("id", "")), str(body.get("response_url", "")))
    try:
        await decide(UUID(str(action.get("value", ""))), choice, click)
    except ValueError:
        await deciding.say_now(click, answers.in_vain(None))
    except NotStored:
        await deciding.say_now(click, answers.CLICK_NOT_STORED)


def _link(command: Mapping[str, str], root_ts: str | None) -> str:
    """Return the address of a message in the channel of a command, "" where there is none."""
    domain, channel = command.get("team_domain", ""), command.get("channel_id", "")
    if not root_ts or not re.fullmatch(r"[a-z0-9-]+", domain):
        return ""
    return permalink(f"https://{domain}.slack.com/", channel, root_ts)


def _origin(command: Mapping[str, str]) -> Origin:
    """Return where a command came from. Slack gives each gesture its own trigger_id, and every replay the same."""
    fields = ("team_id", "channel_id", "user_id", "response_url", "text")
    gesture = command.get("trigger_id") or hashlib.sha256(repr([command.get(f) for f in fields]).encode()).hexdigest()
    team, channel, author, answer_url = (command.get(field, "") for field in fields[:4])
    return Origin(f"command:{team}:{gesture}"[:200], team, channel, author, answer_url)
