"""Who may text customers: configured people and channels, and by default no guest and no stranger."""

from datetime import datetime, timedelta

import structlog

from bot.domain.clock import Clock
from bot.domain.message import Origin
from bot.domain.rules import Rules
from bot.errors import Refused, UsageError
from bot.slack.notifier import Notifier
from bot.slack.reasons import NOT_ALLOWED, NOT_HERE

log = structlog.get_logger(__name__)

_REMEMBERED_FOR = timedelta(minutes=5)
_MOST_REMEMBERED = 10_000


class Permitting:
    """Checks what can be checked at once at the door, and the rest before anything leaves."""

    def __init__(self, notifier: Notifier, clock: Clock, rules: Rules) -> None:
        self._notifier = notifier
        self._clock = clock
        self._rules = rules
        self._known: dict[tuple[str, frozenset[str]], tuple[datetime, str]] = {}

    def check_at_once(self, origin: Origin) -> None:
        """Raise UsageError where the settings alone say no."""
        if not self.allows_place(origin.channel):
            raise UsageError(NOT_HERE)
        if self._rules.users and not self._rules.groups and origin.sender not in self._rules.users:
            raise UsageError(NOT_ALLOWED)

    def allows_place(self, channel: str) -> bool:
        """Return whether the settings let people act in this conversation."""
        return not self._rules.channels or channel in self._rules.channels

    async def check(self, user: str, *teams: str) -> None:
        """Ask Slack who somebody is, unless that was asked a moment ago. teams: the workspaces they act in and are of.

        Raises:
            Refused: `guest`, `stranger` or `not_allowed`: they may not; or Slack will not say (its own code).
            NotSent, Uncertain: Slack did not answer; ask again.
        """
        now, places = self._clock(), frozenset(filter(None, teams))
        asked_at, verdict = self._known.get((user, places), (None, ""))
        if asked_at is None or not timedelta(0) <= now - asked_at <= _REMEMBERED_FOR:
            verdict = await self._verdict(user, places)
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[user, places] = (now, verdict)
        if verdict:
            raise Refused(verdict)

    async def _verdict(self, user: str, places: frozenset[str]) -> str:
        if not self._rules.guests:
            person = await self._notifier.person(user)
            # In a shared channel Slack calls nobody a stranger; their workspace tells. In one organisation a person may
            # belong to several.
            theirs = person.teams or (places if len(places) == 1 else frozenset())
            if person.stranger or not places <= theirs:
                return "stranger"
            if person.guest:
                return "guest"
        if not (self._rules.users or self._rules.groups) or user in self._rules.users:
            return ""
        return "" if await self._in_a_group(user) else "not_allowed"

    async def _in_a_group(self, user: str) -> bool:
        """A group that was deleted, or that Slack does not show us, must not keep out the people of the others."""
        unseen: Refused | None = None
        for group in sorted(self._rules.groups):
            try:
                if user in await self._notifier.members(group):
                    return True
            except Refused as error:
                log.warning("user_group_unreadable", group=group, code=error.code)
                unseen = unseen if error.code == "no_such_subteam" else error
        if unseen is not None:
            raise unseen
        return False
