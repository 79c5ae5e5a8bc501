"""No means no: which words say it, and that the newest word counts, whatever order they come in."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.optout import OptOut, Wish, wish

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        *("STOP", "stop", " Stop. ", "stop!", "StopAll", "STOP ALL", "unsubscribe", "Cancel", "END", "quit", "revoke"),
        *(
            "opt out",
            "Opt-Out",
            "OPTOUT",
            "stop please",
            "Please stop",
            "Arrêt",
            "ARRET",
            "ＳＴＯＰ",
            "“Stop”",
            "s t o p",
        ),
    ],
)
def test_whole_words_that_stop(text: str) -> None:
    assert wish(text) is Wish.STOP


@pytest.mark.parametrize("text", ["START", "start", "Unstop!"])
def test_whole_words_that_start(text: str) -> None:
    assert wish(text) is Wish.START


@pytest.mark.parametrize(
    "text",
    [
        *("Stop texting me", "please stop messaging this number", "leave me alone", "Don’t text me again"),
        *("Don't message me any more", "do not contact me"),
        *("no más mensajes", "arrêtez", "Remove me from your list", "You have the wrong number"),
        "Stop  texting\nme",
    ],
)
def test_looser_words_are_for_people_to_decide(text: str) -> None:
    assert wish(text) is Wish.PERHAPS_STOP


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ok",
        "Don't send anyone before eight",
        "Yes, eight works",
        "Is this the last stop?",
        "at the end",
        "Can I cancel my table?",
        "👍",
        "Start at 8?",
    ],
)
def test_other_words_wish_nothing(text: str) -> None:
    assert wish(text) is None


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    wish(text)


words = st.lists(st.tuples(st.booleans(), st.integers(0, 5)))


def heard(said: list[tuple[bool, int]]) -> OptOut:
    standing = OptOut()
    for stop, minute in said:
        at = NOON + timedelta(minutes=minute)
        standing = standing.stopped(at) if stop else standing.lifted(at)
    return standing


@given(words, st.randoms())
def test_any_order_and_any_number_of_copies_end_the_same(said, dice):
    shuffled = [*said, *(dice.choice(said) for _ in said)]
    dice.shuffle(shuffled)
    assert heard(shuffled) == heard(said)


@given(words)
def test_the_newest_word_counts_and_of_two_at_once_stop(said):
    newest = max(said, key=lambda word: (word[1], word[0]), default=(False, 0))
    assert heard(said).stands == newest[0]


@pytest.mark.parametrize("text", ["YES", "yes.", "Yes please"])
def test_a_yes_is_told_apart_because_mostly_it_answers_something_else(text: str) -> None:
    assert wish(text) is Wish.YES
