"""How much waits, by kind, and for how long. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits, over all processes.

    due: kind of work → how much. doable_since: kind → since when some is due and its slot free; kinds without any are
    absent. waiting_for_slot: kind → how much. open: delivery → messages that are not over.
    """

    due: dict[str, int]
    doable_since: dict[str, datetime]
    waiting_for_slot: dict[str, int]
    open: dict[str, int]
    last_callback: datetime | None
    callbacks_missing: bool

    def behind(self, now: datetime) -> dict[str, timedelta]:
        """Return kind → for how long the oldest could have been done."""
        return {kind: max(timedelta(0), now - since) for kind, since in self.doable_since.items()}
