"""Frozen values: what a person wants sent, a message as it stands, one report about it, and the merge of the two."""

from datetime import datetime
from operator import attrgetter
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.delivery import OUTCOMES, Delivery, HandleFrom, News, Service, is_final, milestone


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


class Facts(Struct, frozen=True, kw_only=True):
    """What may become known beside how far a message came. Each is either not known (yet) or true for good."""

    picture_lost: bool = False  # the text went without its picture
    unconfirmed: bool = False  # it was watched as long as promised
    asked: bool = False  # in doubt for so long that a person may decide


class Report(Facts, frozen=True):
    """One piece of news about one message, from whichever source."""

    source: str  # "send", "callback", "poll", "list", or "bot" for our own conclusions
    at: datetime  # when it happened, as the vendor says (aware UTC), or when we heard
    delivery: Delivery | None = None  # None when the word is unknown to us: it is kept and changes nothing
    word: str = ""
    handle: str | None = None
    service: Service = Service.UNKNOWN
    error_code: str = ""
    error_text: str = ""
    recipient: str = ""
    if_still: Delivery | None = None  # counts only while the message stands there
    handle_from: HandleFrom = HandleFrom.NOWHERE


class Message(Facts, frozen=True):
    """One text to one recipient, as it stands."""

    # its words
    id: UUID
    thread_id: UUID
    recipient: str  # E.164; "" once it is forgotten
    line: str
    text: str
    accepted_at: datetime
    since: datetime  # when it came as far as `delivery`
    part: int = 1
    parts: int = 1
    style: str | None = None
    media_url: str | None = None
    again_of: UUID | None = None  # the message this one repeats, by a person's decision
    # its delivery, which reports change
    delivery: Delivery = Delivery.ACCEPTED
    service: Service = Service.UNKNOWN
    handle: str | None = None
    handle_from: HandleFrom = HandleFrom.NOWHERE
    error_code: str = ""  # why it failed or is in doubt; before it was taken: why it waits, where that is worth saying
    error_text: str = ""
    # what a person decided about it
    decision: str = ""  # "resend" or "leave"
    decided_by: str = ""  # a Slack user id
    decided_at: datetime | None = None
    # what Slack was told of it
    told: News = News.NONE
    telling: News = News.NONE  # in the reply that is being posted right now
    # when it is whose turn
    attempts: int = 0
    attempted_at: datetime | None = None
    polls: int = 0
    fence: int = 0
    lease_until: datetime | None = None

    @property
    def news(self) -> News:
        """What the thread does not say yet. Only the newest milestone counts: older ones are implied."""
        known = milestone(self.delivery, self.service, doubted=News.UNCERTAIN in self.told)
        if self.unconfirmed and not self.is_final:
            known |= News.UNCONFIRMED
        if self.picture_lost and self.delivery >= Delivery.SENT and self.delivery is not Delivery.FAILED:
            known |= News.PICTURE_LOST
        if self.asked and not self.decision and self.delivery is Delivery.UNCERTAIN:
            known |= News.ASKED
        if self.decision:
            known |= News.DECIDED
        return known & ~self.told

    @property
    def is_final(self) -> bool:
        return is_final(self.delivery, self.service)

    @property
    def frees_the_next_part(self) -> bool:
        """Whether Sendblue has it, so that the part after it may follow."""
        return self.delivery >= Delivery.QUEUED and self.delivery is not Delivery.FAILED

    @property
    def was_taken(self) -> bool:
        """Whether Sendblue has, or had, the text; a refusal may name a handle, too."""
        return self.handle is not None and self.handle_from is not HandleFrom.REFUSAL

    @property
    def was_refused(self) -> bool:
        """Whether it certainly did not go out."""
        return self.delivery is Delivery.FAILED and not self.was_taken

    def is_open_to(self, choice: str) -> bool:
        """Whether a person may still decide so: "resend" or "leave"."""
        if self.decision or not self.recipient:
            return False
        return self.delivery is Delivery.UNCERTAIN or (choice == "resend" and self.was_refused)

    def repeated(self, repeat_id: UUID, now: datetime) -> "Message":
        """The same text once more, with nothing of what became of this one."""
        words = {name: getattr(self, name) for name in _WORDS}
        return Message(id=repeat_id, accepted_at=now, since=now, again_of=self.id, **words)

    @property
    def in_doubt_since(self) -> datetime:
        """When the call was made whose answer is missing."""
        return self.attempted_at or self.accepted_at

    @property
    def headline(self) -> tuple[object, ...]:
        """What the root's status line depends on: two messages with equal headlines read the same."""
        if self.delivery <= Delivery.QUEUED and self.delivery is not Delivery.UNCERTAIN and not self.unconfirmed:
            # "Sending" or "waiting", whatever else is known. Nobody edits the root when a call begins, so a text that
            # waited is still told apart while it is being sent.
            waited = self.error_code if self.delivery <= Delivery.SENDING else ""
            until = self.lease_until if waited and self.delivery is Delivery.ACCEPTED else None
            return (Delivery.QUEUED, waited, until)
        error = (self.error_code, self.error_text)
        return (self.delivery, self.service, *_FACTS(self), self.decision, self.was_refused, *error)


_FACTS = attrgetter(*Facts.__struct_fields__)
_WORDS = ("thread_id", "recipient", "line", "text", "part", "parts", "style", "media_url")


def merge(message: Message, report: Report) -> Message:
    """Return the message after one report.

    A join: commutative, associative, idempotent. Any order and any number of copies of the same reports end the same.
    The handle alone is first come, first kept: a second handle on one message is a contradiction that storage refuses.
    """
    if report.if_still is not None and message.delivery is not report.if_still:
        return message
    delivery, since, error = message.delivery, message.since, (message.error_code, message.error_text)
    if report.delivery is not None and report.delivery > delivery:
        delivery, since, error = report.delivery, report.at, (report.error_code, report.error_text)
    elif report.delivery == delivery:
        since, error = min(since, report.at), max(error, (report.error_code, report.error_text))
    return replace(
        message,
        delivery=delivery,
        since=since,
        service=max(message.service, report.service, key=lambda service: service.rank),
        handle=message.handle or report.handle,
        handle_from=max(message.handle_from, report.handle_from) if report.handle else message.handle_from,
        error_code=error[0],
        error_text=error[1],
        **{fact: getattr(message, fact) or getattr(report, fact) for fact in Facts.__struct_fields__},
    )


def without_the_lists_word(message: Message) -> Message:
    """Return the message as it was before the list suggested a handle that belongs to another text: in doubt.

    What the thread was told of that other text is to be told again, as a correction.
    """
    return replace(
        message,
        delivery=Delivery.UNCERTAIN,
        since=message.in_doubt_since,
        service=Service.UNKNOWN,
        picture_lost=False,
        handle=None,
        handle_from=HandleFrom.NOWHERE,
        error_code="",
        error_text="",
        told=message.told & ~OUTCOMES,
    )
