"""The place in Slack where messages are reported, and the one thing to do there next. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, IntEnum
from uuid import UUID

from bot.domain.message import Message

UNKNOWN = -1
"""As shown_rev: what the root shows is not known."""
EDITING = -2
"""As shown_rev: an edit is under way. Whoever finds this at a claim finds an edit that nobody answered, and that may
still be made."""


class Lane(IntEnum):
    """What a step costs. Higher goes first."""

    EDIT = 0  # chat.update: limited for the whole workspace, the least urgent
    FREE = 1  # looking something up, answering privately
    POST = 2  # a new message: one slot of its channel


class Step(Enum):
    """One call to Slack."""

    NOTHING = None
    LOOK = "look"  # a post ended without an answer: is it there?
    OPEN = "open"  # post the root
    ASIDE = "aside"  # tell the sender privately
    REPLY = "reply"  # post all news as one reply
    EDIT = "edit"  # bring the root's status line up to date

    @property
    def lane(self) -> Lane:
        """What the step costs. Where there is none, the least: news raises it."""
        if self in (Step.OPEN, Step.REPLY):
            return Lane.POST
        return Lane.FREE if self in (Step.LOOK, Step.ASIDE) else Lane.EDIT


@dataclass(frozen=True, slots=True)
class Thread:
    """A Slack thread and how much of the truth it shows.

    rev counts what became worth showing, shown_rev how much of that the root shows, or UNKNOWN or EDITING. posting is
    set before a post and cleared by its outcome (0: the root, n: reply n), so what a crash left behind is looked for
    before it is repeated.
    """

    id: UUID
    team: str
    channel: str  # where it stands; a user id while the bot's own DM with them is not open yet
    asked_in: str  # where the person typed
    sender: str
    answer_url: str
    created_at: datetime
    messages: tuple[Message, ...]
    root_ts: str | None = None
    replies: int = 0
    rev: int = 0
    shown_rev: int = 0
    posting: int | None = None
    posting_since: datetime | None = None
    looked: int = 0
    aside: str = ""  # why the sender is owed a private line
    closed: str = ""  # why nothing can be posted any more
    fence: int = 0
    failures: int = 0
    lease_until: datetime | None = None  # while it is claimed: until when

    @property
    def lead(self) -> Message:
        """The first message: whom the thread is about."""
        return self.messages[0]

    @property
    def moved(self) -> bool:
        """Whether the thread stands elsewhere than where the person typed."""
        return self.channel != self.asked_in

    def next_step(self) -> Step:
        """Return the most useful thing to do now."""
        if self.posting is not None:
            return Step.LOOK
        if self.closed:
            return Step.ASIDE if self.aside else Step.NOTHING
        if self.root_ts is None:
            return Step.OPEN
        if self.aside:
            return Step.ASIDE
        if any(message.news for message in self.messages):
            return Step.REPLY
        return Step.EDIT if self.rev != self.shown_rev else Step.NOTHING
