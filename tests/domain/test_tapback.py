"""Signs that customers put to a message are told from words by what they quote."""

import time

import pytest

from bot.domain.tapback import tapback

WORDS = "Table at eight?"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Loved “Table at eight?”", "reacted ❤️ to “Table at eight?”"),
        ("Liked “Table at eight?”", "reacted 👍 to “Table at eight?”"),
        ("Disliked “Table at eight?”", "reacted 👎 to “Table at eight?”"),
        ("Laughed at “Table at eight?”", "reacted 😂 to “Table at eight?”"),
        ("Emphasized “Table at eight?”", "reacted ‼️ to “Table at eight?”"),
        ("Emphasised “Table at eight?”", "reacted ‼️ to “Table at eight?”"),
        ('Questioned "Table at eight?"', "reacted ❓ to “Table at eight?”"),
        ("Reacted 👀 to “Table at eight?”", "reacted 👀 to “Table at eight?”"),
        ("Reacted ❤️ to “Table at eight?”", "reacted ❤️ to “Table at eight?”"),
        ("Loved “Table at ei…”", "reacted ❤️ to “Table at ei”"),
        ("Loved “Table at eig", "reacted ❤️ to “Table at eig”"),
        ("Removed a heart from “Table at eight?”", "took back ❤️ from “Table at eight?”"),
        ("Removed a question mark from “Table at eight?”", "took back ❓ from “Table at eight?”"),
        ("Removed an exclamation mark from “Table at eight?”", "took back ‼️ from “Table at eight?”"),
        ("Removed 👀 from “Table at eight?”", "took back 👀 from “Table at eight?”"),
        ("A aimé «\u00a0Table at eight?\u00a0»", "reacted 👍 to “Table at eight?”"),
        ("a attribué la mention « Adore » à « Table at eight? »", "reacted ❤️ to “Table at eight?”"),
        ("a réagi avec 🔥 à « Table at eight? »", "reacted 🔥 to “Table at eight?”"),
        ("Le encantó “Table at eight?”", "reacted ❤️ to “Table at eight?”"),
    ],
)
def test_what_quotes_a_message_is_a_sign(text: str, says: str) -> None:
    found = tapback(text)
    assert found is not None
    assert found.says == says
    assert found.is_to(WORDS)


@pytest.mark.parametrize(
    "text",
    [
        "Loved it",
        "Loved an image",
        "What do you mean by “Table at eight?”",
        "Reacted badly to “Table at eight?”",
        "Removed him from “Table at eight?”",
        "“Table at eight?” Loved",
        "Loved “Table at eight?” and the rest",
        "",
    ],
)
def test_what_is_more_than_a_sign_is_a_text(text: str) -> None:
    found = tapback(text)
    assert found is None or not found.is_to(WORDS)


@pytest.mark.parametrize("quoted", ["Table at nine?", "Table", "Table at…", "Loved by all…", "able at eight?"])
def test_what_quotes_something_else_is_a_text(quoted: str) -> None:
    found = tapback(f"Loved “{quoted}”")
    assert found is not None
    assert not found.is_to(WORDS)


def test_a_long_text_of_spaces_keeps_nobody_waiting() -> None:
    began = time.process_time()
    tapback(f'Loved "Table{" " * 8_900}at eight?')
    assert time.process_time() - began < 1  # it took seven seconds once
