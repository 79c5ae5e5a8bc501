"""Signs that customers put to a message, which reach us as texts: `Loved “Table at eight?”`. Pure.

Sources: Apple's own English words, and what bridges to iMessage and SMS saw in other languages and from Android. Such a
text counts only if it quotes what was said in the conversation: otherwise it is a text like any other.
"""

import re
import unicodedata

from msgspec import Struct

_CUT = ("…", "...")
_SHORTEST_CUT = 10  # characters of a quote that is cut, or it could begin anything

_ADDED = {
    "❤️": "loved|le encantó|a attribué la mention « adore » à",
    "👍": "liked|le gustó|a aimé",
    "👎": "disliked",
    "😂": "laughed at",
    "‼️": "emphasi[sz]ed",
    "❓": "questioned",
}
_REMOVED = {"heart": "❤️", "like": "👍", "dislike": "👎", "laugh": "😂", "exclamation": "‼️", "question mark": "❓"}

# Spaces are stripped afterwards: `\s*` beside `.+?` takes seconds to match a text of many spaces.
_SHAPE = re.compile(
    r"(?P<wording>a attribué la mention « Adore » à\s?|[^“„«\"「]{2,62})[“„«\"「](?P<quoted>.+?)(?P<end>[”“»«\"」])?",
    re.DOTALL | re.IGNORECASE,
)
_TAKES_BACK = re.compile(rf"removed an? (?P<what>{'|'.join(_REMOVED)})(?: mark)? from")
_EMOJI = re.compile(r"(?P<verb>reacted|removed|a réagi avec) (?P<emoji>[^\w\s]\S{0,11}) (?:to|from|à)")


class Tapback(Struct, frozen=True):
    """A sign, and the words it was put to, as far as they are quoted."""

    sign: str  # an emoji
    quoted: str
    cut: bool  # whether the quote may go on
    added: bool = True  # or taken back

    @property
    def says(self) -> str:
        """What they did, in words that follow their number."""
        quoted = self.quoted if len(self.quoted) <= 60 else f"{self.quoted[:58]} …"
        return f"reacted {self.sign} to “{quoted}”" if self.added else f"took back {self.sign} from “{quoted}”"

    def is_to(self, text: str) -> bool:
        """Whether that can be what it quotes."""
        quoted, whole = _plain(self.quoted), _plain(text)
        return quoted == whole or (self.cut and len(quoted) >= _SHORTEST_CUT and whole.startswith(quoted))


def tapback(text: str) -> Tapback | None:
    """Return the sign that a text may be. Whether it is, the conversation tells: see `Tapback.is_to`."""
    shape = _SHAPE.fullmatch(text.strip())
    if shape is None:
        return None
    wording, quoted = " ".join(shape["wording"].split()).casefold(), shape["quoted"].strip()
    cut = quoted.endswith(_CUT) or not shape["end"]
    for end in _CUT if cut else ():
        quoted = quoted.removesuffix(end).rstrip()
    sign = next((sign for sign, words in _ADDED.items() if re.fullmatch(words, wording)), None)
    if sign is not None:
        return Tapback(sign, quoted, cut)
    if (removed := _TAKES_BACK.fullmatch(wording)) is not None:
        return Tapback(_REMOVED[removed["what"]], quoted, cut, added=False)
    if (other := _EMOJI.fullmatch(wording)) is not None:
        return Tapback(other["emoji"], quoted, cut, added=other["verb"] != "removed")
    return None


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).replace("\ufe0f", "").split())
