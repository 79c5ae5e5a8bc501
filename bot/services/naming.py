"""How the people, groups and channels are called that somebody mentions in words for a customer."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.clock import Clock
from bot.errors import Refused
from bot.slack.markup import mentioned, named
from bot.slack.notifier import Notifier

_REMEMBERED_FOR = timedelta(days=1)
_MOST_REMEMBERED = 10_000


@dataclass(eq=False)
class Naming:
    notifier: Notifier
    clock: Clock
    _known: dict[str, tuple[datetime, str]] = field(default_factory=dict, init=False)

    async def named(self, drafted: str) -> str:
        """Return a drafted text with names for its mentions. What Slack does not name gets a general word.

        After NotSent and Uncertain, ask again.
        """
        names = {one: await self._name(one) for one in mentioned(drafted)}
        return named(drafted, {one: name for one, name in names.items() if name})

    async def _name(self, one: str) -> str:
        asked_at, name = self._known.get(one, (None, ""))
        if asked_at is None or not timedelta(0) <= self.clock() - asked_at <= _REMEMBERED_FOR:
            try:
                name = await self.notifier.name(one)
            except Refused:
                name = ""
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[one] = (self.clock(), name)
        return name
