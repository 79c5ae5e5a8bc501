"""Why it failed, in words to act on; numbers, times and escapes as they are shown."""

import re
from datetime import UTC, datetime, timedelta

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.number import mask, pretty
from bot.slack.markup import escape, shorten, span, when
from bot.slack.reasons import reason as why

T0 = datetime(2026, 11, 20, 18, 4, 5, tzinfo=UTC)
OPTED_OUT = "the customer has opted out. They must text START"
LIMIT = "Please send it again later."
MAYBE = "the text may have been sent: please ask the customer before you send it again."


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("402", OPTED_OUT),
        ("OPTED_OUT", OPTED_OUT),
        ("4000", "Please check the number and the text."),
        ("4001", LIMIT),
        ("4002", "Sendblue does not text this number."),
        ("5003", LIMIT),
        ("5509", LIMIT),
        ("http_429", LIMIT),
        ("SMS_LIMIT_REACHED", "Please use another line or try tomorrow."),
        ("5000", MAYBE),
        ("10001", MAYBE),
        ("5504", "Please try again in a few minutes."),
        ("line_not_registered", "The person who runs this bot should check our lines."),
        ("http_401", "should check the SENDBLUE settings"),
        ("http_403", "should check the account"),
        ("no_connection", LIMIT),
        ("earlier_part_failed", "this part was not sent either"),
        ("too_late", "Please send it again if it is still right."),
        ("channel_not_found", "Run `/invite @bluethread`, then send again."),
        ("not_in_channel", "Run `/invite @bluethread`, then send again."),
        ("is_archived", "Please use another one."),
        ("restricted_action", "Please use another one."),
        ("restricted_action_read_only_channel", "Please use another one."),
        ("restricted_action_thread_locked", "Please use another one."),
        ("cannot_reply_to_message", "Please use another one."),
        ("ekm_access_denied", "Please use another one."),
        ("messages_tab_disabled", "Please send from a channel I'm in."),
        ("thread_unknown", "Please send again."),
        ("not_allowed", "Ask the person who runs this bot."),
        ("stranger", "people from outside this workspace may not text its customers."),
    ],
)
def test_every_code_says_what_to_do_next(code, words):
    assert words in why(code)


@pytest.mark.parametrize(
    ("code", "theirs", "said"),
    [
        ("4000", "content too long", "Please check the number and the text. Sendblue says “content too long”."),
        ("4000", "media_url", "Please check the number and the text. Sendblue says “media_url”."),
        ("4001", "50 new contacts a day", "send it again later. Sendblue says “50 new contacts a day”."),
        ("http_403", "Groups are not in your plan", "check the account. Sendblue says “Groups are not in your plan”."),
        ("http_400", "no +1 415 555 2671 <!here>", "Sendblue says “no [number] &lt;!here&gt;”."),
        ("http_400", "a\n✅ *Delivered* `now` 415‑555‑2671", "Sendblue says “a ✅ Delivered now [number]”."),
        ("5504", "timed out waiting", "before you send it again. Sendblue says “timed out waiting”."),
    ],
)
def test_their_words_follow_ours_where_they_add_something(code, theirs, said):
    assert why(code, theirs).endswith(said)


@pytest.mark.parametrize(
    ("code", "theirs"),
    [
        ("OPTED_OUT", "The message was declined because the user opted out"),
        ("402", "OPTED_OUT"),
        ("4002", "BLACKLISTED"),
        ("no_connection", "some words"),
        ("channel_not_found", "some words"),
    ],
)
def test_their_words_are_left_out_where_they_add_nothing(code, theirs):
    assert why(code, theirs) == why(code)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("opted_out", OPTED_OUT),
        ("pre_reply_limit_reached", "has not answered yet"),
        ("sms_limit_reached", "another line"),
        ("LINE_NOT_REGISTERED", "check our lines"),
    ],
)
def test_a_code_is_understood_in_any_case(code, words):
    assert words in why(code)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("5504", "timed out waiting for message status"),
        ("5504", "Application isn't running"),
        ("22", ""),
    ],
)
def test_nobody_is_told_to_send_again_what_may_have_gone_out(code, text):
    assert "may have been sent" in why(code, text)


@pytest.mark.parametrize("code", ["NOT_ALLOWED", "GUEST", "TOO_LATE", "RESTRICTED_ACTION", "IS_ARCHIVED"])
def test_a_code_of_sendblue_s_is_not_taken_for_one_of_ours(code):
    assert why(code) == f"Sendblue gave no reason (code {code})."


@pytest.mark.parametrize("code", ["is_inactive", "team_not_found", "msg_blocks_too_long", "invalid_blocks"])
def test_a_refusal_of_slack_s_is_not_blamed_on_sendblue(code):
    assert "Sendblue" not in why(code)


@pytest.mark.parametrize("code", ["ambiguous_sending_line", "some_code"])
def test_a_refusal_of_sendblue_s_is_not_blamed_on_slack(code):
    """Its newer error bodies have codes in lower case."""
    assert "Slack" not in why(code)


@pytest.mark.parametrize(
    ("code", "text", "said"),
    [
        ("", "", "Sendblue gave no reason."),
        ("7777", "", "Sendblue gave no reason (code 7777)."),
        ("", "bad moon", "Sendblue says “bad moon”."),
        ("7777", "bad moon", "Sendblue says “bad moon” (code 7777)."),
        ("<!here>", "<!channel> & co", "Sendblue says “&lt;!channel&gt; &amp; co” (code &lt;!here&gt;)."),
        ("<!here>", "", "Sendblue gave no reason (code &lt;!here&gt;)."),
    ],
)
def test_where_ours_are_missing_their_words_are_quoted(code, text, said):
    assert why(code, text) == said


@settings(deadline=None)
@given(code=st.text(max_size=80), text=st.text(max_size=500))
def test_a_reason_is_a_sentence_and_harmless_whatever_they_say(code, text):
    said = why(code, text)
    assert said.endswith(".")
    assert not re.search("[<>]", said)


# -- markup


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("Fish & chips", "Fish &amp; chips"),
        ("<!channel>", "&lt;!channel&gt;"),
        ("&lt;", "&amp;lt;"),
        ("*bold* 'n' \"quoted\"", "*bold* 'n' \"quoted\""),
    ],
)
def test_exactly_three_signs_are_escaped(text, escaped):
    assert escape(text) == escaped


@pytest.mark.parametrize(
    ("number", "masked", "shown"),
    [
        ("+14155552671", "+1 ••• 2671", "+1 415-555-2671"),
        ("+442071838750", "+44 ••• 8750", "+44 20 7183 8750"),
        ("+390612345678", "+39 ••• 5678", "+39 06 1234 5678"),
        ("+493012345678", "+49 ••• 5678", "+49 30 12345678"),
        ("+6834002", "+683 ••• 02", "+683 4002"),
        ("+35441040", "+354 ••• 40", "+354 41040"),
        ("+3544104000", "+354 ••• 000", "+354 410 4000"),
        ("", "a customer", "a customer"),
        ("ana@example.com", "a•••@example.com", "ana@example.com"),
        ("72345", "72345", "72345"),
        ("72345678", "••• 5678", "72345678"),
        ("AMAZON", "AMAZON", "AMAZON"),
        ("Ana 415 555 2671", "Ana [number]", "Ana 415 555 2671"),
    ],
)
def test_a_number_is_masked_in_a_channel_and_readable_to_its_sender(number, masked, shown):
    assert mask(number) == masked
    assert pretty(number) == shown


def test_no_country_s_number_can_be_read_from_its_mask():
    for region in phonenumbers.SUPPORTED_REGIONS:
        for kind in phonenumbers.PhoneNumberType.values():
            if (number := phonenumbers.example_number_for_type(region, kind)) is not None:
                national = phonenumbers.national_significant_number(number)
                e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
                shown = mask(e164).rpartition(" ")[2]
                assert national.endswith(shown)
                assert len(shown) <= len(national) / 2


def test_a_time_is_shown_in_the_reader_s_zone_with_utc_to_fall_back_on():
    assert when(T0) == f"<!date^{int(T0.timestamp())}^{{date_short_pretty}} at {{time}}|Nov 20, 18:04 UTC>"
    assert "|Nov 2, 08:04 UTC>" in when(datetime(2026, 11, 2, 8, 4, tzinfo=UTC))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "a moment"),
        (0.4, "a moment"),
        (1, "1 second"),
        (30, "30 seconds"),
        (60, "1 minute"),
        (300, "5 minutes"),
        (3600, "1 hour"),
        (86_400, "24 hours"),
        (172_800, "48 hours"),
    ],
)
def test_a_length_of_time_is_said_in_words(seconds, said):
    assert span(timedelta(seconds=seconds)) == said


@pytest.mark.parametrize("seconds", [90, 150, 5_400, 9_000])
def test_a_length_of_time_is_not_stretched(seconds):
    count, unit = span(timedelta(seconds=seconds)).split()
    meant = int(count) * {"hour": 3600, "minute": 60, "second": 1}[unit.rstrip("s")]
    assert abs(meant - seconds) <= seconds / 10


@settings(deadline=None)
@given(text=st.text(max_size=80), length=st.integers(3, 60))
def test_a_shortened_text_fits_and_shows_that_it_is_shortened(text, length):
    shown = shorten(text, length)
    assert len(shown) <= length
    assert shown == text if len(text) <= length else shown == text[: length - 2] + " …"
