"""The story of a send, told from what was kept."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from bot.domain.delivery import Delivery, News, Service
from bot.domain.known import Report
from bot.domain.send import Send
from bot.domain.timeline import Noted, stands, timeline, told
from tests.making import a_send, a_thread, changed

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SEND = a_send(UUID(int=1), UUID(int=2), "+14155552671", "+15550100900", "Eight?", NOON, NOON)
ASKED = changed(SEND, delivery=Delivery.SENDING, attempts=1, attempted_at=NOON + timedelta(seconds=1))


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def heard(source: str, delivery: Delivery | None, seconds: float, **fields: object) -> Report:
    word = "" if source == "bot" or delivery is None else delivery.name
    return Report(source, after(seconds), delivery, **({"word": word} | fields))  # type: ignore[arg-type]


def story(send: Send, *reports: Report, late: float = 0, root_ts: str | None = None) -> list[str]:
    """What is said after "accepted", when each report came `late` seconds after it happened."""
    for report in reports:
        send = send.merge(report)
    thread = a_thread(send, root_ts=root_ts)
    noted = [Noted(replace(report, handle=None), report.at + timedelta(seconds=late)) for report in reports]
    first, *others = timeline(send, thread, noted)
    assert first.at == NOON
    assert first.says.startswith("accepted and stored")
    return [moment.says for moment in others]


def test_each_report_says_what_it_changed() -> None:
    assert story(
        ASKED,
        heard("send", Delivery.QUEUED, 2),
        heard("callback", Delivery.DELIVERED, 4, service=Service.IMESSAGE),
        heard("callback", Delivery.SENT, 5),
        heard("poll", None, 6, word="PONDERING"),
        heard("poll", Delivery.DELIVERED, 7, service=Service.RCS),
    ) == [
        "asked Sendblue to send it",
        "the answer says QUEUED: now QUEUED",
        "a callback says DELIVERED as iMessage: now DELIVERED",
        "a callback says SENT: nothing new, stays DELIVERED",
        "asked again, Sendblue says PONDERING: nothing new, stays DELIVERED",
        "asked again, Sendblue says DELIVERED as RCS: stays DELIVERED, now known to be RCS",
    ]


def test_a_failure_is_told_with_the_vendors_code_and_words() -> None:
    [*_, last] = story(ASKED, heard("send", Delivery.FAILED, 2, word="", error_code="402", error_text="OPTED_OUT"))
    assert last == "the answer is no, code 402, “OPTED_OUT”: now FAILED"


def test_a_doubt_its_question_and_the_decision_stand_in_their_order() -> None:
    decided = changed(ASKED, decision="leave", decided_by="U2", decided_at=after(700))
    assert story(
        decided,
        heard("send", Delivery.UNCERTAIN, 31, word="", error_code="timeout"),
        heard("bot", None, 630, asked=True),
    )[1:] == [
        "the answer did not come or is not clear, code timeout: now UNCERTAIN",
        "no evidence found; asking a person",
        "U2 decided: leave it",
    ]


def test_the_end_of_the_watch_is_told() -> None:
    [*_, last] = story(ASKED, heard("callback", Delivery.SENT, 2), heard("bot", None, 86_400, unconfirmed=True))
    assert last == "end of the watch"


def test_what_left_no_report_is_told_all_the_same() -> None:
    stopped = changed(SEND, delivery=Delivery.FAILED, since=after(3), error_code="earlier_part_failed")
    assert story(stopped) == ["the bot concluded because of earlier_part_failed: now FAILED"]


def test_tries_that_sent_nothing_are_counted() -> None:
    assert story(changed(ASKED, attempts=3)) == [
        "asked Sendblue to send it, attempt 3: the earlier attempts sent nothing"
    ]


def test_the_thread_opens_when_slack_says() -> None:
    assert story(ASKED, root_ts=f"{after(0.5).timestamp():.6f}") == [
        "thread opened in C1, by Slack's clock",
        "asked Sendblue to send it",
    ]


def test_the_vendors_time_is_kept_beside_ours_where_they_differ() -> None:
    report = heard("callback", Delivery.SENT, 10)
    thread = a_thread(ASKED)
    [_, _, late] = timeline(ASKED, thread, [Noted(report, after(15))])
    assert (late.at, late.happened_at) == (after(15), after(10))
    [_, _, prompt] = timeline(ASKED, thread, [Noted(report, after(10.9))])
    assert prompt.happened_at is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"delivery": Delivery.DELIVERED, "service": Service.IMESSAGE}, "DELIVERED (iMessage)"),
        ({"delivery": Delivery.FAILED, "error_code": "4002"}, "FAILED, code 4002"),
        ({"delivery": Delivery.DELIVERED, "error_code": "4002"}, "DELIVERED"),
        ({"delivery": Delivery.SENT, "unconfirmed": True}, "SENT, unconfirmed"),
        ({"delivery": Delivery.UNCERTAIN, "error_code": "timeout"}, "UNCERTAIN, code timeout"),
        ({"delivery": Delivery.UNCERTAIN, "asked": True}, "UNCERTAIN, undecided"),
        ({"delivery": Delivery.UNCERTAIN, "asked": True, "decision": "leave"}, "UNCERTAIN, left"),
    ],
)
def test_how_it_stands_is_said_in_a_few_words(changes: dict[str, object], said: str) -> None:
    assert stands(changed(SEND, **changes)) == said  # type: ignore[arg-type]


def test_what_the_thread_says_and_what_it_does_not_say_yet() -> None:
    send = changed(SEND, delivery=Delivery.READ, told=News.SENT_AS_SMS | News.DELIVERED)
    assert told(send) == "Posted in the thread: sent as SMS, delivered. Not posted yet: read."
    assert told(SEND) == "Posted in the thread: nothing."
