"""Files between the page and the pretend services: what a person drops, and how a browser is shown what is there."""

import binascii
import re
from base64 import b64decode
from urllib.parse import quote

from starlette.responses import PlainTextResponse, Response

from sandbox.contents import MIB, Content, type_of
from sandbox.downloads import Download
from sandbox.traffic import Json

LARGEST = 100 * MIB
"""Bytes of all files of one message."""
MOST = 10
"""Files that come with one message, as in Slack."""
LONGEST_NAME = 255

_SHOWN = frozenset({"image/gif", "image/jpeg", "image/png", "image/webp"})
"""What a browser may show; it saves everything else, such as SVG and HTML, which could act on the page."""
_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+")


def attached(body: Json) -> list[tuple[str, bytes, str]]:
    """Return name, bytes and MIME type of each of `files: [{name, data, mimetype?}]`; `data` is base64.

    Raises:
        ValueError: they cannot be read, in a sentence.
    """
    files = body.get("files", [])
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        raise ValueError("files must be a list of objects.")
    if len(files) > MOST:
        raise ValueError(f"At most {MOST} files come with one message.")
    read = [_read(file) for file in files]
    if sum(len(data) for _, data, _ in read) > LARGEST:
        raise ValueError(f"Files have at most {LARGEST // MIB} MiB together.")
    return read


def shown(content: Content | None, name: str, mimetype: str) -> Response:
    """Return the answer with a file: a picture to be shown, anything else to be saved; neither can run a script."""
    if content is None or not content.readable:
        return missing()
    sure = mimetype if _TYPE.fullmatch(mimetype) else "application/octet-stream"
    disposition = "inline" if sure in _SHOWN else "attachment"
    headers = {
        "Content-Type": sure,
        "Content-Disposition": f"{disposition}; filename*=UTF-8''{quote(name, safe='', errors='replace')}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": "private, max-age=3600",
    }
    return Download(content, headers)


def missing() -> Response:
    """Return the answer for a file that is not there."""
    return PlainTextResponse("This file is not kept any more.", 404)


def _read(file: Json) -> tuple[str, bytes, str]:
    fields = [file.get("name"), file.get("data"), file.get("mimetype", "")]
    if not all(isinstance(value, str) for value in fields):
        raise ValueError("A file has a name, data in base64, and perhaps a mimetype.")
    name, data, mimetype = map(str, fields)
    if not name or len(name) > LONGEST_NAME:
        raise ValueError(f"A file’s name has 1 to {LONGEST_NAME} characters.")
    try:
        decoded = b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("data is not base64.") from None
    return name, decoded, mimetype or type_of(name)
