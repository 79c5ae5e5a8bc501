"""News merges: any order, any number of copies, the same end."""

from datetime import UTC, datetime, timedelta
from functools import reduce
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.delivery import Delivery, News, Service
from bot.domain.known import Report
from bot.domain.send import Send
from bot.slack.sentences import status_line
from tests.making import a_send, changed

T0 = datetime(2026, 11, 20, 18, 4, 5, tzinfo=UTC)
FRESH = a_send(UUID(int=1), UUID(int=2), "+14155552671", "+15550100900", "Table at eight?", T0, T0)

reports = st.builds(
    Report,
    source=st.sampled_from(["send", "callback", "poll", "list", "bot"]),
    at=st.integers(0, 5).map(lambda minutes: T0 + timedelta(minutes=minutes)),
    delivery=st.none() | st.sampled_from(Delivery),
    word=st.sampled_from(["", "SENT", "Wobbling"]),
    handle=st.sampled_from([None, "handle-1"]),  # two handles on one send are refused by storage
    service=st.sampled_from(Service),
    error_code=st.sampled_from(["", "402", "5000"]),
    error_text=st.sampled_from(["", "SpamRule", "internal"]),
    picture_lost=st.booleans(),
    unconfirmed=st.booleans(),
    asked=st.booleans(),
)
sends = st.lists(reports, max_size=4).map(lambda heard: after(*heard))


def after(*heard: Report, start: Send = FRESH) -> Send:
    return reduce(Send.merge, heard, start)


def heard(delivery: Delivery | None, minute: int = 0, **facts) -> Report:
    return Report("callback", T0 + timedelta(minutes=minute), delivery, **facts)


@settings(deadline=None)
@given(start=sends, data=st.data(), several=st.lists(reports, max_size=6))
def test_any_order_and_any_number_of_copies_end_the_same(start, data, several):
    copies = several + (data.draw(st.lists(st.sampled_from(several), max_size=6)) if several else [])
    shuffled = data.draw(st.permutations(copies))
    assert after(*shuffled, start=start) == after(*several, start=start)


@settings(deadline=None)
@given(send=sends, report=reports)
def test_news_never_regresses(send, report):
    merged, services = send.merge(report), list(Service)
    assert merged.known.delivery >= send.known.delivery
    assert services.index(merged.known.service) >= services.index(send.known.service)
    assert merged.known.picture_lost >= send.known.picture_lost
    assert merged.known.unconfirmed >= send.known.unconfirmed
    assert merged.known.asked >= send.known.asked
    assert send.known.handle in (None, merged.known.handle)


@settings(deadline=None)
@given(send=sends, report=reports)
def test_hearing_it_twice_is_hearing_it_once(send, report):
    once = send.merge(report)
    assert once.merge(report) == once


@settings(deadline=None)
@given(send=sends, report=reports, still=st.sampled_from(Delivery))
def test_a_conclusion_drawn_too_late_changes_nothing(send, report, still):
    """`if_still` is how the bot's own conclusions lose against news that came meanwhile."""
    conditional = send.merge(replace(report, if_still=still))
    assert conditional == (send.merge(report) if send.known.delivery is still else send)


@settings(deadline=None)
@given(send=sends, report=reports)
def test_what_was_asked_and_told_is_not_the_vendor_s_to_change(send, report):
    merged = changed(send, told=News.SENT, under_way=News.DELIVERED).merge(report)
    assert (merged.id, merged.words.recipient, merged.words.text, merged.telling.told, merged.telling.under_way) == (
        FRESH.id,
        FRESH.words.recipient,
        FRESH.words.text,
        News.SENT,
        News.DELIVERED,
    )


def test_a_late_sent_does_not_hide_a_delivery():
    send = after(heard(Delivery.DELIVERED, 1), heard(Delivery.SENT, 2))
    assert send.known.delivery is Delivery.DELIVERED
    assert send.known.since == T0 + timedelta(minutes=1)


def test_a_failure_after_a_delivery_is_ignored():
    send = after(heard(Delivery.DELIVERED, 1), heard(Delivery.FAILED, 2, error_code="5000"))
    assert (send.known.delivery, send.known.error_code) == (Delivery.DELIVERED, "")


def test_a_delivery_corrects_a_failure_and_takes_its_reason_away():
    send = after(heard(Delivery.FAILED, 1, error_code="5504", error_text="timed out"), heard(Delivery.DELIVERED, 2))
    assert (send.known.delivery, send.known.error_code, send.known.error_text) == (Delivery.DELIVERED, "", "")


def test_a_failure_named_later_gets_its_reason():
    """The short status answer says ERROR without a code; the long one brings it."""
    send = after(heard(Delivery.FAILED, 1), heard(Delivery.FAILED, 2, error_code="402", error_text="SpamRule"))
    assert (send.known.error_code, send.known.error_text) == ("402", "SpamRule")
    assert send.known.since == T0 + timedelta(minutes=1)


def test_a_word_nobody_knows_changes_nothing_but_may_bring_facts():
    send = after(heard(Delivery.SENT, 1), heard(None, 2, word="WOBBLING", service=Service.RCS, error_code="7"))
    assert (send.known.delivery, send.known.service, send.known.error_code) == (Delivery.SENT, Service.RCS, "")
    assert send.known.since == T0 + timedelta(minutes=1)


def test_a_fallback_to_sms_is_never_taken_back():
    send = after(heard(Delivery.SENT, service=Service.SMS), heard(Delivery.SENT, 1, service=Service.IMESSAGE))
    assert send.known.service is Service.SMS
    assert send.known.is_final


def test_the_first_handle_is_kept():
    assert after(heard(None, handle="first"), heard(None, handle="second")).known.handle == "first"


def test_news_is_what_is_known_and_not_told():
    send = after(heard(Delivery.SENT, service=Service.IMESSAGE))
    assert send.news == News.SENT
    assert changed(send, told=News.SENT).news == News.NONE


@settings(deadline=None)
@given(one=sends, several=st.lists(reports, max_size=2))
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
    texts = [status_line([send], watched_for=timedelta(days=1)) for send in (refused, failed)]
    assert texts[0] != texts[1], "this test is about two lines that differ"
    assert refused.headline != failed.headline
