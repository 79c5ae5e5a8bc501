"""The unguessable part of a callback URL."""

import re
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.sendblue.tokens import CallbackTokens

ID, OTHER_ID = UUID(int=1), UUID(int=2)
BOT = "https://bot.example.com"
TOKENS = CallbackTokens(BOT, ["new-secret", "old-secret"])


def token_of(tokens: CallbackTokens, send_id: UUID = ID) -> str:
    return tokens.url(send_id).rpartition("/")[2]


def test_a_callback_url_names_the_message_and_has_a_token_nobody_can_guess():
    assert re.fullmatch(rf"{BOT}/sendblue/status/{ID.hex}/[0-9a-f]{{40}}", TOKENS.url(ID))


def test_the_token_is_right_for_its_message_alone():
    assert TOKENS.are_right(ID, token_of(TOKENS))
    assert not TOKENS.are_right(OTHER_ID, token_of(TOKENS))
    assert token_of(TOKENS) != token_of(TOKENS, OTHER_ID)


def test_a_restart_changes_no_token():
    assert TOKENS.url(ID) == CallbackTokens(BOT, ["new-secret", "old-secret"]).url(ID)


def test_a_replaced_secret_loses_no_callback():
    before = CallbackTokens(BOT, ["old-secret"])
    assert TOKENS.are_right(ID, token_of(before))
    assert not before.are_right(ID, token_of(TOKENS)), "the newest signs"
    assert not CallbackTokens(BOT, ["new-secret"]).are_right(ID, token_of(before)), "a dropped one is dropped"


@pytest.mark.parametrize("secrets", [["another"], ["new-secret "], ["NEW-SECRET"], ["new-secret,old-secret"]])
def test_another_secret_s_token_is_wrong(secrets):
    assert not TOKENS.are_right(ID, token_of(CallbackTokens(BOT, secrets)))


@pytest.mark.parametrize("respell", [str.upper, lambda token: token[:-1], lambda token: token + "0", lambda _: ""])
def test_a_token_that_is_almost_right_is_wrong(respell):
    assert not TOKENS.are_right(ID, respell(token_of(TOKENS)))


@settings(deadline=None)
@given(st.text(st.characters(), max_size=50))
def test_a_guess_is_wrong_and_harmless(guess):
    assert not TOKENS.are_right(ID, guess)
