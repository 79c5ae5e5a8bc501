"""Sendblue's shapes, read by our readers: each is taken for what it is, and none crashes a reader it is not for."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from bot.domain.delivery import Delivery, Service
from bot.errors import BluethreadError, NotSent, Refused, Uncertain
from bot.sendblue import wire
from tests.making import a_send
from tests.shapes import SENDBLUE, names, raw

NOW = datetime(2026, 11, 20, 18, 4, 5, tzinfo=UTC)
HANDLE, INBOUND = "5e1c0d6a-7b52-4f0e-9a41-2f6f5d0c1b77", "C0A7B9E2-64F1-4D35-8E0A-9B1D2C3E4F50"
PICTURE = "https://cdn.example.com/Menu.png"

ACCEPTED = {
    "accepted": False,
    "accepted_as_in_the_spec": False,
    "accepted_with_seat": False,
    "accepted_with_error_code": False,
    "accepted_group": False,
    "accepted_without_the_picture": True,
}
"""Shape → whether the picture is lost."""

NOT_ACCEPTED = [
    ("accepted_declined", 200, Refused, "PRE_REPLY_LIMIT_REACHED"),
    ("accepted_timeout", 200, Uncertain, "unreadable_answer"),
    ("envelope_invalid_credentials", 401, Refused, "http_401"),
    ("envelope_missing_parameter", 400, Refused, "http_400"),
    ("envelope_message_object", 400, NotSent, "4001"),
    ("envelope_error_object", 400, Refused, "SOME_CODE"),
    ("envelope_error_object", 200, Uncertain, "SOME_CODE"),
    ("envelope_details_with_hint", 400, Refused, "SOME_CODE"),
    ("envelope_bare_error", 400, Refused, "http_400"),
    ("envelope_bare_error", 200, Uncertain, "unreadable_answer"),
    ("envelope_error_key", 400, Refused, "OPTED_OUT"),
    ("opted_out", 400, Refused, "402"),
    ("opted_out", 402, Refused, "402"),
    ("key_opted_out", 400, Refused, "OPTED_OUT"),
    ("key_pre_reply_limit_reached", 400, Refused, "PRE_REPLY_LIMIT_REACHED"),
    ("http_403_plan_lacks_feature", 403, Refused, "http_403"),
    ("http_404_from_number_not_registered", 404, Refused, "http_404"),
    ("http_409_contact_exists", 409, Uncertain, "http_409"),
    ("http_422_outside_reply_window", 422, Refused, "OUTSIDE_REPLY_WINDOW"),
    ("http_429", 429, NotSent, "5509"),
    ("http_502_indeterminate", 502, Uncertain, "EVALUATE_SERVICE_INDETERMINATE"),
    ("code_none", 400, Refused, "http_400"),
    ("code_zero", 200, Refused, "http_200"),
    ("code_empty", 429, NotSent, "http_429"),
    ("code_4000", 400, Refused, "4000"),
    ("code_4002", 200, Refused, "4002"),
    ("code_sms_limit_reached", 400, Refused, "SMS_LIMIT_REACHED"),
    ("code_invalid_reaction", 400, Refused, "INVALID_REACTION"),
    ("code_line_not_registered", 400, Refused, "line_not_registered"),
    ("code_ambiguous_sending_line", 400, Refused, "ambiguous_sending_line"),
    ("code_5003", 200, NotSent, "5003"),
    ("code_5003", 503, Uncertain, "5003"),
    ("code_5504_target_service", 200, Refused, "5504"),
    ("code_5504_timed_out", 200, Uncertain, "5504"),
    ("code_5504_not_running", 400, Uncertain, "5504"),
    ("code_22", 200, Uncertain, "22"),
    ("code_5000", 400, Uncertain, "5000"),
    ("code_10001", 200, Uncertain, "10001"),
    ("code_10002", 200, Uncertain, "10002"),
]

REPORTS: dict[str, tuple[Delivery | None, Service, str]] = {
    "status_nested": (Delivery.SENT, Service.UNKNOWN, ""),
    "status_flat": (Delivery.SENT, Service.UNKNOWN, ""),
    "one_message": (Delivery.DELIVERED, Service.IMESSAGE, ""),
    "callback_delivered": (Delivery.DELIVERED, Service.IMESSAGE, ""),
    "callback_sent_by_sms": (Delivery.SENT, Service.SMS, ""),
    "callback_downgraded": (Delivery.SENT, Service.SMS, ""),
    "callback_rcs": (Delivery.DELIVERED, Service.RCS, ""),
    "callback_of_a_group": (Delivery.DELIVERED, Service.IMESSAGE, ""),
    "callback_failed": (Delivery.FAILED, Service.IMESSAGE, "5504"),
    "callback_declined": (Delivery.FAILED, Service.IMESSAGE, "OPTED_OUT"),
    "callback_unresolved": (None, Service.IMESSAGE, "10002"),
    "callback_of_2020_queued": (Delivery.QUEUED, Service.UNKNOWN, ""),
    "callback_of_2020_sent": (Delivery.SENT, Service.UNKNOWN, ""),
    "callback_of_2020_delivered": (Delivery.DELIVERED, Service.UNKNOWN, ""),
    "callback_of_2020_read": (Delivery.READ, Service.UNKNOWN, ""),
    "callback_of_2020_failed": (Delivery.FAILED, Service.UNKNOWN, ""),
    "callback_word_registered": (Delivery.QUEUED, Service.IMESSAGE, ""),
    "callback_word_pending": (Delivery.QUEUED, Service.IMESSAGE, ""),
    "callback_word_queued": (Delivery.QUEUED, Service.IMESSAGE, ""),
    "callback_word_accepted": (Delivery.QUEUED, Service.IMESSAGE, ""),
    "callback_word_success": (None, Service.IMESSAGE, ""),
    "callback_word_timeout": (None, Service.IMESSAGE, ""),
    "callback_word_downgraded": (None, Service.IMESSAGE, ""),
}

LISTS: dict[str, list[tuple[str | None, Delivery | None, bool]]] = {
    "page": [(HANDLE, Delivery.DELIVERED, True)],
    "page_with_every_key": [(HANDLE, Delivery.DELIVERED, True)],
    "page_with_code_22": [(HANDLE, Delivery.FAILED, True)],
    "page_of_groups": [(HANDLE, Delivery.DELIVERED, True)],
    "page_of_inbound": [(INBOUND, None, False)],
    "page_of_legacy_dates": [(None, Delivery.SENT, True)],
    "page_empty": [],
}

HOOK = "https://bot.example.com/sendblue/webhook"
ACCOUNT: dict[str, tuple[Any, Any]] = {
    "lines": (wire.parse_lines, ["+15550100900", "+15550100901"]),
    "line_states": (
        wire.parse_line_states,
        {
            "+15550100900": "ONLINE",
            "+15550100901": "OFFLINE",
            "+15550100902": "DEGRADED",
            "+15550100903": "UNKNOWN",
        },
    ),
    "webhooks": (
        wire.parse_webhooks,
        [wire.Hook("receive", HOOK, "<globalSecret>"), wire.Hook("outbound", HOOK, "<secret>")],
    ),
    "webhooks_newer_types": (
        wire.parse_webhooks,
        [
            wire.Hook("call_completed", HOOK, "<globalSecret>"),
            wire.Hook("inbound_call", HOOK, "<globalSecret>"),
            wire.Hook("contact_profile", HOOK, "<secret>"),
        ],
    ),
}


@pytest.mark.parametrize(("name", "lost"), ACCEPTED.items())
def test_an_accepted_text_is_known_by_its_handle(name, lost):
    for http in (200, 201, 202):
        taken = wire.parse_answer(http, raw("sendblue/answers", name), now=NOW, media_url=PICTURE)
        assert (taken.delivery, taken.handle, taken.picture_lost) == (Delivery.QUEUED, HANDLE, lost)


@pytest.mark.parametrize(("name", "http", "outcome", "code"), NOT_ACCEPTED)
def test_a_no_is_told_from_a_later_and_from_a_doubt(name, http, outcome, code):
    with pytest.raises(outcome) as failure:
        wire.parse_answer(http, raw("sendblue/answers", name), now=NOW)
    assert failure.value.code == code


@pytest.mark.parametrize("kind", ["sendblue/answers", "sendblue/uncalled"])
def test_whatever_comes_with_a_5xx_is_a_doubt(kind):
    for name in names(kind):
        for http in (408, 409, 500, 502, 503):
            with pytest.raises(Uncertain):
                wire.parse_answer(http, raw(kind, name), now=NOW)


def test_the_answer_to_another_call_is_never_taken_for_a_yes():
    for name in names("sendblue/uncalled"):
        with pytest.raises((Refused, Uncertain)):
            wire.parse_answer(200, raw("sendblue/uncalled", name), now=NOW)


@pytest.mark.parametrize(("name", "expected"), REPORTS.items())
def test_a_report_is_read_in_every_form(name, expected):
    heard = wire.parse_report(raw("sendblue/reports", name), source="callback", now=NOW)
    assert (heard.delivery, heard.service, heard.error_code) == expected
    assert heard.handle == HANDLE


@pytest.mark.parametrize("name", REPORTS)
def test_the_account_s_webhook_reads_the_same(name):
    heard = wire.parse_account_report(wire.fields_of(raw("sendblue/reports", name)), now=NOW)
    assert heard is not None
    assert (heard.delivery, heard.service, heard.error_code) == REPORTS[name]


def test_what_a_customer_wrote_is_no_report_on_a_text_of_ours():
    body = raw("sendblue/inbound", "receive")
    for spoilt in (body, body.replace(b'"RECEIVED"', b'"DELIVERED"')):
        heard = wire.parse_report(spoilt, source="callback", now=NOW)
        assert (heard.handle, heard.delivery, heard.service) == (None, None, Service.UNKNOWN)
        assert wire.parse_account_report(wire.fields_of(spoilt), now=NOW) is None


@pytest.mark.parametrize(("name", "expected"), LISTS.items())
def test_a_page_is_read_in_every_form(name, expected):
    page, _ = wire.parse_page(raw("sendblue/lists", name), now=NOW)
    assert [(item.report.handle, item.report.delivery, item.outbound) for item in page] == expected


@pytest.mark.parametrize(("name", "parse", "expected"), [(name, *row) for name, row in ACCOUNT.items()])
def test_what_sendblue_says_of_our_account_is_read(name, parse, expected):
    assert parse(raw("sendblue/account", name)) == expected


def test_what_we_ask_is_what_sendblue_documents():
    sent = json.loads(raw("sendblue/requests", "send_message"))
    who_what = (sent["number"], sent["from_number"], sent["content"])
    text = a_send(UUID(int=1), UUID(int=2), *who_what, NOW, NOW, media_url=PICTURE, style="gentle")
    assert wire.submission(text, sent["status_callback"]) == sent
    registered = json.loads(raw("sendblue/requests", "register_webhook"))
    assert wire.registration(HOOK, "<secret>") == registered


@pytest.mark.parametrize("kind", SENDBLUE)
def test_what_is_meant_for_another_reader_crashes_none(kind):
    for name in names(kind):
        body = raw(kind, name)
        for read in (wire.parse_lines, wire.parse_line_states, wire.parse_webhooks):
            with suppress(BluethreadError):
                read(body)
        with suppress(BluethreadError):
            wire.parse_page(body, now=NOW)
        with suppress(BluethreadError):
            wire.parse_report(body, source="poll", now=NOW)
        for http in (200, 400, 429, 500):
            with suppress(BluethreadError):
                wire.parse_answer(http, body, now=NOW)
