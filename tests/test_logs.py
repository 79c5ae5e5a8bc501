"""Logs: facts for whoever runs this, and nothing private, whoever logs it."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
import structlog
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.logs import Redaction, Sampler, configure_logs

MASK = Redaction(["xoxb-1-hush", "signing-hush", "abc"]).mask


@pytest.mark.parametrize(
    "spelled",
    [
        "+14155552671",
        "+1 415 555 2671",
        "+1-415-555-2671",
        "+1.415.555.2671",
        "+1 (415) 555-2671",
        "+1\u00a0415\u00a0555\u00a02671",
        "%2B14155552671",
        "%2b14155552671",
        "(415) 555-2671",
        "(415)555-2671",
        "415-555-2671",
        "415.555.2671",
        "415 555 2671",
        "4155552671",
        "+44 20 7183 8750",
        "+49 (0)30 1234567",
        "+33 1 42 68 53 00",
        "+372 5123 456",
    ],
)
def test_no_phone_number_survives(spelled):
    for around in ("{}", "to {} failed", "'{}'", '"number": "{}"', "?number={}&x=1", "[{}]", "{}, ok"):
        assert not re.search(r"\d{3}", MASK(around.format(spelled))), around


MISSED = {
    "after a colon or letter": ["tel:+14155552671", "to:+14155552671", "<tel:+14155552671|x>"],
    "before a letter": ["+14155552671x5", "+14155552671_bob", "+14155552671-bob"],
    "at a sentence's end": ["call 415-555-2671.", "415.555.2671.", "415-555-2671: unknown"],
    "country code without plus": ["14155552671", "1-415-555-2671", "1.415.555.2671", "0049 30 1234567"],
    "other dashes and spaces": ["+1\u2011415\u2011555\u20112671", "+1–415–555–2671", "+1415\u200b5552671"],
    "slashes": ["+49 30/1234567", "+1/415/555/2671"],
    "url-encoded spaces": ["%2B1%20415%20555%202671", "+1%20415%20555%202671"],
    "full-width": ["＋１４１５５５５２６７１"],
}


@pytest.mark.parametrize("spelled", [text for texts in MISSED.values() for text in texts])
def test_no_phone_number_survives_in_rarer_spellings(spelled):
    assert not re.search(r"\d{3}", MASK(spelled))


@pytest.mark.parametrize(
    "text",
    [
        "5e1c0d6a-7b52-4f0e-9a41-2f6f5d0c1b77",
        "12345678-1234-1234-1234-123456789012",
        "1700000000.123456",
        "2026-11-20T18:04:05.120Z",
        "2026-11-20T18:04:05+00:00",
        "2026-11-20 18:04:05.123456+00:00",
        "2026-11-20T18:04:05.123456+0530",
        "127.0.0.1:54321",
        "C0123456789",
        "http_503",
        "12 of 345 in 6.789 s",
        "%Y-%m-%d",
    ],
)
def test_what_is_no_phone_number_stays_readable(text):
    assert MASK(text) == text
    assert MASK(f"at {text}, ok") == f"at {text}, ok"


@settings(deadline=None)
@given(
    st.uuids().map(str)
    | st.uuids().map(lambda uuid: uuid.hex[:6] + "x" + uuid.hex[7:])
    | st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat)
    | st.builds("{}.{:06}".format, st.integers(10**9, 2 * 10**9), st.integers(0, 999_999))
)
def test_ids_and_times_stay_readable(text):
    assert MASK(text) == text


@settings(deadline=None)
@given(
    country=st.sampled_from(["+1", "+44", "+372", "%2B1"]),
    groups=st.lists(st.integers(10, 9999).map(str), min_size=2, max_size=3),
    gap=st.sampled_from(["", " ", "-", ".", "\u00a0"]),
)
def test_no_international_number_survives(country, groups, gap):
    assume(len("".join(groups)) > 6)
    assert MASK(f"sent to {gap.join([country, *groups])}, ok") == "sent to [number], ok"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("POST /sendblue/status/00ff/deadbeef HTTP/1.1", "POST /sendblue/status/00ff/[token] HTTP/1.1"),
        ("https://x.example/sendblue/status/00ff/deadbeef", "https://x.example/sendblue/status/00ff/[token]"),
        ("'/sendblue/status/00ff/deadbeef?a=1'", "'/sendblue/status/00ff/[token]?a=1'"),
        ("/sendblue/status/1/a and /sendblue/status/2/b", "/sendblue/status/1/[token] and /sendblue/status/2/[token]"),
        ("/sendblue/webhook", "/sendblue/webhook"),
    ],
)
def test_no_callback_token_survives(text, masked):
    assert MASK(text) == masked


@pytest.mark.parametrize("url", [r"\/sendblue\/status\/00ff\/deadbeef", "%2Fsendblue%2Fstatus%2F00ff%2Fdeadbeef"])
def test_no_callback_token_survives_in_rarer_spellings(url):
    assert "deadbeef" not in MASK(url)


def test_no_configured_secret_survives_and_a_tiny_one_does_not_blacken_everything():
    assert MASK("Bearer xoxb-1-hush, signing-hush; abc") == "Bearer [secret], [secret]; abc"


def test_no_secret_that_begins_with_another_survives():
    assert Redaction(["key-1-hush", "key-1-hush-and-more"]).mask("key-1-hush-and-more") == "[secret]"


def test_whatever_holds_it_it_is_masked():
    deep = {"a": [("+14155552671", {"b": b"+14155552671"})], "c": {"+14155552671"}, "d": ValueError("+14155552671")}
    assert "4155" not in str(MASK(deep))
    assert MASK({"n": 1, "x": 1.5, "y": None, "z": True}) == {"n": 1, "x": 1.5, "y": None, "z": True}


@pytest.mark.parametrize(
    "name",
    ["text", "content", "recipient", "number", "body", "payload", "answer_url", "response_url", "media_url"],
)
def test_private_fields_are_not_written_at_any_depth(name):
    event = Redaction([])(None, "info", {"event": "e", name: "Table at eight?", "deep": [{name: "Table at eight?"}]})
    assert event == {"event": "e", name: "[private]", "deep": [{name: "[private]"}]}


def test_a_number_that_is_a_key_is_masked():
    assert "4155" not in str(MASK({"+14155552671": "delivered"}))


@pytest.mark.parametrize("number", [14155552671, [4155552671], {"to": 442071838750}])
def test_a_number_among_numbers_is_masked(number):
    assert not re.search(r"\d{3}", str(MASK(number)))


@pytest.mark.parametrize("value", [0, 503, 65_536, -1, True, 0.1234567890123, 1764515159.123456])
def test_counts_and_measures_stay_numbers(value):
    assert MASK(value) is value


# -- the pipe


@pytest.fixture
def log_as(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[str, str], Callable[[], str]]]:
    """Configure logging as a process would; return a way to read what it wrote."""

    def configured(form: str, level: str = "INFO") -> Callable[[], str]:
        configure_logs(level=level, form=form, secrets=("signing-hush",))
        return lambda: capsys.readouterr().err

    return configured


def test_production_writes_one_json_object_a_line(log_as):
    written = log_as("json")
    structlog.get_logger("bot.x").info(
        "report_applied", message_id=str(UUID(int=1)), at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    entry = json.loads(written())
    assert (entry["event"], entry["level"], entry["logger"]) == ("report_applied", "info", "bot.x")
    assert entry["message_id"] == str(UUID(int=1))
    assert datetime.fromisoformat(entry["timestamp"]).utcoffset() is not None


@pytest.mark.parametrize("form", ["json", "console", "auto"])
def test_nothing_private_is_written_in_any_form_by_anyone(log_as, form):
    written = log_as(form)
    try:
        int("+1 415 555 2671 and signing-hush")
    except ValueError:
        structlog.get_logger("ours").exception("it_failed", text="Table at eight?", to="+14155552671")
        logging.getLogger("theirs").exception("could not text %s with signing-hush", "+14155552671")
    said = written()
    assert said.count("ValueError") >= 2
    assert not re.search("4155|555 2671|hush|eight", said)


def test_a_library_s_sentence_becomes_a_field(log_as):
    written = log_as("json")
    logging.getLogger("theirs").warning("slow by %d ms", 250)
    entry = json.loads(written())
    assert (entry["event"], entry["said"], entry["logger"]) == ("library", "slow by 250 ms", "theirs")


def test_an_id_bound_to_a_request_is_in_every_line(log_as):
    written = log_as("json")
    with structlog.contextvars.bound_contextvars(message_id="m-1"):
        structlog.get_logger("ours").info("one")
        logging.getLogger("theirs").info("two")
    structlog.get_logger("ours").info("three")
    entries = [json.loads(line) for line in written().splitlines()]
    assert [entry.get("message_id") for entry in entries] == ["m-1", "m-1", None]


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
def test_libraries_that_print_urls_and_bodies_are_quiet_at_any_level(log_as, level):
    written = log_as("json", level)
    logging.getLogger("httpx").info("HTTP Request: GET https://x.example?number=1")
    logging.getLogger("uvicorn.access").error("POST /sendblue/status/1/deadbeef")
    logging.getLogger("slack_sdk.web.async_base_client").debug("Sending a request - body: …")
    logging.getLogger("apscheduler.executors.default").info("Running job")
    logging.getLogger("sqlalchemy.engine.Engine").info("SELECT …")
    assert written() == ""


def test_the_level_is_what_was_asked_for(log_as):
    written = log_as("json", "WARNING")
    structlog.get_logger("ours").info("unseen")
    logging.getLogger("theirs").info("unseen")
    logging.getLogger("slack_sdk").info("unseen")
    structlog.get_logger("ours").warning("seen")
    assert [json.loads(line)["event"] for line in written().splitlines()] == ["seen"]


def test_configuring_twice_writes_each_line_once(log_as):
    log_as("json")
    written = log_as("json")
    structlog.get_logger("ours").info("once")
    assert written().count("once") == 1


def test_bolt_does_not_warn_of_what_is_done_on_purpose(log_as):
    written = log_as("json")
    logging.getLogger("bolt").warning("As you gave authorize, token is ignored")
    assert written() == ""


def test_of_what_strangers_cause_at_will_the_first_is_written_and_then_one_a_minute_that_counts_the_others(log_as):
    written = log_as("json")
    times = iter((*(5.0 + 59 * number / 10_000 for number in range(10_000)), 65.0, 66.0, 125.1))
    sampler = Sampler(lambda: next(times))
    structlog.configure(processors=[sampler, *structlog.get_config()["processors"]])
    for _ in range(10_003):
        structlog.get_logger("ours").warning("refused", at_will=True)
    structlog.get_logger("ours").warning("failed")
    entries = [json.loads(line) for line in written().splitlines()]
    assert [(entry["event"], entry.get("refused_since_last")) for entry in entries] == [
        *(("refused", 0), ("refused", 9_999), ("refused", 1), ("failed", None))
    ]
    assert "at_will" not in entries[0]


def test_a_library_s_warnings_that_strangers_cause_are_counted_rather_than_written(log_as):
    written = log_as("json")
    times = iter((0.0, 1.0, 59.0, 60.0, 61.0, 62.0))
    noisy = logging.getLogger("noisy")
    noisy.filters[:] = [Sampler(lambda: next(times))]
    for _ in range(5):
        noisy.warning("Invalid HTTP request received.")
    noisy.warning("Unsupported upgrade request.")
    noisy.error("Exception in ASGI application")
    noisy.error("Exception in ASGI application")
    assert [json.loads(line)["said"] for line in written().splitlines()] == [
        "Invalid HTTP request received.",
        "Invalid HTTP request received. (2 more since the last one)",
        "Unsupported upgrade request.",
        *["Exception in ASGI application"] * 2,
    ]
