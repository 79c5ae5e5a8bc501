"""How much waits, by kind, and for how long. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits, over all processes."""

    due: dict[str, int]  # by kind of work
    doable_since: dict[str, datetime]  # by kind, where some is due and its slot free: since when
    waiting_for_slot: dict[str, int]  # by kind
    open: dict[str, int]  # delivery → sends that are not over
    unshown: int  # messages of customers that Slack does not show yet
    unshown_since: datetime | None  # when the first of them was written
    without_place: int  # threads of customers that there is no channel for
    last_callback: datetime | None
    alarms: frozenset[str]  # what is wrong (`bot.domain.alarm`)

    def behind(self, now: datetime) -> dict[str, timedelta]:
        """Return kind → for how long the oldest could have been done."""
        return {kind: max(timedelta(0), now - since) for kind, since in self.doable_since.items()}
