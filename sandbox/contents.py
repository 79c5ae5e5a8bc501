"""What is in a file: bytes kept in memory for a while, or made up whenever somebody reads them."""

from collections import deque
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from mimetypes import MimeTypes

MIB = 1 << 20
PIECE = 64 << 10
CAPACITY = 128 * MIB

_TYPES = MimeTypes()
for _ending, _type in {
    ".caf": "audio/x-caf",
    ".heic": "image/heic",
    ".m4a": "audio/mp4",
    ".vcf": "text/vcard",
    ".webp": "image/webp",
}.items():
    _TYPES.add_type(_type, _ending)


def type_of(name: str) -> str:
    """Return the MIME type that a file's name promises."""
    _, dot, ending = name.rpartition(".")
    return _TYPES.guess_type(f"file{dot}{ending}")[0] or "application/octet-stream"


class TooLargeError(ValueError):
    """More bytes came than may."""


class Content:
    """The bytes of one file. `data` is None once they are gone; `size` and `sha256` stay known."""

    def __init__(self, data: bytes | None, size: int, digest: str) -> None:
        self.data = data
        self.size = size
        self._digest = digest

    @property
    def sha256(self) -> str:
        """The digest, in hexadecimal."""
        return self._digest

    @property
    def readable(self) -> bool:
        """Whether the bytes are still there."""
        return self.data is not None

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes; nothing if they are gone."""
        data = memoryview(self.data or b"")
        yield from (bytes(data[begin : begin + PIECE]) for begin in range(0, len(data), PIECE))


class MadeUp(Content):
    """A file of any size that takes no memory: `head`, and zeros up to `size`."""

    def __init__(self, size: int, head: bytes = b"") -> None:
        self._head = head[:size]
        super().__init__(None, size, "")

    @property
    def sha256(self) -> str:
        """The digest, in hexadecimal; reckoned when somebody asks for it, since that takes its time."""
        if not self._digest:
            digest = sha256()
            for piece in self.pieces():
                digest.update(piece)
            self._digest = digest.hexdigest()
        return self._digest

    @property
    def readable(self) -> bool:
        """Always."""
        return True

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes."""
        if self._head:
            yield self._head
        zeros, left = bytes(PIECE), self.size - len(self._head)
        while left > 0:
            yield zeros[:left]
            left -= PIECE


class Store:
    """Keeps the bytes of files, `capacity` of them; then the oldest files' go.

    Set `largest_kept` to know of larger files only their size and digest, such as in a benchmark.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self.largest_kept = capacity
        self._kept: deque[Content] = deque()
        self._used = 0

    def keep(self, data: bytes) -> Content:
        """Keep bytes that are here already."""
        return self._add(Content(data, len(data), sha256(data).hexdigest()))

    async def take(self, pieces: AsyncIterator[bytes], most: int) -> Content:
        """Keep what comes piece by piece.

        Raises:
            TooLargeError: more than `most` bytes came.
        """
        digest, size, kept = sha256(), 0, bytearray()
        async for piece in pieces:
            size += len(piece)
            if size > most:
                raise TooLargeError(f"more than {most} bytes")
            digest.update(piece)
            kept += piece
            if size > self.largest_kept:
                kept.clear()
        return self._add(Content(None if size > self.largest_kept else bytes(kept), size, digest.hexdigest()))

    def _add(self, content: Content) -> Content:
        if content.size > self.largest_kept:
            content.data = None
        if content.data is not None:
            self._kept.append(content)
            self._used += content.size
        while self._used > self.capacity:
            oldest = self._kept.popleft()
            oldest.data = None
            self._used -= oldest.size
        return content
