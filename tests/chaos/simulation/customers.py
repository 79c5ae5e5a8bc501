"""What customers wrote, as a simulated Sendblue holds it: brought by its webhook, and listed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from bot.domain.message import Inbound
from bot.domain.splitting import split_text
from bot.sendblue.inbound import Page

if TYPE_CHECKING:
    from tests.chaos.simulation.world import World

LONGEST = 24
"""Characters of a customer's words in one message of ours; the real number makes long stories."""

LISTED_LATE = timedelta(minutes=5)
"""How much later than the webhook the list may know a message: well within what is read again each time."""


@dataclass(slots=True, eq=False)
class Said:
    """One message. versions: its words, and those of each edit; taken: those that some process has answered for."""

    first: Inbound
    listed_at: datetime
    versions: list[Inbound] = field(default_factory=list)
    taken: list[Inbound] = field(default_factory=list)


def pieces(said: Inbound) -> list[str]:
    """Return what Slack must show of it. No piece is contained in one of another message."""
    files = [url.rpartition("/")[2].partition("?")[0] for url in said.files]
    return [*(part.strip() for part in split_text(said.text, LONGEST) if part), *files]


class Customers:
    """All they wrote. hooks: what the webhook has still to bring, the oldest first."""

    def __init__(self, world: "World") -> None:
        dice = world.dice
        self._world = world
        self.said: list[Said] = []
        self.hooks: list[tuple[Said, Inbound]] = []
        self.hooked = dice.random() < 0.85  # or there is no webhook
        self.order = dice.choice(("oldest first", "oldest first", "newest first", "any"))
        self.tells_more = dice.random() < 0.7  # a page says whether more follow
        # Where nothing says so, a page of nothing new ends the list: such pages are long, as the real ones.
        self.page = dice.choice((1, 2, 3)) if self.tells_more else 25

    @property
    def all_listed_at(self) -> datetime:
        """When the list knows all that was written so far."""
        return max((said.listed_at for said in self.said), default=self._world.now)

    def write(self, line: str, customer: str, text: str, media: Sequence[str] = ()) -> None:
        """A customer writes, and the webhook brings it once, twice or never."""
        dice, now = self._world.dice, self._world.now
        first = Inbound(f"in{len(self.said) + 1}", line, customer, text, tuple(media), now)
        listed_at = now + dice.choice((0, 0, 0.01, 0.2, 1)) * LISTED_LATE
        said = Said(first, listed_at, [first])
        self.said.append(said)
        self._world.tell(f"{customer[-4:]} writes {text!r} to {line[-4:]}")
        self._hook(said, first)

    def edit(self, said: Said) -> None:
        """They change their words; only the webhook says so."""
        edited = replace(said.first, text=f"Anew {said.first.handle}, {len(said.versions)}.")
        said.versions.append(edited)
        self._world.tell(f"{said.first.handle} is edited: {edited.text!r}")
        self._hook(said, edited)

    def _hook(self, said: Said, version: Inbound) -> None:
        times = self._world.dice.choice((0, 1, 1, 1, 2)) if self.hooked else 0
        self.hooks += [(said, version)] * times

    def listed(self, line: str, since: datetime, offset: int, *, endless: bool) -> Page:
        """Return a page of the list. endless: it pays no heed to the offset, and always says that more follow."""
        now = self._world.now
        there = [one for one in self.said if one.first.line == line and one.listed_at <= now and one.first.at >= since]
        orders = {"newest first": lambda one: -one.first.at.timestamp(), "any": lambda one: one.first.handle[::-1]}
        there.sort(key=orders.get(self.order, lambda one: one.first.at))
        at = 0 if endless else offset
        page = there[at : at + self.page]
        more = endless or len(there) > at + self.page
        said = [self._world.dice.choice(one.versions) for one in page]  # the list may have old words
        return Page(said, [one.handle for one in said], 0, more if self.tells_more or endless else None)
