"""News merges: any order, any number of copies, the same end."""

from datetime import UTC, datetime, timedelta
from functools import reduce
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.delivery import Delivery, News, Service
from bot.domain.known import Report
from bot.domain.message import Message
from bot.slack.sentences import status_line
from tests.making import a_message, changed

T0 = datetime(2026, 11, 20, 18, 4, 5, tzinfo=UTC)
FRESH = a_message(UUID(int=1), UUID(int=2), "+14155552671", "+15550100900", "Table at eight?", T0, T0)

reports = st.builds(
    Report,
    source=st.sampled_from(["send", "callback", "poll", "list", "bot"]),
    at=st.integers(0, 5).map(lambda minutes: T0 + timedelta(minutes=minutes)),
    delivery=st.none() | st.sampled_from(Delivery),
    word=st.sampled_from(["", "SENT", "Wobbling"]),
    handle=st.sampled_from([None, "handle-1"]),  # two handles on one message are refused by storage
    service=st.sampled_from(Service),
    error_code=st.sampled_from(["", "402", "5000"]),
    error_text=st.sampled_from(["", "SpamRule", "internal"]),
    picture_lost=st.booleans(),
    unconfirmed=st.booleans(),
    asked=st.booleans(),
)
messages = st.lists(reports, max_size=4).map(lambda heard: after(*heard))


def after(*heard: Report, start: Message = FRESH) -> Message:
    return reduce(Message.merge, heard, start)


def heard(delivery: Delivery | None, minute: int = 0, **facts) -> Report:
    return Report("callback", T0 + timedelta(minutes=minute), delivery, **facts)


@settings(deadline=None)
@given(start=messages, data=st.data(), several=st.lists(reports, max_size=6))
def test_any_order_and_any_number_of_copies_end_the_same(start, data, several):
    copies = several + (data.draw(st.lists(st.sampled_from(several), max_size=6)) if several else [])
    shuffled = data.draw(st.permutations(copies))
    assert after(*shuffled, start=start) == after(*several, start=start)


@settings(deadline=None)
@given(message=messages, report=reports)
def test_news_never_regresses(message, report):
    merged, services = message.merge(report), list(Service)
    assert merged.known.delivery >= message.known.delivery
    assert services.index(merged.known.service) >= services.index(message.known.service)
    assert merged.known.picture_lost >= message.known.picture_lost
    assert merged.known.unconfirmed >= message.known.unconfirmed
    assert merged.known.asked >= message.known.asked
    assert message.known.handle in (None, merged.known.handle)


@settings(deadline=None)
@given(message=messages, report=reports)
def test_hearing_it_twice_is_hearing_it_once(message, report):
    once = message.merge(report)
    assert once.merge(report) == once


@settings(deadline=None)
@given(message=messages, report=reports, still=st.sampled_from(Delivery))
def test_a_conclusion_drawn_too_late_changes_nothing(message, report, still):
    """`if_still` is how the bot's own conclusions lose against news that came meanwhile."""
    conditional = message.merge(replace(report, if_still=still))
    assert conditional == (message.merge(report) if message.known.delivery is still else message)


@settings(deadline=None)
@given(message=messages, report=reports)
def test_what_was_asked_and_told_is_not_the_vendor_s_to_change(message, report):
    merged = changed(message, told=News.SENT, under_way=News.DELIVERED).merge(report)
    assert (merged.id, merged.words.recipient, merged.words.text, merged.telling.told, merged.telling.under_way) == (
        FRESH.id,
        FRESH.words.recipient,
        FRESH.words.text,
        News.SENT,
        News.DELIVERED,
    )


def test_a_late_sent_does_not_hide_a_delivery():
    message = after(heard(Delivery.DELIVERED, 1), heard(Delivery.SENT, 2))
    assert message.known.delivery is Delivery.DELIVERED
    assert message.known.since == T0 + timedelta(minutes=1)


def test_a_failure_after_a_delivery_is_ignored():
    message = after(heard(Delivery.DELIVERED, 1), heard(Delivery.FAILED, 2, error_code="5000"))
    assert (message.known.delivery, message.known.error_code) == (Delivery.DELIVERED, "")


def test_a_delivery_corrects_a_failure_and_takes_its_reason_away():
    message = after(heard(Delivery.FAILED, 1, error_code="5504", error_text="timed out"), heard(Delivery.DELIVERED, 2))
    assert (message.known.delivery, message.known.error_code, message.known.error_text) == (Delivery.DELIVERED, "", "")


def test_a_failure_named_later_gets_its_reason():
    """The short status answer says ERROR without a code; the long one brings it."""
    message = after(heard(Delivery.FAILED, 1), heard(Delivery.FAILED, 2, error_code="402", error_text="SpamRule"))
    assert (message.known.error_code, message.known.error_text) == ("402", "SpamRule")
    assert message.known.since == T0 + timedelta(minutes=1)


def test_a_word_nobody_knows_changes_nothing_but_may_bring_facts():
    message = after(heard(Delivery.SENT, 1), heard(None, 2, word="WOBBLING", service=Service.RCS, error_code="7"))
    assert (message.known.delivery, message.known.service, message.known.error_code) == (Delivery.SENT, Service.RCS, "")
    assert message.known.since == T0 + timedelta(minutes=1)


def test_a_fallback_to_sms_is_never_taken_back():
    message = after(heard(Delivery.SENT, service=Service.SMS), heard(Delivery.SENT, 1, service=Service.IMESSAGE))
    assert message.known.service is Service.SMS
    assert message.known.is_final


def test_the_first_handle_is_kept():
    assert after(heard(None, handle="first"), heard(None, handle="second")).known.handle == "first"


def test_news_is_what_is_known_and_not_told():
    message = after(heard(Delivery.SENT, service=Service.IMESSAGE))
    assert message.news == News.SENT
    assert changed(message, told=News.SENT).news == News.NONE


@settings(deadline=None)
@given(one=messages, several=st.lists(reports, max_size=2))
def test_equal_headlines_read_the_same(one, several):
    """The root is edited only when the headline changes; the time and whether a handle is known aside."""
    other = after(*several, start=one)
    if one.headline == other.headline:
        same = {"since": T0, "handle": None}
        lines = [status_line([changed(m, **same)], watched_for=timedelta(days=1)) for m in (one, other)]
        assert lines[0] == lines[1]


def test_a_refusal_that_turns_out_to_be_a_failure_is_worth_an_edit():
    refused = after(heard(Delivery.FAILED, error_code="5000"))
    failed = after(heard(Delivery.FAILED, error_code="5000", handle="handle-1"), start=refused)
    texts = [status_line([message], watched_for=timedelta(days=1)) for message in (refused, failed)]
    assert texts[0] != texts[1], "this test is about two lines that differ"
    assert refused.headline != failed.headline
