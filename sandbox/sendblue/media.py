"""Media: what customers send, and what was uploaded to be sent to them. Each has an address that everybody can read."""

import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import quote, unquote, urlsplit

from sandbox.contents import Content, Store, type_of
from sandbox.sendblue.faults import SendblueFaults
from sandbox.traffic import Json
from sandbox.uploads import Upload

LARGEST = 100_000_000
"""Bytes of an upload."""
MEDIA_KEPT = 10_000

Sent: TypeAlias = tuple[str, bytes | Content]
"""What a customer sends: name and bytes."""


@dataclass(frozen=True, slots=True)
class Medium:
    """One file. `made` on the monotonic clock."""

    id: str
    name: str
    mimetype: str
    content: Content
    url: str
    made: float = field(default_factory=time.monotonic)

    def event(self) -> Json:
        """Return it as the page reads it."""
        shown = {"name": self.name, "mimetype": self.mimetype, "size": self.content.size}
        return shown | {"url": f"/control/sendblue/media/{self.id}"}


class Media:
    """Every file there is. `store` has the bytes; `base_url` says where the pretend Sendblue is served."""

    def __init__(self, faults: SendblueFaults, base_url: Callable[[], str]) -> None:
        self._faults = faults
        self._base_url = base_url
        self._media: OrderedDict[str, Medium] = OrderedDict()
        self.store = Store()

    def __len__(self) -> int:
        return len(self._media)

    def find(self, name: str) -> Medium | None:
        """Return a file by its id."""
        return self._media.get(name)

    def at(self, url: str) -> Medium | None:
        """Return the file at an address."""
        found = re.search(r"/media/[a-z-]+/(\w+)/", url)
        medium = self._media.get(found[1]) if found else None
        return medium if medium and medium.url == url else None

    def sent(self, name: str, data: bytes | Content) -> Medium:
        """Take what a customer sends."""
        content = self.store.keep(data) if isinstance(data, bytes) else data
        return self._add(name, content, "inbound-file-store")

    async def uploaded(self, upload: Upload | None) -> Medium:
        """Take an upload.

        Raises:
            ValueError: the form has no file in its field `file`, or one that is too large or not of an accepted type.
        """
        if upload is None or upload.field != "file":
            raise ValueError("no file")
        if not re.search(r"[^/\\]\.\w+$", upload.name):
            raise ValueError("The file name has no extension")
        if upload.name.rpartition(".")[2].lower() in self._faults.refused_types.split(","):
            raise ValueError("This type of file is not supported")
        return self._add(upload.name, await self.store.take(upload.pieces, LARGEST), "outbound-file-store")

    def shown(self, urls: Sequence[str]) -> list[Json]:
        """Return what the page shows of the files at these addresses; of one elsewhere no more than its name."""
        return [medium.event() if (medium := self.at(url)) else _elsewhere(url) for url in urls]

    def _add(self, name: str, content: Content, folder: str) -> Medium:
        key = secrets.token_hex(8)
        last = quote(name, safe="", errors="replace") if name.strip(".") else "file"
        url = f"{self._base_url()}/media/{folder}/{key}/{last}"
        medium = self._media[key] = Medium(key, name, type_of(name), content, url)
        if len(self._media) > MEDIA_KEPT:
            self._media.popitem(last=False)
        return medium


def items(text: str, urls: Sequence[str], how: str) -> list[tuple[str, list[str]]]:
    """Return the messages that a customer's words and files become, each with its words and addresses."""
    if not urls or how == "list":
        return [(text, list(urls))]
    files = [("", [url]) for url in urls]
    if not text:
        return files
    if how == "words_first":
        return [(text, []), *files]
    if how == "words_last":
        return [*files, (text, [])]
    return [(text, [urls[0]]), *files[1:]]


def _elsewhere(url: str) -> Json:
    name = unquote(urlsplit(url).path.rpartition("/")[2])
    return {"name": name, "mimetype": type_of(name), "size": None, "url": None}
