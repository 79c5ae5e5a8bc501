"""What a person types after `/imessage`: understood, or refused in a sentence, and the text left alone."""

import re
import sys
import time
import unicodedata
from contextlib import suppress
from typing import Any
from unittest.mock import Mock

import phonenumbers
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from bot.domain.message import Request
from bot.errors import UsageError
from bot.sendblue.wire import STYLES
from bot.slack.markup import escape
from handlers.parsing import Help, StatusQuestion, parse_command
from handlers.recipient import bare, parse_number

LINE, OTHER_LINE, CUSTOMER = "+15550100900", "+15550100901", "+14155552671"
PICTURE = "https://example.com/menu.png"


def parse(text: str, region: str = "US", lines: tuple[str, ...] = (LINE, OTHER_LINE)) -> Any:
    return parse_command(text, region=region, lines=lines)


def refusal(text: str, **options: Any) -> str:
    with pytest.raises(UsageError) as refused:
        parse(text, **options)
    return str(refused.value)


# -- the number


@pytest.mark.parametrize(
    "typed",
    [
        "+14155552671",
        "+1 415 555 2671",
        "+1 (415) 555-2671",
        "+1.415.555.2671",
        "+1-415-555-2671",
        "1-415-555-2671",
        "1 415 555 2671",
        "14155552671",
        "(415) 555-2671",
        "(415)555-2671",
        "415-555-2671",
        "415.555.2671",
        "4155552671",
        "011 1 415 555 2671",
        "+1\u00a0415\u00a0555\u00a02671",
        "+1\u2011415\u2011555\u20112671",
        "+1\u2013415\u2013555\u20132671",
        "\u202a+14155552671\u202c",
        "\ufeff+1415\u200b5552671",
        "+1415555\u00ad2671",
        "＋１４１５５５５２６７１",
        "+14155552671,",
        "+14155552671:",
        "+1 415 555 2671;",
        "<tel:+14155552671|+1 415 555 2671>",
        "<tel:+14155552671|(415) 555-2671>",
        "<tel:+14155552671>",
        '"+1 415 555 2671"',
        "'+1 415 555 2671'",
        "“+1 415 555 2671”",
        "‘+1 415 555 2671’",
        "„+1 415 555 2671“",
        "«+1 415 555 2671»",
        '“+1 415 555 2671"',
        '"<tel:+14155552671|+1 415 555 2671>"',
    ],
)
def test_a_number_is_understood_however_it_is_written(typed):
    assert parse(f"{typed} Table at eight?") == Request(CUSTOMER, "Table at eight?")


@pytest.mark.parametrize("space", ["\u202f", "\u2009", "\u2007", "\t"], ids=ascii)
def test_any_kind_of_space_may_stand_in_a_number(space):
    """U+202F is what French clients put between groups of digits."""
    typed = space.join(["+1", "415", "555", "2671"])
    assert parse(f"{typed} Table at eight?") == Request(CUSTOMER, "Table at eight?")


@pytest.mark.parametrize(
    ("typed", "region", "number"),
    [
        ("0171 1234567", "DE", "+491711234567"),
        ("+49 171 1234567", "US", "+491711234567"),
        ("020 7183 8750", "GB", "+442071838750"),
        ("+44 (0)20 7183 8750", "US", "+442071838750"),
        ("01 42 68 53 00", "FR", "+33142685300"),
        ("+39 0612345678", "US", "+390612345678"),
        ("00 1 415 555 2671", "DE", "+14155552671"),
    ],
)
def test_a_national_number_is_one_of_the_default_region(typed, region, number):
    assert parse(f"{typed} Hallo", region=region).recipient == number


@pytest.mark.parametrize("typed", ["911", "112", "(911)", '"911"', "9-1-1"])
def test_emergency_services_are_never_texted(typed):
    assert "emergency" in refusal(f"{typed} help me")


def test_no_region_takes_its_own_emergency_number_for_a_number():
    for region in phonenumbers.SUPPORTED_REGIONS:
        for typed in ("110", "112", "113", "117", "119", "911", "999", "000", "1122"):
            if phonenumbers.is_emergency_number(typed, region):
                assert "emergency" in refusal(f"{typed} help", region=region)


@pytest.mark.parametrize(
    "typed",
    [
        "+1",
        "1",
        "+1415555267",
        "415555267",
        "555-2671",
        "+141555526711",
        "+999 555 1234567",
        "00 49 171 1234567",
        "1-800-FLOWERS",
        "+1 911",
        "1" * 300,
        "+14155552671/2672",
        "+14155552671x5",
        '"+14155552671 ext 5"',
        '"not a number"',
        "٠",
    ],
)
def test_a_number_that_cannot_be_texted_is_refused_with_a_way_on(typed):
    assert "such as +1 415 555 2671" in refusal(f"{typed} hi") or "number first" in refusal(f"{typed} hi")


@pytest.mark.parametrize(
    "typed",
    [
        "+14155552671, +14155552672 Table at eight?",
        "+14155552671 +14155552672 Table at eight?",
        "+14155552671/+14155552672 Table at eight?",
        "+14155552671 / +14155552672 Table at eight?",
        "+14155552671;+14155552672 Table at eight?",
        "+14155552671; +14155552672 Table at eight?",
        "+14155552671 and +14155552672 Table at eight?",
        "+14155552671 &amp; +14155552672 Table at eight?",
        "+14155552671 + +14155552672 Table at eight?",
        "+1 415 555 2671, +1 415 555 2672 Table at eight?",
        "+1 415 555 2671/+1 415 555 2672 Table at eight?",
        "+1 415 555 2671 and 415 555 2672 Table at eight?",
        "415 555 2671 / 2672 Table at eight?",
        "415-555-2671 or 2672 Table at eight?",
        "(415) 555-2671 (415) 555-2672 Table at eight?",
        "<tel:+14155552671|415 555 2671> <tel:+14155552672|415 555 2672> Table at eight?",
        "<tel:+14155552671|415 555 2671>, <tel:+14155552672|415 555 2672> Table at eight?",
        "<tel:+14155552671|415 555 2671>/<tel:+14155552672|415 555 2672> Table at eight?",
        '"+1 415 555 2671" "+1 415 555 2672" Table at eight?',
        '"415 555 2671", 415 555 2672 Table at eight?',
        "+14155552671, +4930123456 Hallo",
        "+14155552671 + 4155552672 hi",
        "415-555-2671/ 2672 hi",
        "415-555-2671 /2672 hi",
        "415-555-2671 / 555-2672 hi",
        "415-555-2671 and 2672. hi",
        "415-555-2671 &amp;&amp; 415-555-2672 hi",
        "+14155552671 , and 415-555-2672 hi",
        "+14155552671 [+14155552672] hi",
        "+14155552671 tel:+14155552672 hi",
        "+14155552671 • +14155552672 hi",
        "+14155552671 – (+1 415 555 2672) hi",
    ],
)
def test_two_numbers_are_refused_and_nobody_reads_the_other_s(typed):
    assert "one customer at a time" in refusal(typed)


@pytest.mark.parametrize(
    ("typed", "region"),
    [
        ("0171 1234567, 0172 1234567 Hallo", "DE"),
        ("01 42 68 53 00 / 01 42 68 53 01 Bonjour", "FR"),
        ("(11) 96123-4567 e (11) 96123-4568 Oi", "BR"),
        ("(11) 96123-4567 11961234568 Oi", "BR"),
        ("98765 43210 / 98765 43211 hello", "IN"),
        ("9876543210, 9876543211 hello", "IN"),
        ("+4915112345678 - +49 151 12345679 Hallo", "DE"),
        ("+4915112345678 (+49 151 12345679) Hallo", "DE"),
        ("+4915112345678 oder (+49) 151 12345679 Hallo", "DE"),
        ("+4915112345678 + 0151 12345679 Hallo", "DE"),
    ],
)
def test_two_numbers_are_refused_in_every_country(typed, region):
    assert "one customer at a time" in refusal(typed, region=region)


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("Call us at +1 415 555 2672", "US"),
        ("or call +1 415 555 2672", "US"),
        ("and 2 more", "US"),
        ("20261130 is your order", "US"),
        ("1234567890123 is your parcel", "US"),
        ("2026-11-30 10.30 Uhr?", "DE"),
        ("30.11.2026 passt?", "DE"),
        ("02.12.2026 um 8 Uhr passt?", "DE"),
        ("02.12. 19.30 Uhr?", "DE"),
        ("01/12/2026 20 h ?", "FR"),
        ("2026-12-24 10 am?", "US"),
        ("12/24/26 10 am?", "US"),
        ("- 3 or 4 of us", "US"),
        ("12.500,00 Euro", "DE"),
        ("19:30 / 20:00", "US"),
        ("/ 8 or 9?", "US"),
    ],
)
def test_a_text_with_figures_or_a_number_further_on_is_sent(text, region):
    assert parse(f"{CUSTOMER} {text}", region=region) == Request(CUSTOMER, text)


@pytest.mark.parametrize(
    ("typed", "region"),
    [
        ("415 555 267 8 pm?", "US"),
        ("+1 415 555 267 8 pm?", "US"),
        ("(415) 555-267 1 table?", "US"),
        ("415 55 267 10 am?", "US"),
        ("01 42 68 530 0 Uhr", "FR"),
        ("020 7183 875 7 people", "GB"),
        ("415 555 26 30 minutes?", "US"),
        ("+1 415 555 26 71 8 pm?", "US"),
        ("312 345 89 20 00 Uhr", "IT"),
        ("+41 21 234 56 7 2026 wird gut", "CH"),
        ("+41 78 123 45 7 2026 wird gut", "CH"),
    ],
)
def test_a_number_that_lacks_a_digit_takes_none_from_the_text(typed, region):
    assert "I can't tell where the number ends" in refusal(typed, region=region)


@pytest.mark.parametrize(
    ("typed", "region", "number"),
    [
        ("1 415 555 2671 8 pm?", "US", CUSTOMER),
        ("+33 1 42 68 53 00 8 pm?", "US", "+33142685300"),
        ("07911 123 456 8 pm?", "GB", "+447911123456"),
        ("044 668 18 00 8 pm?", "CH", "+41446681800"),
        ('"415 555 267 1" 8 pm?', "US", CUSTOMER),
    ],
)
def test_a_number_grouped_as_people_do_ends_where_it_ends(typed, region, number):
    assert parse(typed, region=region) == Request(number, "8 pm?")


@pytest.mark.parametrize("typed", ["Table at eight?", "ana +14155552671 hi", "-", "“", '""', "hi", "…", "@ana hi"])
def test_without_a_number_the_person_is_told_to_begin_with_one(typed):
    assert "I need a phone number first" in refusal(typed)


@pytest.mark.parametrize("typed", ["030 1234567 8 Uhr?", "+49 171 1234567 8 Uhr passt?"])
def test_where_the_number_may_end_in_two_places_nothing_is_sent(typed):
    assert "Put it in quotes" in refusal(typed, region="DE")


@pytest.mark.parametrize("text", ["Table at eight?", "8 pm?"])
def test_no_country_s_number_takes_a_digit_from_the_text(text):
    for region in phonenumbers.SUPPORTED_REGIONS:
        number = phonenumbers.example_number(region)
        for form in (phonenumbers.PhoneNumberFormat.INTERNATIONAL, phonenumbers.PhoneNumberFormat.NATIONAL):
            typed = f"{phonenumbers.format_number(number, form)} {text}"
            e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
            with suppress(UsageError):
                assert parse(typed, region=region) == Request(e164, text)


@pytest.mark.parametrize("quote", ['"{}"', "“{}”", "<tel:{}|x>", '"{}",', "<tel:{}|x>:"])
def test_in_quotes_it_ends_where_they_do(quote):
    assert parse(quote.format("+491711234567") + " 8 Uhr?", region="DE") == Request("+491711234567", "8 Uhr?")


@pytest.mark.parametrize(
    ("number", "text"), [("+1415555267", "1 table at eight?"), ("+49171123456", "7 Personen"), ("+4420718387", "50 pm")]
)
def test_a_number_typed_in_one_piece_takes_no_digits_from_the_text(number, text):
    with suppress(UsageError):
        assert parse(f"{number} {text}") == Request(number, text)


@pytest.mark.parametrize(
    "typed", ["+14155552671;8 pm?", "+14155552671,8 pm?", "+14155552671,,123 hi", '"+14155552671;5"']
)
def test_an_extension_or_a_text_glued_to_the_number_is_not_dropped(typed):
    refusal(f"{typed} and more")


@pytest.mark.parametrize("text", ["x5 pizzas", "ext. 12 please", "Extension 12", "X 12"])
def test_an_extension_after_the_number_is_refused_not_sent(text):
    assert "extension" in refusal(f"{CUSTOMER} {text}")


@pytest.mark.parametrize("text", ["xylophone at 5?", "extra cheese", "x", "extension lead"])
def test_a_text_that_only_looks_like_an_extension_is_sent(text):
    assert parse(f"{CUSTOMER} {text}").text == text


def test_our_own_lines_are_not_texted():
    assert "our own lines" in refusal(f"{LINE} hi")


@pytest.mark.parametrize(
    ("typed", "region"),
    [("+441632960 961 hello", "US"), ("+491711234 567 Hallo", "US"), ("017112345 67 Hallo", "DE")],
)
def test_a_number_that_exists_only_with_its_next_word_is_not_cut_short(typed, region):
    """Either the whole number or a question; never a text to the first half of a number."""
    with suppress(UsageError):
        assert parse(typed, region=region).text in ("hello", "Hallo")


# -- the text


@pytest.mark.parametrize(
    "text",
    [
        "Table at eight?",
        "8 pm?",
        "19:30 or 20:00",
        "2 adults, 2 kids",
        "415 is your room",
        "- dash first",
        "— em dash first",
        "“quoted” and 'quoted' and \"quoted\"",
        "two  spaces\tand\n\nlines\r\n  indented",
        "he said --style confetti and left",
        "two -- or three --styles",
        "#5, @ana, *bold*, _it_, `code`, ~no~",
        "+1 is fine",
        "...and so on",
        "(see below)",
        "50% off; 3 > 2",
        "é or e\u0301, \u200bzero width, \u00a0no-break",
        "👩🏽‍🚒🇩🇪",
        "status",
        "help",
        "مرحبا ٨",
    ],
)
def test_the_text_is_sent_as_it_was_typed(text):
    assert parse(f"{CUSTOMER} {escape(text)}").text == text


def test_a_text_may_begin_on_the_next_line():
    assert parse(f"{CUSTOMER}\nTable\nat eight?").text == "Table\nat eight?"


def test_a_text_that_begins_like_an_option_is_sent_after_two_dashes():
    assert parse(f"{CUSTOMER} -- --style is what I want").text == "--style is what I want"


@pytest.mark.parametrize("typed", [CUSTOMER, f"{CUSTOMER}  ", f'"{CUSTOMER}"', f"{CUSTOMER} --style confetti"])
def test_without_a_text_nothing_is_sent(typed):
    assert "there is no text" in refusal(typed)


@pytest.mark.parametrize("nothing", ["\u200b", "\ufeff\u200d", "\u2060"])
def test_an_invisible_text_is_no_text(nothing):
    assert "there is no text" in refusal(f"{CUSTOMER} {nothing}")


@pytest.mark.parametrize("text", ["\U0001fae8", "\U0001fae9", "\uf8ff"])
def test_an_emoji_newer_than_this_python_is_a_text(text):
    assert parse(f"{CUSTOMER} {text}").text == text


# -- options


@pytest.mark.parametrize(
    "typed",
    [
        f"--style confetti {CUSTOMER} Hi",
        f"{CUSTOMER} --style confetti Hi",
        f"--style=confetti {CUSTOMER} Hi",
        f"—style confetti {CUSTOMER} Hi",
        f"–style confetti {CUSTOMER} Hi",
        f"{CUSTOMER} —style “confetti” Hi",
        f"--STYLE Confetti {CUSTOMER} Hi",
        f"{CUSTOMER} --style 'confetti' Hi",
        f"  --style\n confetti\n{CUSTOMER}\nHi",
    ],
)
def test_an_option_is_understood_before_and_after_the_number(typed):
    assert parse(typed) == Request(CUSTOMER, "Hi", style="confetti")


@pytest.mark.parametrize("style", [*STYLES, "shooting-star", "Shooting_Star", "shooting–star"])
def test_every_style_can_be_chosen(style):
    assert parse(f"--style {style} {CUSTOMER} Hi").style in STYLES


@pytest.mark.parametrize(
    "link",
    [PICTURE, f"<{PICTURE}>", f"<{PICTURE}|example.com/menu.png>", f'"{PICTURE}"', f"“{PICTURE}”"],
)
def test_a_picture_s_link_is_understood_however_slack_writes_it(link):
    assert parse(f"{CUSTOMER} --media {link} Hi") == Request(CUSTOMER, "Hi", media_url=PICTURE)


@pytest.mark.parametrize(
    ("link", "url"),
    [(f'"<{PICTURE}>"', PICTURE), (f'"{PICTURE}?a=1&amp;b=2"', f"{PICTURE}?a=1&b=2")],
)
def test_a_quoted_link_is_understood_however_slack_writes_it(link, url):
    assert parse(f"{CUSTOMER} --media {link} Hi").media_url == url


def test_an_ampersand_in_a_link_is_one():
    assert parse(f"--media {PICTURE}?a=1&amp;b=2 {CUSTOMER}").media_url == f"{PICTURE}?a=1&b=2"


def test_a_picture_needs_no_text():
    assert parse(f"{CUSTOMER} --media {PICTURE}") == Request(CUSTOMER, "", media_url=PICTURE)


@pytest.mark.parametrize(
    "typed",
    ["+15550100901", "+1 555 010 0901", "(555) 010-0901", "555-010-0901", '"+1 555 010 0901"', "<tel:+15550100901|x>"],
)
def test_a_line_is_chosen_however_it_is_written(typed):
    for customer in (CUSTOMER, "415 555 2671", '"415 555 2671"'):
        assert parse(f"--from {typed} {customer} Hi") == Request(CUSTOMER, "Hi", line=OTHER_LINE)


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("+49 30 1234 5678", "+493012345678"),
        ("030 12345678", "+493012345678"),
        ("0171 2345678", "+491712345678"),
    ],
)
def test_a_line_is_chosen_in_every_country(typed, line):
    asked = parse(f"--from {typed} +49 151 23456789 Hallo", region="DE", lines=(line,))
    assert asked == Request("+4915123456789", "Hallo", line=line)


@pytest.mark.parametrize(
    "option",
    [
        *("--style confetti", "--STYLE=confetti", "—style confetti", "--style sparkle", '--style "confetti"'),
        *(f"--media {PICTURE}", f"--media <{PICTURE}|example.com/menu.png>", "--from +1 555 010 0901", "--from=x"),
        f"--style confetti --media {PICTURE}",
        '--from "+1 555 010 0901"',
        "--from “+1 555 010 0901”",
        "--from <tel:+15550100901|+1 555 010 0901>",
        f"--media <{PICTURE}|my menu>",
        *("--style= confetti", "--style", "--media", "––style confetti", "--style shooting star"),
    ],
)
def test_an_option_behind_the_text_is_doubt(option):
    said = refusal(f"{CUSTOMER} Happy birthday! {option}")
    assert "Write it before your text" in said
    assert "in quotes" in said


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ('Type "--style confetti"', 'Type "--style confetti"'),
        ("-- Type --style confetti", "Type --style confetti"),
        ("--style slam -- Type --style confetti", "Type --style confetti"),
        ("what is --style?", "what is --style?"),
        ("non--style confetti", "non--style confetti"),
    ],
)
def test_an_option_that_is_marked_as_text_is_sent(typed, text):
    assert parse(f"{CUSTOMER} {typed}").text == text


def test_all_options_may_be_given_at_once():
    typed = f"--style slam {CUSTOMER} --media {PICTURE} --from {OTHER_LINE} Hi"
    assert parse(typed) == Request(CUSTOMER, "Hi", OTHER_LINE, "slam", PICTURE)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (f"--styel confetti {CUSTOMER} Hi", "I don't know the option --styel. There are --style, --media and --from"),
        (f"{CUSTOMER} --hello there", "write -- and a space before it"),
        (f"--style slam --style loud {CUSTOMER} Hi", "--style was given twice"),
        (f"--style slam {CUSTOMER} --style loud Hi", "--style was given twice"),
        (f"{CUSTOMER} --style", "--style needs a value, such as `--style confetti`"),
        (f"{CUSTOMER} --media", "--media needs a value, such as `--media https://"),
        (f"{CUSTOMER} --from", "--from needs a value, such as `--from +1"),
        (f"{CUSTOMER} --style sparkle Hi", "Use one of: celebration, "),
        (f"{CUSTOMER} --from +15550100999 Hi", f"one of our lines: {LINE}, {OTHER_LINE}."),
        (f"{CUSTOMER} --from - - Hi", f"one of our lines: {LINE}, {OTHER_LINE}."),
        (f"{CUSTOMER} --from nobody Hi", f"one of our lines: {LINE}, {OTHER_LINE}."),
        (f"{CUSTOMER} --media http://example.com/menu.png Hi", "https://"),
        (f"{CUSTOMER} --media menu.png Hi", "https://"),
    ],
)
def test_a_wrong_option_is_refused_with_what_is_right(typed, said):
    assert said in refusal(typed)


@pytest.mark.parametrize("typed", ["--style confetti", "—style confetti", f"--from {LINE}", f"--media {PICTURE}"])
def test_an_option_alone_is_answered(typed):
    assert "I need a phone number first" in refusal(typed)


# -- other commands


@pytest.mark.parametrize("typed", ["", "   ", "\n", "help", "HELP", " Help "])
def test_help_is_there_for_whoever_asks_or_says_nothing(typed):
    assert parse(typed) == Help()


@pytest.mark.parametrize(
    ("typed", "recipient"),
    [
        ("status", None),
        (" STATUS ", None),
        ("status +1 415 555 2671", CUSTOMER),
        ("status (415) 555-2671", CUSTOMER),
        ("status\n+1 415 555 2671", CUSTOMER),
        ("status <tel:+14155552671|+1 415 555 2671>", CUSTOMER),
    ],
)
def test_a_status_is_asked_for_all_or_for_one_customer(typed, recipient):
    assert parse(typed) == StatusQuestion(recipient)


@pytest.mark.parametrize("quote", ['"{}"', "“{}”", "'{}'"])
def test_a_status_may_be_asked_with_the_number_in_quotes(quote):
    assert parse("status " + quote.format("+1 415 555 2671")) == StatusQuestion(CUSTOMER)


@pytest.mark.parametrize("typed", ["status update: your table is ready", "status 12", "status +1 415 555 2671 please"])
def test_a_status_of_nobody_is_refused(typed):
    refusal(typed)


# -- anything at all

TOKENS = [
    *("--style", "--from", "--media", "—media", "–style", "--", "--x", "confetti", PICTURE, f"<{PICTURE}|menu>"),
    *("+1", "415", "555-2671", "(415)", "+14155552671", "+15550100900", "0171", "911", "1", "８", "٨", "-", "+", "…"),
    *('"', "'", "“", "”", "„", "«", "»", "<tel:+14155552671|x>", "<tel:", "<@U1|ana>", "<#C1|x>", "&lt;", "&amp;"),
    *("help", "status", "x5", "ext", ";", ",", ",,", ":", ":wave:", ":wave::skin-tone-3:", "\u200b", "\u00a0", "\n"),
    *("=", "/", "·", "#5", "~", "*", "\x00", "\x1c", "\ud800", "e\u0301", "👍🏽", "Hi"),
]
anything = st.text(st.characters(), max_size=40) | st.builds(
    str.join, st.sampled_from([" ", "", "\n"]), st.lists(st.sampled_from(TOKENS) | st.text(max_size=4), max_size=9)
)


def understood_or_refused(typed: str, region: str) -> None:
    try:
        asked = parse(typed, region=region)
    except UsageError as error:
        said = str(error)
        assert said
        assert said[0].islower() or said.startswith(("I ", "--"))  # it follows "Not sent: "
        assert not re.search(r"<[!@#]|<http", said)
        return
    if isinstance(asked, Request):
        assert phonenumbers.is_possible_number(phonenumbers.parse(asked.recipient))
        assert asked.text.strip() or asked.media_url


@settings(deadline=None, max_examples=200)
@given(typed=anything, region=st.sampled_from(["US", "DE"]))
@example(typed="--style confetti", region="US")
@example(typed="+14155552671 Hi --style <@U1|ana>", region="US")
def test_any_input_whatever_is_understood_or_refused_in_a_sentence(typed, region):
    understood_or_refused(typed, region)


plain = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(" \n.,;:-+()/&<>0123456789"), min_size=1)
MARKUP = re.compile(r":[a-z0-9_+'&.-]+:")
"""Emoji names, which are meant to change. Everything else has to survive."""
LIKE_AN_OPTION = re.compile(r"--|[–—―]\w")
LIKE_ANOTHER_NUMBER = re.compile(r"[,;/|&+ ]*(?:\d{4}|[\d+()./· \-]{9})")
LIKE_AN_EXTENSION = re.compile(r"(x|ext\.?|extension)\s*\d", re.IGNORECASE)


@settings(deadline=None)
@given(text=plain)
def test_the_text_survives_to_the_letter(text):
    said = text.strip()
    assume(any(unicodedata.category(char) not in ("Cc", "Cf", "Zs") for char in said))
    assume(not (MARKUP.search(escape(said)) or LIKE_AN_OPTION.match(said) or LIKE_AN_EXTENSION.match(said)))
    assume(not LIKE_ANOTHER_NUMBER.match(said))
    assert parse(f"{CUSTOMER} {escape(text)}") == Request(CUSTOMER, said)


@settings(deadline=None)
@given(typed=anything, region=st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)))
def test_any_number_whatever_is_e164_or_refused(typed, region):
    try:
        number = parse_number(typed, region)
    except UsageError:
        return
    assert re.fullmatch(r"\+[1-9]\d{3,16}", number)


def test_every_odd_space_in_a_number_is_taken_for_a_usual_one():
    odd = [char for char in map(chr, range(sys.maxunicode + 1)) if char.isspace()]
    assert len(odd) > 20
    assert {bare(f"1{space}2{space}") for space in odd} == {"1 2"}


@pytest.mark.parametrize(
    "text",
    [
        *("." * 40_000, ":a" * 20_000, "<https://" * 4_000, "1" * 40_000, "(" * 40_000, ":" * 40_000, "x" * 40_000),
        *("x " + "--from 1 " * 4_000 + "x", "x --from" + " " * 39_000 + "x y", ", " * 20_000, "x " + "`" * 39_000),
    ],
)
def test_the_longest_text_is_read_at_once(text):
    started = time.process_time()  # whoever else is at work on this machine does not count
    assert parse(f"{CUSTOMER} {text}").recipient == CUSTOMER
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize("text", [f"{CUSTOMER} " + "1 " * 400, "- " * 400, "1 2 " * 200])
def test_a_table_of_figures_does_not_hold_everybody_up(text, monkeypatch):
    """No number has more than fifteen digits: what stands further on need not be tried."""
    tried = Mock(side_effect=phonenumbers.parse)
    monkeypatch.setattr(phonenumbers, "parse", tried)
    with suppress(UsageError):
        parse(text)
    assert tried.call_count < 100


def test_a_text_that_begins_with_a_dash_is_a_text():
    assert parse(f"{CUSTOMER} —Hello there").text == "—Hello there"
