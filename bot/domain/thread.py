"""A place in Slack where a conversation is shown, and the one thing to do there next. Pure."""

from datetime import datetime
from enum import Enum, IntEnum
from itertools import accumulate
from typing import Self
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.attachment import Copy, Stage
from bot.domain.card import Card
from bot.domain.delivery import Delivery, News
from bot.domain.message import Message
from bot.domain.send import Send

# Values of shown_rev that are no count: what the root shows is …
UNKNOWN = -1  # … not known
EDITING = -2  # … being edited; at a claim: nobody answered it, and it may still be made

MOST_TOLD = 20  # of what is owed, in one reply
MOST_TOGETHER = 10  # files in one post; with a JPEG copy one counts twice
_PATIENT_FOR = 2  # failures to show files; then what follows them is shown first
LONGEST_SHOWN = 9_000  # characters of messages in one reply: a post may hold about 13,000 in all


class Lane(IntEnum):
    """What a step costs. Higher goes first."""

    MARK = -1  # reactions.add: limited for the whole workspace, as edits are, and in a queue of their own
    EDIT = 0  # chat.update
    FREE = 1  # looking something up
    POST = 2  # a new post: one slot of its channel


class Step(Enum):
    """One call to Slack."""

    NOTHING = None
    LOOK = "look"  # a post ended without an answer: is it there?
    OPEN = "open"  # post the root
    ADMIT = "admit"  # the root was typed by a person: may they text?
    REPLY = "reply"  # post all news as one reply
    SHARE = "share"  # have Slack show files of the customer's, below the words that came with them
    WAIT = "wait"  # for a file that is being copied, and that is to stand before what follows
    EDIT = "edit"  # bring the root's status line up to date
    MARK = "mark"  # the same for a root that a person typed, which can only be marked

    @property
    def lane(self) -> Lane:
        """What the step costs. Where there is none, the least: news raises it."""
        return _LANES.get(self, Lane.EDIT)


_LANES = {
    Step.OPEN: Lane.POST,
    Step.REPLY: Lane.POST,
    Step.SHARE: Lane.POST,
    Step.WAIT: Lane.FREE,
    Step.LOOK: Lane.FREE,
    Step.ADMIT: Lane.FREE,
    Step.MARK: Lane.MARK,
}


class Thread(Struct, frozen=True):
    """A Slack thread and how much of the truth it shows.

    A post is noted before it is made, so what a crash left behind is looked for before it is repeated. Whoever holds
    the claim changes the thread by the methods below, and stores what they return.
    """

    id: UUID
    channel: str  # where it stands; a user id while the bot's own DM with them is not open yet
    asked_in: str  # where the person typed
    line: str  # E.164
    customer: str  # E.164 or an e-mail address; "" once it is forgotten
    message: Message  # what its root shows
    parent_id: UUID | None = None  # the thread in which its root stands, or is to: that of a later text
    waits: bool = False  # for that thread to be opened
    thread_ts: str | None = None  # the root of that thread, once it is open
    root_ts: str | None = None
    typed_ts: str | None = None  # of a root that a person typed: where it stands, also before they were admitted
    mark: str = ""  # the newest on a typed root (`bot.domain.mark`)
    replies: int = 0
    rev: int = 0  # counts what became worth showing
    shown_rev: int = 0  # how much of that the root shows, or UNKNOWN or EDITING
    posting: int | None = None  # what is being posted: 0 the root, n reply n
    posting_since: datetime | None = None
    looked: int = 0
    closed: str = ""  # why nothing can be posted any more
    fence: int = 0
    failures: int = 0
    lease_until: datetime | None = None  # while it is claimed: until when
    sends: tuple[Send, ...] = ()  # of that message, and the first that something is owed about
    unshown: tuple[Message, ...] = ()  # the first others that are to be shown
    copies: tuple[Copy, ...] = ()  # files that are to stand below words which stand there
    private: bool | None = None  # whether its channel is a private place; None: not known, which counts as private
    has_card: bool = False  # whether there is more to say of its conversation than how its root's text stands
    card: Card | None = None  # that, where it is loaded

    @property
    def lead(self) -> Send:
        """The first send of a message of ours: whom its thread is about."""
        return self.sends[0]

    @property
    def forgotten(self) -> bool:
        """Whether we have forgotten the words of the root, which may still stand there."""
        return not (self.message.text or self.message.files or any(send.words.media_url for send in self.sends))

    @property
    def is_typed(self) -> bool:
        """Whether its root are words that a person typed in Slack."""
        return self.typed_ts is not None

    @property
    def moved(self) -> bool:
        return self.channel != self.asked_in

    @property
    def was_refused(self) -> bool:
        """Whether a text of ours stands nowhere, and never will."""
        stays = self.is_typed or not self.moved
        return bool(self.closed) and self.root_ts is None and stays and not self.message.inbound

    @property
    def tells(self) -> bool:
        """Whether a post is under way, or was given up, that tells something new."""
        return any(send.telling.under_way for send in self.sends)

    @property
    def shows(self) -> bool:
        """Whether a post is under way, or was given up, that shows what a customer said."""
        return any(one.showing for one in self.unshown)

    @property
    def shares(self) -> bool:
        """Whether a post of files is under way."""
        return any(one.is_under_way for one in self.copies)

    @property
    def has_shown(self) -> bool:
        """Whether it showed messages that were still to be shown when it was claimed."""
        return any(not one.to_show for one in self.unshown)

    @property
    def unsent(self) -> bool:
        """Whether there is a text in it that nobody has tried to send."""
        return any(send.known.delivery is Delivery.ACCEPTED for send in self.sends)

    def next_step(self) -> Step:
        if self.posting is not None:
            return Step.LOOK
        if self.closed:
            return Step.NOTHING
        if self.root_ts is None:
            return Step.ADMIT if self.is_typed else Step.OPEN
        files = {one.stage for one in self.copies if one.comes_next}
        to_show = any(one.to_show for one in self.unshown) and not self._waits_for_files
        if to_show or any(send.news for send in self.sends):
            return Step.REPLY
        if files:
            return Step.WAIT if Stage.WAITING in files else Step.SHARE
        if self.rev == self.shown_rev:
            return Step.NOTHING
        return Step.MARK if self.is_typed else Step.EDIT

    def begun(self, step: Step, now: datetime) -> Self:
        """Return what is noted before the call of a step."""
        if step.lane is not Lane.POST:
            return self
        number = 0 if step is Step.OPEN else self.replies + 1
        showing = self._next_to_show() if step is Step.REPLY and not self._waits_for_files else 0
        unshown = tuple(replace(one, showing=place < showing) for place, one in enumerate(self.unshown))
        news = [] if showing else [one for one in self.sends if one.news][:MOST_TOLD]
        told = {one.id: one.news for one in news}
        sends = tuple(replace(one, telling=one.telling.begun(told.get(one.id, News.NONE))) for one in self.sends)
        copies = self._copies(Stage.COPIED, Stage.SHARING) if step is Step.SHARE else self.copies
        noted = replace(self, posting=number, posting_since=now, looked=0, sends=sends, unshown=unshown)
        return replace(noted, copies=copies)

    @property
    def _waits_for_files(self) -> bool:
        """Whether files are to stand before what is to be shown next.

        That waits in vain no longer than for a few tries. If it has files itself, they go into one post with those
        that are still being copied, so it need not wait for these.
        """
        before = {one.stage for one in self.copies if one.comes_next}
        joins = before == {Stage.WAITING} and any(one.files for one in self.unshown[:1])
        return bool(before) and not joins and self.failures < _PATIENT_FOR

    def _copies(self, before: Stage, after: Stage) -> tuple[Copy, ...]:
        """Return the files after the first of them that stood at one stage came to another."""
        first = [one for one in self.copies if one.opened and one.stage is before]
        counts = accumulate(len(one.slack_file.split()) for one in first)
        moved = [one for one, count in zip(first, counts, strict=True) if count <= MOST_TOGETHER]
        return tuple(one.at(after) if one in moved else one for one in self.copies)

    def _next_to_show(self) -> int:
        """Return how many messages go into the next reply: the first, and what follows as far as it fits.

        What follows a file waits until that stands there; but several files in a row are one post.
        """
        room, count, filed = LONGEST_SHOWN, 0, False
        for one in self.unshown[:MOST_TOLD]:
            room -= len(one.text) + len(one.files)
            if count and (room < 0 or (filed and not one.files)):
                break
            count, filed = count + 1, filed or bool(one.files)
        return count

    @property
    def stands_in(self) -> str | None:
        """The root of the Slack thread that replies go to; before it is opened, that its root is to stand in."""
        return self.thread_ts or self.root_ts

    @property
    def shares_a_card(self) -> bool:
        """Whether the root of another thread says how this one's text stands, or where this one is."""
        return self.parent_id is not None or self.has_card

    def opened(self, channel: str, ts: str, *, shown_rev: int, private: bool | None = None) -> Self:
        """The root stands. Slack names the channel: for a user id, their direct message with the bot."""
        return replace(self.said(), channel=channel, root_ts=ts, shown_rev=shown_rev, private=private)

    def admitted(self) -> Self:
        """The author of a typed root may text."""
        return replace(self, root_ts=self.typed_ts, failures=0)

    def marked(self, mark: str) -> Self:
        """The typed root has this mark, or cannot have it."""
        return replace(self.left_as_it_is(), mark=mark, failures=0)

    def on_its_own(self) -> Self:
        """The thread in which it was to stand is gone: its root begins one."""
        return replace(self, parent_id=None, thread_ts=None)

    def replied(self) -> Self:
        return replace(self.said(), replies=self.posting or 0)

    def said(self) -> Self:
        """What was being posted stands, and the thread shows what was in it."""
        sends = tuple(replace(one, telling=one.telling.done()) for one in self.sends)
        unshown, shown = tuple(one.shown() for one in self.unshown), {one.id for one in self.unshown if one.showing}
        there = tuple(replace(one, opened=one.opened or one.message_id in shown) for one in self.copies)
        copies = tuple(one.at(Stage.DONE) if one.is_under_way else one for one in there)
        return replace(self, posting=None, failures=0, sends=sends, unshown=unshown, copies=copies)

    def edited(self) -> Self:
        """The root shows what is known; if the edit before had no answer, perhaps not for long."""
        return replace(self, shown_rev=UNKNOWN if self.shown_rev == EDITING else self.rev, failures=0)

    def left_as_it_is(self) -> Self:
        """The root cannot be edited; replies tell."""
        return replace(self, shown_rev=self.rev)

    def undone(self, step: Step) -> Self:
        """The call was certainly not made: what was noted before it is taken back. Looking changes no note."""
        if step is Step.LOOK:
            return replace(self, failures=self.failures + 1)
        return replace(self.not_posted(), failures=self.failures + 1)

    def unanswered(self, step: Step) -> Self:
        """The call was perhaps made. Its note stays, so the next step takes that into account."""
        shown_rev = EDITING if step is Step.EDIT else self.shown_rev
        return replace(self, shown_rev=shown_rev, failures=self.failures + 1)

    def looked_in_vain(self) -> Self:
        return replace(self, looked=self.looked + 1)

    def not_posted(self) -> Self:
        return replace(self, posting=None, looked=0, copies=self._under_way_at(Stage.COPIED))

    def taken(self) -> Self:
        """Slack said that it will show the files."""
        return replace(self, copies=self._under_way_at(Stage.TAKEN), failures=0)

    def copied_anew(self) -> Self:
        """Slack refused to show the files: they are to be copied once more."""
        failed = (replace(one, failures=one.failures + 1) if one.is_under_way else one for one in self.copies)
        copies = tuple(one.at(Stage.WAITING) if one.is_under_way else one for one in failed)
        return replace(self.not_posted(), copies=copies)

    def _under_way_at(self, stage: Stage) -> tuple[Copy, ...]:
        return tuple(one.at(stage) if one.is_under_way else one for one in self.copies)

    def moved_to_author(self) -> Self:
        """To be opened anew with the author. A user id as channel makes Slack open the bot's own DM with them."""
        moved = replace(self.on_its_own(), channel=self.message.author, root_ts=None)
        return replace(moved, replies=0, posting=None, failures=0)

    def closed_for(self, why: str) -> Self:
        """Nothing can be posted any more."""
        return replace(self, posting=None, closed=why[:80])
