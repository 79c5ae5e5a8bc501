"""Frozen values: what a person wants sent, and a message as it stands, by who changes what of it. Pure."""

from datetime import datetime
from typing import Self
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.delivery import OUTCOMES, Delivery, News, milestone
from bot.domain.known import Known, Report


class Request(Struct, frozen=True):
    """What a person wants to have sent."""

    recipient: str  # E.164
    text: str  # exactly what the customer shall read; may be empty beside a media_url
    line: str | None = None  # E.164; None: the default line
    style: str | None = None
    media_url: str | None = None


class Origin(Struct, frozen=True):
    """Where in Slack a request came from. `key` is the same for every replay of the same gesture."""

    key: str
    team: str
    channel: str
    sender: str
    answer_url: str = ""


class Words(Struct, frozen=True):
    """What is sent, to whom. Nothing changes it but forgetting."""

    recipient: str  # E.164; "" once it is forgotten
    line: str
    text: str
    accepted_at: datetime
    part: int = 1
    parts: int = 1
    style: str | None = None
    media_url: str | None = None
    again_of: UUID | None = None  # the message this one repeats, by a person's decision


class Decision(Struct, frozen=True):
    """What a person decided about a message."""

    choice: str  # "resend" or "leave"
    by: str  # a Slack user id
    at: datetime

    @property
    def repeats(self) -> bool:
        return self.choice == "resend"


class Telling(Struct, frozen=True):
    """What Slack was told of a message, by whoever holds its thread."""

    told: News = News.NONE
    under_way: News = News.NONE  # in the reply that is being posted right now

    def begun(self, news: News) -> Self:
        return replace(self, under_way=news)

    def done(self) -> "Telling":
        return Telling(self.told | self.under_way)


class Schedule(Struct, frozen=True):
    """When it is whose turn, by whoever claims."""

    attempts: int = 0
    attempted_at: datetime | None = None
    polls: int = 0
    parked: bool = False  # a part before it is in doubt, so it blocks nobody and is not sent
    fence: int = 0
    lease_until: datetime | None = None


class Message(Struct, frozen=True):
    """One text to one recipient, as it stands."""

    id: UUID
    thread_id: UUID
    words: Words
    known: Known
    decision: Decision | None = None
    telling: Telling = Telling()
    schedule: Schedule = Schedule()

    @property
    def news(self) -> News:
        """What is owed: known, and not told yet. Only the newest milestone counts: older ones are implied."""
        known, told = self.known, self.telling.told
        news = milestone(known.delivery, known.service, doubted=News.UNCERTAIN in told)
        if known.unconfirmed and not known.is_final:
            news |= News.UNCONFIRMED
        if known.picture_lost and known.delivery >= Delivery.SENT and known.delivery is not Delivery.FAILED:
            news |= News.PICTURE_LOST
        if known.asked and self.decision is None and known.delivery is Delivery.UNCERTAIN:
            news |= News.ASKED
        if self.decision is not None:
            news |= News.DECIDED
        return news & ~told

    def merge(self, report: Report) -> Self:
        """Return the message after one report, see `Known.merge`."""
        return replace(self, known=self.known.merge(report))

    def is_open_to(self, choice: str) -> bool:
        """Whether a person may still decide so: "resend" or "leave"."""
        if self.decision is not None or not self.words.recipient:
            return False
        return self.known.delivery is Delivery.UNCERTAIN or (choice == "resend" and self.known.was_refused)

    def repeated(self, repeat_id: UUID, now: datetime) -> "Message":
        """The same text once more, with nothing of what became of this one."""
        words = replace(self.words, accepted_at=now, again_of=self.id)
        return Message(repeat_id, self.thread_id, words, Known(now))

    def behind(self, before: Known, *, overtaken: bool) -> Self:
        """Return this unsent part after news of the part before it. overtaken: later texts have left since."""
        if before.delivery is Delivery.FAILED:
            return self.merge(Report("bot", before.since, Delivery.FAILED, error_code="earlier_part_failed"))
        if before.delivery is Delivery.UNCERTAIN:
            return replace(self, schedule=replace(self.schedule, parked=True))
        if self.schedule.parked and overtaken:
            return self.merge(Report("bot", before.since, Delivery.FAILED, error_code="overtaken"))
        return replace(self, schedule=replace(self.schedule, parked=False))

    @property
    def in_doubt_since(self) -> datetime:
        """When the call was made whose answer is missing."""
        return self.schedule.attempted_at or self.words.accepted_at

    def without_the_lists_word(self) -> Self:
        """Return the message as it was before the list suggested a handle that belongs to another text: in doubt.

        What the thread was told of that other text is to be told again, as a correction.
        """
        now = self.known
        known = Known(self.in_doubt_since, Delivery.UNCERTAIN, unconfirmed=now.unconfirmed, asked=now.asked)
        return replace(self, known=known, telling=Telling(self.telling.told & ~OUTCOMES, self.telling.under_way))

    @property
    def headline(self) -> tuple[object, ...]:
        """What the root's status line depends on: two messages with equal headlines read the same."""
        known = self.known
        if known.delivery <= Delivery.QUEUED and known.delivery is not Delivery.UNCERTAIN and not known.unconfirmed:
            # "Sending" or "waiting", whatever else is known. Nobody edits the root when a call begins, so a text that
            # waited is still told apart while it is being sent.
            waited = known.error_code if known.delivery <= Delivery.SENDING else ""
            until = self.schedule.lease_until if waited and known.delivery is Delivery.ACCEPTED else None
            return (Delivery.QUEUED, waited, until)
        facts = (known.picture_lost, known.unconfirmed, known.asked, known.was_refused)
        return (self.decision, known.delivery, known.service, *facts, known.error_code, known.error_text)
