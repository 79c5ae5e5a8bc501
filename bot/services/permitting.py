"""Who may text customers: configured people and channels, and by default no guest and no stranger."""

from datetime import datetime, timedelta

from bot.domain.clock import Clock
from bot.domain.message import Origin
from bot.domain.rules import Rules
from bot.errors import Refused, UsageError
from bot.slack.notifier import Notifier
from bot.slack.reasons import NOT_ALLOWED, NOT_HERE

_REMEMBERED_FOR = timedelta(minutes=5)
_MOST_REMEMBERED = 10_000


class Permitting:
    """Checks what can be checked at once at the door, and the rest before anything leaves."""

    def __init__(self, notifier: Notifier, clock: Clock, rules: Rules) -> None:
        self._notifier = notifier
        self._clock = clock
        self._rules = rules
        self._known: dict[tuple[str, str], tuple[datetime, str]] = {}

    def check_at_once(self, origin: Origin) -> None:
        """Raise UsageError where the settings alone say no."""
        if self._rules.channels and origin.channel not in self._rules.channels:
            raise UsageError(NOT_HERE)
        if self._rules.users and not self._rules.groups and origin.sender not in self._rules.users:
            raise UsageError(NOT_ALLOWED)

    async def check(self, user: str, team: str) -> None:
        """Ask Slack who somebody is, unless that was asked a moment ago. team: the workspace they acted in.

        Raises:
            Refused: `guest`, `stranger` or `not_allowed`: they may not; or Slack will not say (its own code).
            NotSent, Uncertain: Slack did not answer; ask again.
        """
        now = self._clock()
        asked_at, verdict = self._known.get((user, team), (None, ""))
        if asked_at is None or now - asked_at > _REMEMBERED_FOR:
            verdict = await self._verdict(user, team)
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[user, team] = (now, verdict)
        if verdict:
            raise Refused(verdict)

    async def _verdict(self, user: str, team: str) -> str:
        if not self._rules.guests:
            person = await self._notifier.person(user)
            # In a shared channel Slack calls nobody a stranger; their workspace tells.
            if person.stranger or (team and person.teams and team not in person.teams):
                return "stranger"
            if person.guest:
                return "guest"
        if not (self._rules.users or self._rules.groups) or user in self._rules.users:
            return ""
        for group in self._rules.groups:
            if user in await self._notifier.members(group):
                return ""
        return "not_allowed"
