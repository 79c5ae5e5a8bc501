"""What became of one send, moment by moment, in sentences that can be read aloud. Pure."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.delivery import Delivery, News, Service
from bot.domain.known import Known, Report
from bot.domain.send import Send
from bot.domain.thread import Thread


class Noted(Struct, frozen=True):
    """One report as the history keeps it."""

    report: Report
    received_at: datetime  # when we stored it; `report.at` is the vendor's time


class Moment(Struct, frozen=True):
    """One thing that was known from `at` (aware UTC) on."""

    at: datetime
    source: str  # "bot", "slack", "sendblue", "person", or a report's
    says: str
    word: str = ""  # the vendor's own, verbatim
    happened_at: datetime | None = None  # by the vendor's clock, where that is another second


def timeline(send: Send, thread: Thread, noted: Sequence[Noted]) -> list[Moment]:
    """Return all moments of a send, oldest first: in the order we knew them, not as they happened.

    Not recorded, and so not here: tries before the last one (they certainly sent nothing), copies of the same report,
    and when each reply in the thread was posted.
    """
    accepted, *others = [*_ours(send, thread), *_reported(send, noted), *_decided(send)]
    return [accepted, *sorted(others, key=lambda moment: moment.at)]


def told(send: Send) -> str:
    said = f"Posted in the thread: {_names(send.telling.told) or 'nothing'}."
    return said + (f" Not posted yet: {_names(send.news)}." if send.news else "")


def stands(send: Send) -> str:
    """`DELIVERED (iMessage)`, `FAILED, code 4002`: how far it came, and what matters about that most."""
    known, decision = send.known, send.decision
    how = f" ({known.service.value})" if known.service.value else ""
    if known.unconfirmed and not known.is_final:
        how = ", unconfirmed"
    elif known.delivery is Delivery.UNCERTAIN and decision is not None:
        how = ", sent again" if decision.repeats else ", left"
    elif known.delivery is Delivery.UNCERTAIN and known.asked:
        how = ", undecided"
    elif known.error_code and known.delivery <= Delivery.FAILED:
        how = f", code {known.error_code}"
    return known.delivery.name + how


def _names(news: News) -> str:
    return ", ".join((one.name or "").lower().replace("_", " ").replace("sms", "SMS") for one in news)


def _ours(send: Send, thread: Thread) -> Iterable[Moment]:
    """What we did ourselves: that it was accepted comes first."""
    words, schedule = send.words, send.schedule
    part = f", part {words.part} of {words.parts}" if words.parts > 1 else ""
    again = f", once more by decision (try {words.try_number})" if words.try_number > 1 else ""
    yield Moment(words.accepted_at, "bot", f"accepted and stored{part}{again}")
    if thread.root_ts is not None and words.try_number == 1:
        opened = datetime.fromtimestamp(float(thread.root_ts), UTC)
        yield Moment(opened, "slack", f"thread opened in {thread.channel}, by Slack's clock")
    if schedule.attempted_at is not None:
        tries = f", attempt {schedule.attempts}: the earlier attempts sent nothing" if schedule.attempts > 1 else ""
        yield Moment(schedule.attempted_at, "sendblue", f"asked Sendblue to send it{tries}")


def _reported(send: Send, noted: Sequence[Noted]) -> Iterable[Moment]:
    """What each report changed: they are merged once more, in the order they came."""
    begun = Delivery.SENDING if send.schedule.attempts else Delivery.ACCEPTED
    final = send.known
    known = replace(
        final, delivery=begun, since=send.words.accepted_at, service=Service.UNKNOWN, error_code="", error_text=""
    )
    for one in noted:
        before, known = known, known.merge(one.report)
        says = _speaker(send, one.report)
        if one.report.delivery is not None or one.report.source != "bot":
            says += f": {_change(before, known)}"
        happened = one.report.at if abs(one.report.at - one.received_at) >= timedelta(seconds=1) else None
        yield Moment(one.received_at, one.report.source, says, one.report.word, happened)
    if known.delivery is not final.delivery and final.delivery > Delivery.SENDING:
        why = f" because of {final.error_code}" if final.error_code else ""
        yield Moment(final.since, "bot", f"the bot concluded{why}: now {final.delivery.name}")


def _decided(send: Send) -> Iterable[Moment]:
    if (made := send.decision) is not None:
        what = "send it again" if made.repeats else "leave it"
        yield Moment(made.at, "person", f"{made.by} decided: {what}")


_WORDLESS: dict[Delivery | None, str] = {
    Delivery.FAILED: "is no",
    Delivery.UNCERTAIN: "did not come or is not clear",
}
_SPEAKERS = {"send": "the answer", "callback": "a callback", "poll": "asked again, Sendblue", "list": "Sendblue's list"}


def _speaker(send: Send, report: Report) -> str:
    """`a callback says ERROR as SMS, code 4001, “rate limit”`, or what we concluded by ourselves."""
    if report.source == "bot" and not report.error_code:
        # Both leave the same row, and a person is asked long before the watch ends.
        return "no evidence found; asking a person" if send.known.asked else "end of the watch"
    text = f", “{report.error_text}”" if report.error_text else ""
    if report.source == "bot":
        return f"the bot concluded {report.error_code}{text}"
    code = f", code {report.error_code}" if report.error_code else ""
    how = f" as {report.service.value}" if report.service is not Service.UNKNOWN else ""
    said = f"says {report.word}{how}" if report.word else _WORDLESS.get(report.delivery, "says nothing")
    return f"{_SPEAKERS.get(report.source, report.source)} {said}{code}{text}"


def _change(before: Known, after: Known) -> str:
    if after.delivery is not before.delivery:
        return f"now {after.delivery.name}"
    if after.service is not before.service:
        return f"stays {after.delivery.name}, now known to be {after.service.value}"
    return f"nothing new, stays {after.delivery.name}"
