"""Tapbacks: signs that a customer puts on a text. Sendblue tells of each as a text in Apple's English words. Pure.

Source: Apple's own words, as integrators got them through webhooks.
"""

from collections.abc import Mapping

SIGNS: Mapping[str, tuple[str, str]] = {
    "❤️": ("Loved", "a heart"),
    "👍": ("Liked", "a like"),
    "👎": ("Disliked", "a dislike"),
    "😂": ("Laughed at", "a laugh"),
    "‼️": ("Emphasized", "an exclamation"),
    "❓": ("Questioned", "a question mark"),
}
"""What is said of each sign when it is put on a text, and when it is taken back."""


def tapback(sign: str, text: str, *, added: bool = True) -> str:
    """Return the words for a sign on `text`; a text without words is a picture."""
    put, taken = SIGNS[sign]
    target = f"“{text}”" if text else "an image"
    return f"{put} {target}" if added else f"Removed {taken} from {target}"
