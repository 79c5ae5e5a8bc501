"""`/imessage`."""

import hashlib
from collections.abc import Mapping, Sequence

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot import metrics
from bot.domain.message import Origin
from bot.errors import MaybeStored, NotStored, UsageError
from bot.sendblue.wire import STYLES
from bot.services.accepting import Accepting
from bot.services.permitting import Permitting
from bot.services.queries import Queries
from bot.slack import answers
from handlers.parsing import Help, StatusQuestion, parse_command


class Commands:
    def __init__(
        self, accepting: Accepting, permitting: Permitting, queries: Queries, *, region: str, lines: Sequence[str]
    ) -> None:
        self._accepting = accepting
        self._permitting = permitting
        self._queries = queries
        self._region = region
        self._lines = lines

    def register(self, app: AsyncApp) -> None:
        app.command("/imessage")(self.imessage)

    async def imessage(self, ack: AsyncAck, command: Mapping[str, str]) -> None:
        """`/imessage <number> <text>`: store the text, promise it, follow it in a thread."""
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
        asked = parse_command(command.get("text", ""), region=self._region, lines=self._lines)
        if isinstance(asked, Help):
            return "help", answers.help_text(self._lines, STYLES)
        if isinstance(asked, StatusQuestion):
            return "status", await self._queries.last_messages(command.get("user_id", ""), asked.recipient)
        origin = origin_of(command)
        self._permitting.check_at_once(origin)
        messages = await self._accepting.accept(asked, origin)
        return "accepted", answers.accepted(asked.recipient, len(messages))  # true by now: the rows are on disk


def origin_of(command: Mapping[str, str]) -> Origin:
    """Return where a command came from. Slack gives each gesture its own trigger_id, and every replay the same."""
    fields = ("team_id", "channel_id", "user_id", "response_url", "text")
    gesture = command.get("trigger_id") or hashlib.sha256(repr([command.get(f) for f in fields]).encode()).hexdigest()
    return Origin(
        key=f"command:{command.get('team_id', '')}:{gesture}"[:200],
        team=command.get("team_id", ""),
        channel=command.get("channel_id", ""),
        sender=command.get("user_id", ""),
        answer_url=command.get("response_url", ""),
    )
