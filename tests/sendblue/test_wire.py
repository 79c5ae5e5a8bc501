"""Sendblue's words, in every spelling they come in."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.delivery import Delivery, Service
from bot.domain.known import Report
from bot.domain.send import Send
from bot.errors import CallFailed, NotSent, Refused, Uncertain, UnreadableReport
from bot.sendblue.failures import error_code, error_of, explanation
from bot.sendblue.wire import (
    OUTBOUND,
    RECEIVE,
    STYLES,
    json_object,
    parse_answer,
    parse_page,
    parse_report,
    registration,
    submission,
)
from tests.making import a_send

NOW = datetime(2026, 11, 20, 18, 4, 5, tzinfo=UTC)
HANDLE = "5e1c0d6a-7b52-4f0e-9a41-2f6f5d0c1b77"
PICTURE = "https://cdn.example.com/Menu.png"

LIVE = [
    ("REGISTERED", Delivery.QUEUED),
    ("PENDING", Delivery.QUEUED),
    ("QUEUED", Delivery.QUEUED),
    ("ACCEPTED", Delivery.QUEUED),
    ("SENT", Delivery.SENT),
    ("DELIVERED", Delivery.DELIVERED),
    ("READ", Delivery.READ),
]
DEAD = ["ERROR", "DECLINED", "FAILED"]
NO_STATE = ["RECEIVED", "SUCCESS", "TIMEOUT", "DOWNGRADED", "OK", "WOBBLING"]
STATUSES = [*LIVE, *((word, Delivery.FAILED) for word in DEAD), *((word, None) for word in NO_STATE)]

SENT_BODY = {
    "accountEmail": "ops@example.com",
    "content": "Table for two at eight?",
    "is_outbound": True,
    "status": "QUEUED",
    "message_handle": HANDLE,
    "error_code": None,
    "error_message": None,
    "error_reason": None,
    "error_detail": None,
    "date_sent": "2026-11-20T18:04:05.120Z",
    "date_updated": "2026-11-20T18:04:05.380Z",
    "from_number": "+15550100900",
    "number": "+15550100001",
    "to_number": "+15550100001",
    "sendblue_number": "+15550100900",
    "service": "iMessage",
    "was_downgraded": None,
    "plan": "dedicated",
    "media_url": PICTURE,
    "message_type": "message",
    "group_id": "",
    "participants": [],
    "send_style": "gentle",
    "opted_out": False,
}
OPTED_OUT = {
    "accountEmail": "ops@example.com",
    "status": "ERROR",
    "error_code": 402,
    "error_message": "OPTED_OUT",
    "error_reason": "SpamRule",
    "error_detail": "declined because the user opted out",
    "from_number": "+15550100900",
    "number": "+15550100001",
}


def answer(http: int, body: object, media_url: str | None = None) -> Report:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return parse_answer(http, raw, now=NOW, media_url=media_url)


def report(body: object, **options: Any) -> Report:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return parse_report(raw, source="callback", now=NOW, **options)


def failed(code: object, http: int = 200, **fields: object) -> dict[str, object]:
    """What a failure looks like; only with a 2xx does it name the text."""
    return {"status": "ERROR", "error_code": code, "message_handle": HANDLE if http < 300 else None, **fields}


# -- what we ask


def test_a_submission_says_who_to_whom_what_and_where_to_report():
    assert submission(text("Table at eight?"), "https://bot.example.com/cb") == {
        "number": "+14155552671",
        "from_number": "+15550100900",
        "status_callback": "https://bot.example.com/cb",
        "content": "Table at eight?",
    }


def test_what_was_not_asked_for_is_left_out_not_null():
    body = submission(text("", media_url=PICTURE, style="gentle"), "https://bot.example.com/cb")
    assert (body["media_url"], body["send_style"]) == (PICTURE, "gentle")
    assert "content" not in body
    assert all(body.values())


def test_the_thirteen_styles_are_known():
    assert len(set(STYLES)) == 13


@pytest.mark.parametrize("kind", [OUTBOUND, RECEIVE])
def test_a_webhook_is_registered_for_one_type_with_its_own_secret(kind):
    hook = {"url": "https://bot.example.com/hook", "secret": "its-secret"}
    assert registration(hook["url"], hook["secret"], kind) == {"type": kind, "webhooks": [hook]}


def text(said: str, **fields: Any) -> Send:
    return a_send(UUID(int=1), UUID(int=2), "+14155552671", "+15550100900", said, NOW, NOW, **fields)


# -- the answer to a send


@pytest.mark.parametrize("http", [200, 201, 202])
@pytest.mark.parametrize(("word", "delivery"), LIVE)
def test_any_2xx_with_a_live_status_and_a_handle_was_taken(http, word, delivery):
    for spelling in (word, word.lower(), word.title()):
        for status in (spelling, {"status": spelling}):
            taken = answer(http, SENT_BODY | {"status": status})
            assert (taken.delivery, taken.handle, taken.service) == (delivery, HANDLE, Service.IMESSAGE)


def test_a_live_status_beside_an_error_code_still_counts():
    assert answer(200, SENT_BODY | {"error_code": 5509}).delivery is Delivery.QUEUED


def test_the_specs_own_shape_is_taken_too():
    body = {"account_email": "o@e.c", "status": "QUEUED", "message_handle": HANDLE, "date_created": "2026-11-20"}
    assert answer(200, body).handle == HANDLE


@pytest.mark.parametrize("word", DEAD)
@pytest.mark.parametrize("http", [200, 202])
def test_a_2xx_that_says_error_is_a_refusal(http, word):
    for spelling in (word, word.lower()):
        for status in (spelling, {"status": spelling}):
            with pytest.raises(Refused) as refused:
                answer(http, SENT_BODY | {"status": status, "error_code": 4000, "error_message": "bad number"})
            assert (refused.value.code, refused.value.reason) == ("4000", "bad number")


NO = [4000, "4000", 4002, "4002", 402, "402", "OPTED_OUT", "INVALID_REACTION", "line_not_registered"]
LATER = [4001, "4001", 5003, "5003", 5509, "5509"]
UNSURE = [5000, "5000", 10001, "10001", 22, "22", 10002, "10002"]


@pytest.mark.parametrize("code", [*NO, "ambiguous_sending_line", "SMS_LIMIT_REACHED", "opted_out", "sms_limit_reached"])
def test_a_permanent_code_is_a_refusal_whatever_its_type(code):
    for http in (200, 202, 400):
        with pytest.raises(Refused) as refused:
            answer(http, failed(code, http))
        assert refused.value.code.casefold() == str(code).casefold()


@pytest.mark.parametrize("code", LATER)
def test_a_rate_limit_sent_nothing_and_may_be_tried_again(code):
    for http in (200, 202, 400, 429):
        with pytest.raises(NotSent) as not_sent:
            answer(http, failed(code, http))
        assert not_sent.value.code == str(code)


@pytest.mark.parametrize("code", UNSURE)
def test_a_code_that_may_mean_sent_is_never_taken_for_a_no(code):
    for http in (200, 202, 400):
        with pytest.raises(Uncertain) as uncertain:
            answer(http, failed(code, http))
        assert (uncertain.value.code, uncertain.value.handle) == (str(code), HANDLE if http < 300 else None)


@pytest.mark.parametrize(
    ("explanation", "outcome"),
    [
        ("Could not determine target service for group; refusing to default to iMessage", Refused),
        ("timed out waiting for message status", Uncertain),
        ("Timed Out waiting for message status", Uncertain),
        ("Application isn't running", Uncertain),
    ],
)
def test_5504_is_read_by_its_explanation(explanation, outcome):
    with pytest.raises(outcome):
        answer(200, failed(5504, error_message=explanation))


def test_5504_is_read_by_all_of_its_explanation():
    with pytest.raises(Uncertain):
        answer(200, failed(5504, error_message="Failed", error_detail="timed out waiting for message status"))


@pytest.mark.parametrize("nothing", [0, "0", None, "", " ", [], {}, False])
def test_no_error_code_is_no_error_code_in_any_spelling(nothing):
    with pytest.raises(Refused) as refused:
        answer(400, failed(nothing, 400))
    assert refused.value.code == "http_400"


@pytest.mark.parametrize(
    ("body", "code", "reason"),
    [
        ({"status": "ERROR", "message": "Invalid Credentials"}, "http_401", "Invalid Credentials"),
        ({"error": {"code": "some_code", "message": "no", "details": {}}}, "SOME_CODE", "no"),
        ({"error_key": "not_allowed"}, "NOT_ALLOWED", ""),
        ({"data": {"error_code": 402, "detail": "they left"}}, "402", "they left"),
        ({"errors": [{"code": 402, "message": "they left"}]}, "402", "they left"),
        ({"error": "402"}, "402", "402"),
        ({"error_code": 402.0}, "402", ""),
        ({"error_code": "0402"}, "402", ""),
        ({"error_code": "415_555_2671"}, "other", ""),
        ({"error_code": "HiAnaTableAtEight"}, "other", ""),
        ({"error": {"code": 402, "message": "no"}}, "402", "no"),
        ({"error": "plan lacks this"}, "http_401", "plan lacks this"),
        ({"error_key": "OPTED_OUT", "error": "opted out"}, "OPTED_OUT", "opted out"),
        ({"error_key": "OPTED_OUT", "error_code": 7777}, "OPTED_OUT", ""),
        ({"error_key": "PRE_REPLY_LIMIT_REACHED", "error_code": 4000}, "PRE_REPLY_LIMIT_REACHED", ""),
        ({"error_key": "SOMETHING_NEW", "error_code": 4002}, "4002", ""),
        ({"error_key": "SOMETHING_NEW", "error_code": 7777}, "SOMETHING_NEW", ""),
        ({"error_key": None, "error_code": "SOME_RULE"}, "SOME_RULE", ""),
        ({"error_code": 4000, "message": "ERROR", "error_detail": "content too long"}, "4000", "content too long"),
        ({"error_code": "no text to +14155552671 today"}, "other", "no text to +14155552671 today"),
        ({"error_code": "RULE_14155552671"}, "other", ""),
        ({"error_code": "R" * 80}, "other", ""),
        ({"error_code": "<!here>"}, "other", ""),
        ({"status": "ERROR", "error_reason": "SpamRule"}, "http_401", "SpamRule"),
        ({"status": "ERROR", "error_detail": "because"}, "http_401", "because"),
        ({"message": "", "error_message": None, "error_reason": "SpamRule"}, "http_401", "SpamRule"),
        ({}, "http_401", ""),
        (b"<html>no</html>", "http_401", ""),
        (b"[1]", "http_401", ""),
    ],
)
def test_each_family_of_error_bodies_gives_up_its_reason(body, code, reason):
    with pytest.raises(Refused) as refused:
        answer(401, body)
    assert (refused.value.code, refused.value.reason) == (code, reason)


@pytest.mark.parametrize(
    "body",
    [
        *({"error": "5000"}, {"error_code": 5000.0}, {"error_code": "05000"}, {"data": {"error_code": 5000}}),
        *({"errors": [{"code": 5000}]}, {"code": "5000"}, {"error_code": 5504, "detail": "Application isn’t running"}),
    ],
)
def test_a_code_that_may_mean_sent_is_seen_wherever_it_stands(body):
    with pytest.raises(Uncertain):
        answer(400, body)


@pytest.mark.parametrize("key", ["RATE_LIMITED", "", None])
def test_a_known_code_counts_whatever_the_key_is(key):
    with pytest.raises(NotSent) as later:
        answer(400, {"error_key": key, "error_code": 4001})
    assert later.value.code == "4001"


def test_an_opted_out_customer_is_a_clear_no():
    with pytest.raises(Refused) as refused:
        answer(400, OPTED_OUT)
    assert (refused.value.code, refused.value.reason) == ("402", OPTED_OUT["error_detail"])


@pytest.mark.parametrize("http", [400, 401, 402, 403, 404, 422])
def test_a_4xx_is_a_clear_no(http):
    for body in (b"", b"nonsense", {"message": "no"}):
        with pytest.raises(Refused):
            answer(http, body)


@pytest.mark.parametrize("body", [b"", b"Too many", {"message": "slow down"}, {"status": "ERROR", "error_code": 9999}])
def test_429_sent_nothing_and_may_be_tried_again(body):
    with pytest.raises(NotSent):
        answer(429, body)


@pytest.mark.parametrize("http", [400, 403, 407, 422, 429])
@pytest.mark.parametrize(
    "body", [SENT_BODY, {"status": "QUEUED"}, {"status": "sent"}, {"message_handle": HANDLE}, {"error_code": "5000"}]
)
def test_a_no_that_says_yes_as_well_is_a_doubt(http, body):
    """Tried again, such a text was seen to arrive three times."""
    with pytest.raises(Uncertain) as uncertain:
        answer(http, body)
    assert uncertain.value.handle == body.get("message_handle")


def test_a_clear_no_is_one_also_where_the_line_is_busy():
    with pytest.raises(Refused):
        answer(429, OPTED_OUT)


def test_a_refusal_keeps_the_handle_it_names():
    with pytest.raises(Refused) as refused:
        answer(202, failed(4000))
    assert refused.value.handle == HANDLE


@pytest.mark.parametrize("http", [302, 408, 409, 500, 502, 503, 504])
def test_an_answer_that_says_nothing_is_a_doubt(http):
    for body in (b"", b"<html>Bad Gateway</html>", {"message": "oops"}, SENT_BODY, OPTED_OUT):
        with pytest.raises(Uncertain):
            answer(http, body)


@pytest.mark.parametrize("code", LATER)
@pytest.mark.parametrize("http", [500, 503])
def test_a_rate_limit_s_code_in_a_5xx_is_a_doubt(http, code):
    with pytest.raises(Uncertain):
        answer(http, failed(code))


@pytest.mark.parametrize("http", [408, 409])
def test_a_timeout_is_a_doubt_even_with_a_rate_limit_s_code(http):
    with pytest.raises(Uncertain):
        answer(http, failed(5003))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"OK",
        b"[]",
        b"null",
        b'"QUEUED"',
        {},
        {"status": "QUEUED"},
        {"status": "QUEUED", "message_handle": None},
        {"status": "QUEUED", "message_handle": "  "},
        {"status": "QUEUED", "message_handle": {"id": HANDLE}},
    ],
)
def test_a_2xx_without_a_handle_is_a_doubt(body):
    with pytest.raises(Uncertain) as uncertain:
        answer(200, body)
    assert uncertain.value.handle is None


@pytest.mark.parametrize("status", [*NO_STATE, None, "", 7, {}, {"status": None}, ["QUEUED"], True])
def test_a_2xx_with_an_unknown_status_is_a_doubt_that_keeps_the_handle(status):
    with pytest.raises(Uncertain) as uncertain:
        answer(200, SENT_BODY | {"status": status})
    assert uncertain.value.handle == HANDLE


@pytest.mark.parametrize(
    ("asked", "echoed", "lost"),
    [
        (PICTURE, PICTURE, False),
        (PICTURE, "https://storage.example.com/copy.png", False),
        (PICTURE, "", True),
        (PICTURE, None, True),
        (None, "", False),
        (None, None, False),
    ],
)
def test_a_picture_that_sendblue_dropped_is_noticed(asked, echoed, lost):
    assert answer(202, SENT_BODY | {"media_url": echoed}, media_url=asked).picture_lost is lost


def test_a_picture_that_is_not_even_mentioned_is_lost():
    assert answer(202, {"status": "QUEUED", "message_handle": HANDLE}, media_url=PICTURE).picture_lost


# -- reports


@pytest.mark.parametrize(("word", "delivery"), STATUSES)
def test_every_status_word_is_understood_in_any_case_and_shape(word, delivery):
    for spelling in (word, word.lower(), word.title(), f" {word}\n"):
        for status in (spelling, {"status": spelling}):
            heard = report({"message_handle": HANDLE, "status": status})
            assert (heard.delivery, heard.word, heard.handle) == (delivery, spelling.strip(), HANDLE)


@pytest.mark.parametrize("word", DEAD)
def test_a_status_that_could_not_be_resolved_is_no_failure(word):
    for code in (10002, "10002"):
        assert report(failed(code, status=word)).delivery is None


@pytest.mark.parametrize("code", [*NO, *LATER, 5000, "10001", 22, 5504, "SMS_LIMIT_REACHED", "sms_limit_reached"])
def test_a_failed_report_brings_its_code_as_text(code):
    heard = report(failed(code, error_message="because"))
    assert (heard.delivery, heard.error_text) == (Delivery.FAILED, "because")
    assert heard.error_code.casefold() == str(code).casefold()


@pytest.mark.parametrize(
    ("fields", "service"),
    [
        ({}, Service.UNKNOWN),
        ({"service": None}, Service.UNKNOWN),
        ({"service": ""}, Service.UNKNOWN),
        ({"service": "pigeon"}, Service.UNKNOWN),
        ({"service": ["SMS"]}, Service.UNKNOWN),
        ({"service": "iMessage"}, Service.IMESSAGE),
        ({"service": "IMESSAGE"}, Service.IMESSAGE),
        ({"service": "imessage"}, Service.IMESSAGE),
        ({"service": "RCS"}, Service.RCS),
        ({"service": "rcs"}, Service.RCS),
        ({"service": "SMS"}, Service.SMS),
        ({"service": "sms"}, Service.SMS),
        ({"service": "SMS", "was_downgraded": None}, Service.SMS),
        ({"service": "iMessage", "was_downgraded": False}, Service.IMESSAGE),
        ({"service": "iMessage", "was_downgraded": "false"}, Service.IMESSAGE),
        ({"service": "iMessage", "was_downgraded": "null"}, Service.IMESSAGE),
        ({"service": "iMessage", "was_downgraded": True}, Service.SMS),
        ({"was_downgraded": True}, Service.SMS),
        ({"was_downgraded": "true"}, Service.SMS),
    ],
)
def test_the_channel_is_read_from_service_and_downgrade(fields, service):
    assert report({"status": "SENT"} | fields).service is service


def test_a_list_of_numbers_is_no_recipient_and_no_trouble():
    assert report({"status": "SENT", "number": ["+15550100001"], "to_number": []}).recipient == ""


@pytest.mark.parametrize(
    ("fields", "recipient"),
    [
        ({"to_number": "+15550100001", "number": "+15550100002"}, "+15550100001"),
        ({"to_number": None, "number": "+15550100002"}, "+15550100002"),
        ({}, ""),
    ],
)
def test_the_recipient_is_read_where_it_stands(fields, recipient):
    assert report({"status": "SENT"} | fields).recipient == recipient


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("2026-11-20T18:04:03.900Z", NOW - timedelta(seconds=1.1)),
        ("2026-11-20T18:04:03", NOW - timedelta(seconds=2)),
        ("2026-11-20T20:04:04+02:00", NOW - timedelta(seconds=1)),
        ("2026-11-20T18:04:50Z", NOW + timedelta(seconds=45)),
        ("2026-11-20T18:06:05Z", NOW),
        ("2026-11-01T00:00:00Z", NOW),
        ("0001-01-01T00:00:00+14:00", NOW),
        ("9999-12-31T23:59:59-14:00", NOW),
        ("yesterday", NOW),
        ("", NOW),
        (None, NOW),
        (1763661845, NOW),
        ({"_seconds": 1763661845, "_nanoseconds": 0}, NOW),
    ],
)
def test_the_vendor_s_time_is_believed_when_it_can_be_true(written, at):
    heard = report({"status": "SENT", "date_updated": written})
    assert heard.at == at
    assert heard.at.utcoffset() == timedelta(0)


def test_one_message_in_an_envelope_is_unpacked():
    heard = report({"status": "OK", "data": {"status": "DELIVERED", "message_handle": HANDLE, "service": "RCS"}})
    assert (heard.delivery, heard.handle, heard.service) == (Delivery.DELIVERED, HANDLE, Service.RCS)


def test_a_form_says_the_same_as_json():
    fields = {"message_handle": HANDLE, "status": "sent", "service": "SMS", "error_code": "", "was_downgraded": "true"}
    assert report(urlencode(fields).encode(), form=True) == report(fields)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1]",
        b"5",
        b'"SENT"',
        b"null",
        b"{}",
        b'{"status": null}',
        b'{"status": {"status": {"status": "SENT"}}}',
        b'{"message_handle": "", "content": "hi"}',
        b'{"status": "OK", "data": {}}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"status=SENT",
    ],
)
def test_what_is_no_report_is_said_to_be_none(body):
    with pytest.raises(UnreadableReport):
        report(body)


@pytest.mark.parametrize("body", [b"", b"{}", b"status", b"&", b"x=1", b"\xff=\xff", b"a=1&" * 200])
def test_what_is_no_form_is_said_to_be_none(body):
    with pytest.raises(UnreadableReport):
        report(body, form=True)


# -- the list


def test_a_list_is_read_in_the_vendor_s_order_with_its_texts():
    items = [
        SENT_BODY | {"message_handle": "h1", "status": "DELIVERED"},
        SENT_BODY | {"message_handle": "h2", "content": None},
        "no message",
    ]
    body = {"status": "OK", "pagination": {"total": 2}, "data": items}
    [first, second], _ = parse_page(json.dumps(body).encode(), now=NOW)
    assert (first.report.handle, first.report.delivery, first.report.recipient) == (
        "h1",
        Delivery.DELIVERED,
        "+15550100001",
    )
    assert (first.text, first.line, first.outbound) == ("Table for two at eight?", "+15550100900", True)
    assert first.at == datetime(2026, 11, 20, 18, 4, 5, 120000, tzinfo=UTC)
    assert (second.report.handle, second.text) == ("h2", "")


MINE = a_send(UUID(int=1), UUID(int=2), "+15550100001", "+15550100900", "Table for two at eight?", NOW, NOW)
SENT_AT = datetime(2026, 11, 20, 18, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({}, True),
        ({"date_sent": None}, True),
        ({"from_number": None}, True),
        ({"status": "ERROR"}, False),
        ({"status": "DECLINED"}, False),
        ({"is_outbound": False}, False),
        ({"is_outbound": "false"}, False),
        ({"from_number": "+15550100901"}, False),
        ({"to_number": "+15550100002"}, False),
        ({"content": "Table for two at nine?"}, False),
    ],
)
def test_evidence_must_fit_in_everything_and_not_have_failed(changes, fits):
    body = {"data": [SENT_BODY | changes]}
    [listed], _ = parse_page(json.dumps(body).encode(), now=NOW)
    assert listed.may_be(MINE) is fits


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"data": {}}', b'{"data": null}', b"<html>"])
def test_what_is_no_list_is_said_to_be_none(body):
    with pytest.raises(UnreadableReport):
        parse_page(body, now=NOW)


# -- anything at all

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from([*(word for word, _ in STATUSES), *map(str, [*NO, *LATER, *UNSURE]), "0", "true", HANDLE])
    | st.sampled_from([402, 4001, 5000, 5003, 10002, 10**40, "\x00", "\ud800", "x" * 999, "2026-11-20T18:04:05Z"])
)
NAMES = [*SENT_BODY, "data", "error", "code", "message", "details", "error_key", "_seconds"]
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), inner, max_size=5)
        | st.fixed_dictionaries({"status": inner, "message_handle": inner, "error_code": inner})
    ),
    max_leaves=12,
)
bodies = st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode())


def is_clean(heard: Report) -> bool:
    """Whether a database and a log can take it."""
    texts = (heard.word, heard.handle or "", heard.error_code, heard.error_text)
    for said, longest in zip(texts, (80, 200, 80, 500), strict=True):
        said.encode()
        assert "\x00" not in said
        assert len(said) <= longest
    return heard.at.utcoffset() == timedelta(0) and NOW - timedelta(days=2) < heard.at < NOW + timedelta(minutes=1)


@settings(deadline=None)
@given(body=bodies, form=st.booleans())
def test_any_callback_whatever_is_a_report_or_said_to_be_none(body, form):
    try:
        heard = report(body, form=form)
    except UnreadableReport:
        return
    assert is_clean(heard)
    assert heard.handle or heard.word


@settings(deadline=None)
@given(body=bodies, http=st.integers(200, 599) | st.sampled_from([200, 202, 400, 429, 500]))
def test_any_answer_whatever_is_yes_no_later_or_doubt(body, http):
    try:
        taken = answer(http, body, media_url=PICTURE)
    except (Refused, NotSent, Uncertain) as error:
        taken = error
    if isinstance(taken, CallFailed):
        assert 0 < len(taken.code) <= 80
        assert len(taken.reason) <= 500
        return
    assert 200 <= http < 300
    assert taken.handle
    assert taken.delivery is not None
    assert taken.delivery >= Delivery.QUEUED
    assert taken.delivery is not Delivery.FAILED
    assert is_clean(taken)


@settings(deadline=None)
@given(body=bodies | st.lists(values, max_size=3).map(lambda items: json.dumps({"data": items}).encode()))
def test_any_list_whatever_is_a_list_or_said_to_be_none(body):
    try:
        listed, _ = parse_page(body, now=NOW)
    except UnreadableReport:
        return
    assert all(is_clean(item.report) and isinstance(item.text, str) for item in listed)


ODD = [
    *('{"a": 1, "a": 2}', '{"a": NaN}', '{"a": -0}', '{"a": 1e999}', '{"a": 01}', '{"a": "\x01"}', "\ufeff{}"),
    *(
        '{"a": "\\ud800"}',
        '{"\\ud800\\u0041": 1}',
        '{"a": "\\ud83d\\ude00"}',
        f'{{"a": {"9" * 30}}}',
        f'{{"a": {"9" * 5000}}}',
    ),
    *("{} {}", "\x0c{}", "{}\x00", '{"a": "\\/\\u0000"}', f'{{"a": {"[" * 500}{"]" * 500}}}'),
]
odd = st.sampled_from([text.encode(code) for text in ODD for code in ("utf-8", "utf-16", "utf-32")])
cut = st.builds(
    lambda body, at, other: body[:at] + other + body[at + 1 :], bodies, st.integers(0, 99), st.binary(max_size=2)
)


@settings(deadline=None, max_examples=500)
@given(body=bodies | odd | cut | st.just(b'{"a": "\xed\xa0\x80"}'))
def test_the_quick_parser_reads_whatever_python_s_reads_and_nothing_else(body):
    try:
        slowly = json.loads(body)
    except (ValueError, RecursionError):
        slowly = None
    assert repr(json_object(body)) == repr(slowly if isinstance(slowly, dict) else None)


@settings(deadline=None)
@given(fields=st.dictionaries(st.sampled_from(NAMES), values, max_size=5))
def test_what_no_field_is_about_is_no_error(fields):
    assert error_of(fields) == (error_code(fields), explanation(fields))
