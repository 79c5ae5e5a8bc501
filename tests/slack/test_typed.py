"""Slack's spelling of what was typed, undone."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.slack import markup
from bot.slack.markup import as_read, escape, unlinked


@pytest.mark.parametrize(
    ("spelled", "read"),
    [
        ("fish &amp; chips", "fish & chips"),
        ("1 &lt; 2 &gt; 0", "1 < 2 > 0"),
        ("&amp;amp; &amp;lt;", "&amp; &lt;"),
        ("&quot;&#39;&nbsp;", "&quot;&#39;&nbsp;"),
        ("see <https://example.com>", "see https://example.com"),
        ("see <https://example.com|example.com>", "see example.com"),
        ("see <http://example.com/|example.com>", "see example.com"),
        ("see <https://example.com/a?b=1&amp;c=2>", "see https://example.com/a?b=1&c=2"),
        ("see <https://example.com/menu|our menu>", "see our menu (https://example.com/menu)"),
        ("see <https://a.example/:b:/s/x>", "see https://a.example/:b:/s/x"),
        ("see <https://a.example/:b:/s/x|our :b: quote>", "see our 🅱️ quote (https://a.example/:b:/s/x)"),
        ("see <https://evil.example|bank.example>", "see bank.example (https://evil.example)"),
        ("<mailto:ana@example.com|ana@example.com>", "ana@example.com"),
        ("<mailto:ana@example.com>", "ana@example.com"),
        ("<tel:+14155552671|(415) 555-2671>", "(415) 555-2671"),
        ("<tel:+14155552671>", "+14155552671"),
        ("in <#C123ABC|general>", "in #general"),
        ("a < b > c", "a < b > c"),
        ("<3", "<3"),
        ("<not a link>", "<not a link>"),
        ("&lt;https://example.com&gt;", "<https://example.com>"),
        ("", ""),
    ],
)
def test_the_customer_reads_what_was_typed(spelled, read):
    assert as_read(spelled) == read


@pytest.mark.parametrize(
    ("spelled", "read"),
    [
        (":wave:", "👋"),
        (":+1:", "👍"),
        (":thumbsup:", "👍"),
        (":-1:", "👎"),
        (":heart:", "❤️"),
        (":de:", "🇩🇪"),
        (":flag-de:", "🇩🇪"),
        (":family:", "👪"),
        (":woman-woman-boy:", "👩‍👩‍👦"),
        (":wave::skin-tone-2:", "👋🏻"),
        (":wave::skin-tone-3:", "👋🏼"),
        (":wave::skin-tone-4:", "👋🏽"),
        (":wave::skin-tone-5:", "👋🏾"),
        (":wave::skin-tone-6:", "👋🏿"),
        (":female-firefighter::skin-tone-4:", "👩🏽‍🚒"),
        (":pizza::skin-tone-3:", "🍕"),
        (":wave::wave:", "👋👋"),
        ("👋:wave: 👋🏽:wave: 1️⃣:wave:", "👋👋 👋🏽👋 1️⃣👋"),
        ('(:wave: "¡:wave:! “:wave:', '(👋 "¡👋! “👋'),
        (":people_holding_hands::skin-tone-2-3:", "🧑🏻‍🤝‍🧑🏼"),
        (":people_holding_hands::skin-tone-4:", "🧑🏽‍🤝‍🧑🏽"),
        (":people_holding_hands::skin-tone-4-4:", "🧑🏽‍🤝‍🧑🏽"),
        (":handshake::skin-tone-6-2:", "🫱🏿‍🫲🏻"),
        (":couplekiss::skin-tone-3:", "💏🏼"),
        (":face_with_bags_under_eyes:", "\U0001fae9"),
        (":flag-us: :flag-sark:", "🇺🇸 🇨🇶"),
        (":simple_smile: :squirrel:", "🙂 🐿️"),
    ],
)
def test_emoji_names_become_emoji_in_the_right_tone(spelled, read):
    assert as_read(spelled) == read


@pytest.mark.parametrize(
    "text",
    [
        "at 19:30:15",
        "12:30: hello :",
        "a ratio of 3:4:5",
        ":our_own_parrot:",
        ":no_such_emoji::skin-tone-3 :",
        "std::vector::size",
        ":wave",
        "wave:",
        ":Wave:",
        ": wave :",
        "Your quote: https://contoso.sharepoint.com/:b:/s/Sales/EU4Zss3B?e=ruhV7M",
        "www.example.com/:b:/(:wave:) and ftp://host/:wave:",
        "contoso.sharepoint.com/:x:/r/sites",
        "std::up::x",
        "fe80::a:b::1",
        "Hi:wave:!",
        "10:30:up:",
        "`:up:` and ```\n:wave:\n```",
        "cafe\u0301:up: ^:up: `:up:",
    ],
)
def test_what_is_no_emoji_name_stays(text):
    assert as_read(text) == text


@pytest.mark.parametrize("text", ["10:100:20", "a mix of 1:o:2", "section a:b:c"])
def test_figures_and_addresses_do_not_turn_into_emoji(text):
    assert as_read(text) == text


@pytest.mark.parametrize(
    ("spelled", "bare"),
    [
        ("<tel:+14155552671|(415) 555-2671>", "+14155552671"),
        ("<mailto:ana@example.com|ana@example.com>", "ana@example.com"),
        ("<https://example.com/a.png|example.com/a.png>", "https://example.com/a.png"),
        ("https://example.com/a.png?b=1&amp;c=2", "https://example.com/a.png?b=1&c=2"),
        ("+14155552671", "+14155552671"),
    ],
)
def test_of_a_link_its_target_counts(spelled, bare):
    assert unlinked(spelled) == bare


def test_every_name_of_the_table_can_be_typed():
    names = json.loads((Path(markup.__file__).parent / "emoji_names.json").read_text())["names"]
    assert len(names) > 3_900
    assert as_read(" ".join(f":{name}:" for name in names)) == " ".join(names.values())


@settings(deadline=None)
@given(st.text(st.characters() | st.sampled_from("<>&;|"), max_size=60).filter(lambda text: ":" not in text))
def test_what_slack_escapes_comes_back_to_the_letter(text):
    assert as_read(escape(text)) == text


@settings(deadline=None)
@given(st.text(st.characters() | st.sampled_from("<>&;|:@#!"), max_size=60))
def test_anything_can_be_read(text):
    assert isinstance(as_read(text), str)
    assert isinstance(unlinked(text), str)
