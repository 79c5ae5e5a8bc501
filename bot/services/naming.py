"""How the people, groups and channels are called that somebody mentions in words for a customer."""

from dataclasses import dataclass
from datetime import timedelta

from bot.domain.clock import Clock
from bot.errors import Refused
from bot.services.remembered import Remembered
from bot.slack.markup import mentioned, named
from bot.slack.notifier import Notifier

_REMEMBERED_FOR = timedelta(days=1)


@dataclass(eq=False)
class Naming:
    notifier: Notifier
    clock: Clock

    def __post_init__(self) -> None:
        self._known: Remembered[str, str] = Remembered(self.clock, _REMEMBERED_FOR)

    async def named(self, drafted: str) -> str:
        """Return a drafted text with names for its mentions. What Slack does not name gets a general word.

        After NotSent and Uncertain, ask again.
        """
        names = {one: await self._name(one) for one in mentioned(drafted)}
        return named(drafted, {one: name for one, name in names.items() if name})

    async def _name(self, one: str) -> str:
        if one not in self._known:
            try:
                self._known[one] = await self.notifier.name(one)
            except Refused:
                self._known[one] = ""
        return self._known[one]
