"""Files of customers and colleagues, each with bytes of its own: where they must stand, or arrive, in the end."""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from sandbox.sendblue import PretendSendblue
from sandbox.sendblue.records import PhoneMessage
from sandbox.slack import PretendSlack
from sandbox.slack.file_records import SlackFile
from sandbox.slack.records import SlackMessage
from tests.chaos.promises import Closing, Ledger
from tests.samples import JPEG

NOT_COPIED = "📎 I could not copy"

Shared: TypeAlias = tuple[str, bytes, str]
"""A file that a colleague shares: name, bytes, MIME type."""


@dataclass(frozen=True)
class Sent:
    """A file that a customer sent. words: what came with it; "" for nothing."""

    number: str
    words: str
    name: str
    data: bytes


class Files:
    """Makes files, has customers send them, and looks in the end at threads, phones and the bot's disk.

    folder: where the bots keep temporary files.
    """

    def __init__(self, slack: PretendSlack, sendblue: PretendSendblue, ledger: Ledger, folder: Path) -> None:
        self._slack, self._sendblue, self._ledger, self._folder = slack, sendblue, ledger, folder
        self._count = itertools.count(1)
        self.sent: list[Sent] = []

    def photo(self) -> Shared:
        number = next(self._count)
        return f"photo-{number}.jpg", JPEG + f"photo {number} of many".encode(), "image/jpeg"

    def program(self) -> Shared:
        """Return what no phone is sent."""
        number = next(self._count)
        return f"setup-{number}.exe", b"MZ" + bytes(90) + f"program {number}".encode(), "application/x-msdownload"

    async def from_phone(self, number: str, words: str = "", count: int = 1) -> None:
        """Have a customer send photos, with words or without."""
        photos = [self.photo() for _ in range(count)]
        self.sent += [Sent(number, words, name, data) for name, data, _ in photos]
        await self._ledger.answer(number, words, media=[(name, data) for name, data, _ in photos])

    def on(self, bubble: PhoneMessage) -> bytes:
        """Return the bytes that came with a text; none if there is no file."""
        medium = self._sendblue.media.at(bubble.media_url) if bubble.media_url else None
        return (medium.content.data or b"") if medium else b""

    def places(self) -> dict[bytes, list[tuple[list[SlackMessage], int]]]:
        """Return the bytes of files that the bot shows → the threads where they stand, and how far down."""
        found: dict[bytes, list[tuple[list[SlackMessage], int]]] = {}
        for root, replies in self._ledger.threads():
            thread = [root, *replies]
            for place, post in enumerate(thread):
                for file in post.files if post.bot_id else ():
                    if isinstance(file, SlackFile) and file.content and file.content.data:
                        found.setdefault(file.content.data, []).append((thread, place))
        return found

    def unsettled(self) -> list[str]:
        """Return what still has to happen before the end can be judged."""
        places = self.places() if self.sent else {}
        return [f"file {one.name}: not shown" for one in self.sent if one.data not in places]

    def judge(self, closing: Closing) -> None:
        """Count what was broken of what customers sent, and what is left on the disk."""
        closing.files += len(self.sent)
        places = self.places()
        for one in self.sent:
            self._judge(one, places.get(one.data, []), closing)
        for path in self._folder.iterdir():
            closing.note("leaked", f"{path.name} is left on the disk")

    def _judge(self, sent: Sent, places: list[tuple[list[SlackMessage], int]], closing: Closing) -> None:
        if not places:
            closing.note("lost", f"the file {sent.name}")
        if len(places) > 1:
            closing.note("doubled", f"the file {sent.name} is shared {len(places)} times")
        for thread, place in places:
            if sent.number[-4:] not in thread[0].text:
                closing.note("wrong", f"the file {sent.name} stands under {thread[0].text[:40]!r}")
            words = [at for at, post in enumerate(thread) if sent.name in post.text and at != place]
            if not words or words[0] > place:
                closing.note("disordered", f"the file {sent.name} does not stand below what came with it")
        told = sum(post.text.startswith(NOT_COPIED) for thread, _ in places[:1] for post in thread)
        if places and told > sum(other.number == sent.number for other in self.sent):
            closing.note("duplicates", f"that {sent.name} or another is not copied is said {told} times")
