"""Fetched bytes while they lie on the disk, and how much of it all of them together may take."""

import asyncio
from contextlib import ExitStack
from typing import BinaryIO, Self

from bot.errors import NotSent, Refused
from bot.files.kinds import Kind


class Disk:
    """How many bytes all files at once may take, at most `total`. Whoever comes first gets space first."""

    def __init__(self, total: int) -> None:
        self._total = self._free = total
        self._turn = asyncio.Lock()
        self._freed = asyncio.Event()

    async def take(self, size: int, patience: float) -> None:
        """Wait for space. Raises Refused: there is never so much; NotSent: there was none in `patience` seconds."""
        if size > self._total:
            raise Refused("file_too_large")
        try:
            async with asyncio.timeout(patience), self._turn:  # small ones do not pass a large one for ever
                while self._free < size:
                    self._freed.clear()
                    await self._freed.wait()
                self._free -= size
        except TimeoutError:
            raise NotSent("no_room") from None

    def give_back(self, size: int) -> None:
        self._free += size
        self._freed.set()


class Taken:
    """A file of ours without a name: nobody else can open it, and it vanishes with `close` or with the process.

    file: stands at its beginning. size: in bytes. held: what ends with the file, itself included.
    """

    def __init__(self, file: BinaryIO, size: int, kind: Kind, held: ExitStack) -> None:
        self.file, self.size, self.kind = file, size, kind
        self._held = held

    def close(self) -> None:
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
