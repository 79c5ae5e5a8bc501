"""A note never leaves, and in each rule what leaves was meant to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.rules import Replies, Verdict, is_note, judge

ANY = {"to_us": st.booleans(), "names_others": st.booleans(), "text": st.text(), "rule": st.sampled_from(Replies)}


@pytest.mark.parametrize(
    "text",
    [
        *(
            "!psst",
            "! psst",
            " !psst",
            "*!psst*",
            "note: psst",
            "Note: psst",
            "NOTE : psst",
            "*Note:* psst",
            "_note_: x",
        ),
        *(
            "private: psst",
            "Private：psst",
            "`note: x`",
            "\u200bnote: x",
            "~private:~ x",
            "\uff01psst",
            "\u2068note: x",
        ),
    ],
)
def test_what_is_marked_as_a_note(text: str) -> None:
    assert is_note(text)


@pytest.mark.parametrize("text", ["", "Sure, eight works!", "Please note: we close at ten", "notes: two", "privately"])
def test_what_is_no_note(text: str) -> None:
    assert not is_note(text)


@given(**ANY)
def test_a_note_never_leaves_by_itself(rule, text, to_us, names_others):
    verdict = judge(rule, f"note: {text}", to_us=False, names_others=names_others)
    assert verdict is Verdict.NOTE


@given(**ANY)
def test_what_begins_with_our_mention_is_sent_in_every_rule(rule, text, to_us, names_others):
    assert judge(rule, text, to_us=True, names_others=names_others) is Verdict.SEND


@pytest.mark.parametrize(
    ("rule", "names_others", "verdict"),
    [
        (Replies.ASK, False, Verdict.HOLD),
        (Replies.ASK, True, Verdict.HOLD),
        (Replies.SEND, False, Verdict.SEND),
        (Replies.SEND, True, Verdict.HOLD),
        (Replies.MENTION, False, Verdict.NOTE),
        (Replies.MENTION, True, Verdict.NOTE),
    ],
)
def test_each_rule(rule: Replies, names_others: bool, verdict: Verdict) -> None:
    assert judge(rule, "Sure, eight works", to_us=False, names_others=names_others) is verdict
