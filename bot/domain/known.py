"""What is known of a send, one report about it, and the merge of the two. Pure."""

from datetime import datetime
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.delivery import Delivery, HandleFrom, Service, is_final


class Facts(Struct, frozen=True, kw_only=True):
    """What may become known beside how far a send came. Each is either not known (yet) or true for good."""

    picture_lost: bool = False  # the text went without its picture
    unconfirmed: bool = False  # it was watched as long as promised
    asked: bool = False  # in doubt for so long that a person may decide


class Report(Facts, frozen=True):
    """One piece of news about one send, from whichever source."""

    source: str  # "send", "callback", "poll", "list", or "bot" for our own conclusions
    at: datetime  # when it happened, as the vendor says (aware UTC), or when we heard
    delivery: Delivery | None = None  # None when the word is unknown to us: it is kept and changes nothing
    word: str = ""
    handle: str | None = None
    service: Service = Service.UNKNOWN
    error_code: str = ""
    error_text: str = ""
    recipient: str = ""
    if_still: Delivery | None = None  # counts only while the send stands there
    handle_from: HandleFrom = HandleFrom.NOWHERE


class Known(Facts, frozen=True):
    """How far a send has come, as far as we know."""

    since: datetime  # when it came as far as `delivery`
    delivery: Delivery = Delivery.ACCEPTED
    service: Service = Service.UNKNOWN
    handle: str | None = None
    handle_from: HandleFrom = HandleFrom.NOWHERE
    error_code: str = ""  # why it failed or is in doubt; before it was taken: why it waits, where that is worth saying
    error_text: str = ""

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

    def merge(self, report: Report) -> Self:
        """Return what is known after one report.

        A join: commutative, associative, idempotent. Any order and any number of copies of the same reports end the
        same. The handle alone is first come, first kept: a second one is a contradiction that storage refuses.
        """
        if report.if_still is not None and self.delivery is not report.if_still:
            return self
        delivery, since, error = self.delivery, self.since, (self.error_code, self.error_text)
        if report.delivery is not None and report.delivery > delivery:
            delivery, since, error = report.delivery, report.at, (report.error_code, report.error_text)
        elif report.delivery == delivery:
            since, error = min(since, report.at), max(error, (report.error_code, report.error_text))
        return replace(
            self,
            delivery=delivery,
            since=since,
            service=max(self.service, report.service, key=_SERVICES.index),
            handle=self.handle or report.handle,
            handle_from=max(self.handle_from, report.handle_from) if report.handle else self.handle_from,
            error_code=error[0],
            error_text=error[1],
            **{fact: getattr(self, fact) or getattr(report, fact) for fact in Facts.__struct_fields__},
        )


_SERVICES = tuple(Service)  # a fallback is never taken back, and any word beats none
