"""Answering questions about messages. Changes nothing."""

from dataclasses import dataclass

from bot.domain.backlog import Backlog
from bot.domain.rules import Durations
from bot.slack import answers
from bot.storage.backlog import backlog
from bot.storage.history import Filter, find_messages
from bot.storage.store import Store


@dataclass(eq=False)
class Queries:
    store: Store
    durations: Durations

    async def last_messages(self, sender: str, recipient: str | None) -> str:
        """Return a person's last messages, in words. recipient: only those to this number (E.164). Raises NotStored."""
        found = await self.store.read(lambda tx: find_messages(tx, Filter(sender=sender, number=recipient, limit=5)))
        return answers.status(found, watched_for=self.durations.watch_for, recipient=recipient)

    async def backlog(self) -> Backlog:
        """Return what waits, over all processes. Raises NotStored."""
        return await self.store.read(backlog)
