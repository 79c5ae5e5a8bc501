"""A long text goes out in parts that are, together, the text."""

import time
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.splitting import split_text

WHOLE = ["👨‍👩‍👧‍👦", "👩🏽‍🚒", "👍🏿", "❤️", "🏳️‍🌈", "é", "ộ", "😀", "🧑‍🤝‍🧑"]
"""What a reader sees as one character, each of several code points or units."""

FLAGS_AND_SCRIPTS = [
    "🇩🇪",
    "1️⃣",
    "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "नि",
    "ที่",
    "क्षि",
    "\u1112\u1161\u11ab",
    "\u1100\u1161\u11a8",
]  # the last two: Hangul in its parts

graphemes = st.sampled_from(WHOLE) | st.sampled_from("ab Zß\n.!?,“”'()   ")


def units(text: str) -> int:
    """UTF-16 units, which an iPhone counts."""
    return sum(2 if char > "\uffff" else 1 for char in text)


@settings(deadline=None)
@given(st.text(st.characters() | st.sampled_from([*"".join(WHOLE), *" \n.?"]), max_size=120), st.integers(2, 40))
def test_the_parts_are_the_text_to_the_letter_and_each_fits(text, longest):
    parts = split_text(text, longest)
    assert "".join(parts) == text
    assert all(units(part) <= longest for part in parts)
    assert all(parts) or parts == [""]


@settings(deadline=None)
@given(st.lists(graphemes, max_size=200), st.integers(40, 90))
def test_no_emoji_or_accent_is_cut_apart(pieces, longest):
    parts = split_text("".join(pieces), longest)
    assert {0, *accumulate(map(len, parts))} <= {0, *accumulate(map(len, pieces))}


@pytest.mark.parametrize(
    "whole",
    FLAGS_AND_SCRIPTS,
)
def test_flags_keycaps_and_other_scripts_are_not_cut_apart(whole):
    for shift in range(len(whole)):
        parts = split_text("a" * shift + whole * 30, 50)
        assert all((len(part) - shift * (at == 0)) % len(whole) == 0 for at, part in enumerate(parts))


@pytest.mark.parametrize(
    ("text", "longest", "parts"),
    [
        ("", 5, [""]),
        ("short", 5, ["short"]),
        ("one two three", 9, ["one two ", "three"]),
        ("Hi. How are you? Fine", 18, ["Hi. How are you? ", "Fine"]),
        ("He said “Go!” Then left", 20, ["He said “Go!” ", "Then left"]),
        ("first line\nsecond line", 15, ["first line\n", "second line"]),
        ("One. Two\n\nThree. Four", 18, ["One. Two\n\n", "Three. Four"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("😀😀😀", 4, ["😀😀", "😀"]),
        ("😀😀😀", 5, ["😀😀", "😀"]),
        ("你好。再见。明天", 6, ["你好。再见。", "明天"]),
        ("今日は晴れです。「本当？」と聞いた。はい", 16, ["今日は晴れです。「本当？」", "と聞いた。はい"]),
        ("यह वाक्य है। यह दूसरा", 14, ["यह वाक्य है। ", "यह दूसरा"]),
        ("wait for it?yes no", 15, ["wait for ", "it?yes no"]),
        ("a b\tc d", 4, ["a b\t", "c d"]),
    ],
)
def test_a_text_is_cut_where_a_reader_would_pause(text, longest, parts):
    assert split_text(text, longest) == parts


@pytest.mark.parametrize(
    "sentence", ["本日の営業は午後八時までです。", "请问您几点方便？", "お待ちしています！", "반갑습니다. "]
)
def test_a_long_text_of_any_script_is_cut_between_sentences(sentence):
    parts = split_text(sentence * 2_600, 18_000)
    assert len(parts) > 1
    assert all(part.endswith(sentence) for part in parts)


def test_a_pause_near_the_start_does_not_make_a_tiny_part():
    first, *_ = split_text("Hi.\n\n" + "word " * 30, 60)
    assert len(first) > 30


def test_an_endless_pile_of_accents_is_cut_all_the_same():
    parts = split_text("a" + "\u0301" * 100, 20)
    assert "".join(parts) == "a" + "\u0301" * 100
    assert max(map(len, parts)) <= 20


@pytest.mark.parametrize(
    "text",
    ["." * 6_000, "?" * 3_000 + '"' * 3_000],
    ids=["dots", "questions and quotes"],
)
def test_a_row_of_dots_does_not_hold_everybody_up(text):
    """Slack waits three seconds for its answer, and the whole bot with it."""
    started = time.process_time()
    split_text(text, 5_900)
    assert time.process_time() - started < 0.15


@pytest.mark.parametrize("char", ["a", "\n", " ", "😀", "\u0301", "é "])
def test_the_longest_text_slack_takes_is_split_at_once(char):
    text = char * (40_000 // len(char))
    started = time.process_time()
    parts = split_text(text, 18_000)
    assert "".join(parts) == text
    assert time.process_time() - started < 0.5
