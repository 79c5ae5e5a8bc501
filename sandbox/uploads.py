"""A file in a request's body: as it is, or in a multipart form, read piece by piece."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import content_disposition_filename, parse_content_disposition
from starlette.requests import Request


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that comes in. `field` and `name` are those of the form, "" for a body that is no form."""

    field: str
    name: str
    mimetype: str
    pieces: AsyncIterator[bytes]


async def uploaded(request: Request) -> Upload | None:
    """Return the file in a body, of a form the first one that has a file name; None if the form has none.

    Raises:
        ValueError: the form cannot be read; raised while the pieces are read, too.
        ClientDisconnect: the sender hung up; the same.
    """
    mimetype = request.headers.get("content-type", "")
    if not mimetype.startswith("multipart/"):
        return Upload("", "", mimetype, request.stream())
    _, _, boundary = mimetype.partition("boundary=")
    if not boundary:
        raise ValueError("the form names no boundary")
    return await _first_file(_Body(request.stream()), b"\r\n--" + boundary.strip('"').encode())


class _Body:
    """A form's body, of which only a little is here at a time."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces
        self._ahead = b"\r\n"

    async def until(self, mark: bytes) -> AsyncIterator[bytes]:
        """Yield what comes before `mark`, and step over it. Raises ValueError if it does not come."""
        while (at := self._ahead.find(mark)) < 0:
            certain = max(0, len(self._ahead) - len(mark))
            yield self._ahead[:certain]
            piece = await anext(self._pieces, None)
            if piece is None:
                raise ValueError("the form has no end")
            self._ahead = self._ahead[certain:] + piece
        yield self._ahead[:at]
        self._ahead = self._ahead[at + len(mark) :]


async def _first_file(body: _Body, boundary: bytes) -> Upload | None:
    while True:
        async for _ in body.until(boundary):
            pass
        head = b"".join([piece async for piece in body.until(b"\r\n")])
        if head == b"--":
            return None
        lines = b"".join([piece async for piece in body.until(b"\r\n\r\n")]).decode(errors="replace").split("\r\n")
        fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        _, named = parse_content_disposition(fields.get("content-disposition"))
        name = content_disposition_filename(named)
        if name is not None:
            return Upload(named.get("name", ""), name, fields.get("content-type", ""), body.until(boundary))
