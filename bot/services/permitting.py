"""Who may text customers: configured people and channels, and by default no guest and no stranger."""

from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from bot.domain.clock import Clock
from bot.domain.message import Origin
from bot.domain.rules import Rules
from bot.errors import CallFailed, Refused, UsageError
from bot.services.remembered import Remembered
from bot.slack.notifier import Notifier
from bot.slack.reasons import NOT_ALLOWED, NOT_HERE

log = structlog.get_logger(__name__)

NOT_PERMITTED = frozenset({"guest", "stranger", "not_allowed", "not_here"})
_REMEMBERED_FOR = timedelta(minutes=5)


@dataclass(eq=False)
class Permitting:
    notifier: Notifier
    clock: Clock
    rules: Rules
    _address: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self._private: Remembered[str, bool | None] = Remembered(self.clock, _REMEMBERED_FOR)
        self._verdicts: Remembered[tuple[str, frozenset[str]], str] = Remembered(self.clock, _REMEMBERED_FOR)

    def check_at_once(self, origin: Origin) -> None:
        """Raise UsageError where the settings alone say no."""
        if not self.allows_place(origin.channel):
            raise UsageError(NOT_HERE)
        if self.rules.users and not self.rules.groups and origin.author not in self.rules.users:
            raise UsageError(NOT_ALLOWED)

    def allows_place(self, channel: str) -> bool:
        return not self.rules.channels or channel in self.rules.channels

    async def check_in(self, channel: str, user: str, *teams: str) -> None:
        """As `check`, for somebody who acts in this channel; it raises Refused with `not_here`, too."""
        if not self.allows_place(channel):
            raise Refused("not_here")
        await self.check(user, *teams)

    async def address(self) -> str:
        """Return the workspace's address. Raises CallFailed: Slack does not say."""
        self._address = self._address or await self.notifier.address()
        return self._address

    async def is_private(self, channel: str) -> bool | None:
        """Whether a channel is a private place, as Slack said a moment ago; None: it does not say."""
        if not channel.startswith("C"):  # a direct message, of two or of several
            return True
        if channel not in self._private:
            private = None
            try:
                private = await self.notifier.is_private(channel)
            except Refused as error:
                log.warning("channel_counts_as_private", channel=channel, code=error.code)
            except CallFailed as error:  # to be asked again with the next post
                log.info("channel_not_asked_about", channel=channel, code=error.code)
                return None
            self._private[channel] = private
        return self._private[channel]

    async def check(self, user: str, *teams: str) -> None:
        """Ask Slack who somebody is, unless that was asked a moment ago. teams: the workspaces they act in and are of.

        Raises Refused with `guest`, `stranger` or `not_allowed`: they may not; with Slack's own code: it will not say.
        After NotSent and Uncertain, ask again.
        """
        asked = user, frozenset(filter(None, teams))
        if asked not in self._verdicts:
            self._verdicts[asked] = await self._verdict(*asked)
        if verdict := self._verdicts[asked]:
            raise Refused(verdict)

    async def _verdict(self, user: str, places: frozenset[str]) -> str:
        if not self.rules.guests:
            person = await self.notifier.person(user)
            # In a shared channel Slack calls nobody a stranger; their workspace tells. In one organisation a person may
            # belong to several.
            theirs = person.teams or (places if len(places) == 1 else frozenset())
            if person.stranger or not places <= theirs:
                return "stranger"
            if person.guest:
                return "guest"
        if not (self.rules.users or self.rules.groups) or user in self.rules.users:
            return ""
        return "" if await self._in_a_group(user) else "not_allowed"

    async def _in_a_group(self, user: str) -> bool:
        """A group that was deleted, or that Slack does not show us, must not keep out the people of the others."""
        unseen: Refused | None = None
        for group in sorted(self.rules.groups):
            try:
                if user in await self.notifier.members(group):
                    return True
            except Refused as error:
                log.warning("user_group_unreadable", group=group, code=error.code)
                unseen = unseen if error.code == "no_such_subteam" else error
        if unseen is not None:
            raise unseen
        return False
