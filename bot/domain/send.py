"""A send: handing one message, or one part of it, to Sendblue; its fields by who changes them. Pure."""

from datetime import datetime
from typing import Self
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.delivery import GOOD, OUTCOMES, Delivery, News, milestone
from bot.domain.known import Known, Report


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
    try_number: int = 1  # of this part of its message; a person decides about each but the first
    quiet: bool = False  # a reply tells only what is wrong: the rest is shown where its message stands


class Decision(Struct, frozen=True):
    """What a person decided about a send."""

    choice: str  # "resend" or "leave"
    by: str  # a Slack user id
    at: datetime

    @property
    def repeats(self) -> bool:
        return self.choice == "resend"


class Telling(Struct, frozen=True):
    """What Slack was told of a send, by whoever holds its thread."""

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


class Send(Struct, frozen=True):
    """Handing one message, or one part of it, to Sendblue once, as it stands."""

    id: UUID
    message_id: UUID
    thread_id: UUID  # its message's
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
        if told:  # mostly nothing yet, and flags are slow to combine
            news &= ~told
        if self.words.quiet and not (told | self.telling.under_way or news & ~GOOD):
            return News.NONE
        return news

    def merge(self, report: Report) -> Self:
        """Return the send after one report, see `Known.merge`."""
        return replace(self, known=self.known.merge(report))

    def is_open_to(self, choice: str) -> bool:
        """Whether a person may still decide so: "resend" or "leave"."""
        if self.decision is not None or not self.words.recipient:
            return False
        return self.known.delivery is Delivery.UNCERTAIN or (choice == "resend" and self.known.was_refused)

    def repeated(self, repeat_id: UUID, now: datetime) -> "Send":
        """The next try of the same part, with nothing of what became of this one."""
        words = replace(self.words, accepted_at=now, try_number=self.words.try_number + 1)
        return Send(repeat_id, self.message_id, self.thread_id, words, Known(now))

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
        """Return the send as it was before the list suggested a handle that belongs to another text: in doubt.

        What the thread was told of that other text is to be told again, as a correction.
        """
        now = self.known
        known = Known(self.in_doubt_since, Delivery.UNCERTAIN, unconfirmed=now.unconfirmed, asked=now.asked)
        return replace(self, known=known, telling=Telling(self.telling.told & ~OUTCOMES, self.telling.under_way))

    @property
    def headline(self) -> tuple[object, ...]:
        """What the root's status line depends on: two sends with equal headlines read the same."""
        known = self.known
        if known.delivery <= Delivery.QUEUED and known.delivery is not Delivery.UNCERTAIN and not known.unconfirmed:
            # "Sending" or "waiting", whatever else is known. Nobody edits the root when a call begins, so a text that
            # waited is still told apart while it is being sent.
            waited = known.error_code if known.delivery <= Delivery.SENDING else ""
            until = self.schedule.lease_until if waited and known.delivery is Delivery.ACCEPTED else None
            return (Delivery.QUEUED, waited, until)
        facts = (known.picture_lost, known.unconfirmed, known.asked, known.was_refused)
        return (self.decision, known.delivery, known.service, *facts, known.error_code, known.error_text)
