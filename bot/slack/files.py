"""Files in Slack: putting ours there and having them shown, reading what people shared.

Three calls put a file there, of which only the last shows it. The SDK's own way holds all bytes in memory and writes
the words into an address, which ends in logs. Source: docs, "Working with files"; slack_sdk 3.48, observed.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import IO, Any

import aiohttp
from msgspec import Struct
from slack_sdk.web.async_client import AsyncWebClient

from bot import metrics
from bot.errors import NotSent, Refused
from bot.network import proxy_for
from bot.slack.calls import NO_ACCESS, NO_TOKEN, call
from bot.slack.notifier import Place

FILE_HOSTS = (".slack.com",)  # where what people shared can be read
_LONGEST_ALT = 1_000  # characters
# The file is gone, or was never there whole: bytes have to be put there anew.
NO_FILE = frozenset({"file_not_found", "file_deleted", "file_update_failed", "invalid_arguments", "missing_argument"})


class SlackFile(Struct, frozen=True):
    """What Slack says of a file."""

    name: str
    mimetype: str  # "" while Slack is still looking at it
    size: int  # bytes
    url: str  # where it can be read with our token; "" where Slack has no bytes, or not yet
    mode: str  # "hosted"; "external", "snippet" and others are no files that can be sent
    places: tuple[Place, ...] = ()  # where it is shown


class SlackFiles:
    """Raises as `bot.slack.calls.call`. Nothing of a file is seen by anybody before `show`."""

    def __init__(self, client: AsyncWebClient, *, timeout: float) -> None:
        self._client, self._timeout = client, timeout  # seconds, for the bytes of one file

    async def put(self, file: IO[bytes], size: int, name: str, alt: str) -> str:
        """Put bytes there; return the file's id. To be repeated as a whole: what is left of it nobody sees."""
        asked = {"filename": name, "length": str(size), "alt_txt": alt[:_LONGEST_ALT]}
        answer = await call(self._client.api_call, api_method="files.getUploadURLExternal", data=asked)
        url, file_id = answer.get("upload_url"), answer.get("file_id")
        if not (isinstance(url, str) and isinstance(file_id, str) and re.fullmatch("[A-Z0-9]{1,40}", file_id)):
            raise NotSent("unreadable_answer")
        with metrics.call("slack", "upload"):
            await self._post(url, file, size)
        return file_id

    async def _post(self, url: str, file: IO[bytes], size: int) -> None:
        session = self._client.session
        if session is None:
            raise NotSent("closed")
        patience = aiohttp.ClientTimeout(total=self._timeout, connect=5, sock_read=60)
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        put = partial(session.post, url, data=_pieces(file), proxy=proxy_for(url), allow_redirects=False)
        try:
            async with put(headers=headers, timeout=patience) as answer:
                if not 200 <= answer.status < 300:
                    raise NotSent(f"http_{answer.status}")
        except (aiohttp.ClientError, ValueError, TimeoutError) as error:
            raise NotSent("no_answer") from error

    async def show(self, files: Sequence[tuple[str, str]], channel: str, thread_ts: str) -> None:
        """Have files (their ids and titles) shown in a thread, as one post. Slack says yes before it stands."""
        shown = {"files": [{"id": file_id, "title": title} for file_id, title in files]}
        where = {"channel_id": channel, "thread_ts": thread_ts}
        await call(self._client.api_call, api_method="files.completeUploadExternal", json=shown | where)

    async def info(self, file_id: str) -> SlackFile:
        """Return what Slack says of a file now."""
        answer = await call(self._client.files_info, file=file_id)
        found = answer.get("file")
        if not isinstance(found, dict):
            raise NotSent("unreadable_answer")
        url = found.get("url_private_download") or found.get("url_private")
        size = found.get("size")
        return SlackFile(
            _text(found.get("name")) or _text(found.get("title")),
            _text(found.get("mimetype")),
            size if isinstance(size, int) else 0,
            _text(url),
            "external" if found.get("is_external") is True else _text(found.get("mode")),
            tuple(_places(found.get("shares"))),
        )

    async def places(self, file_id: str, channel: str) -> list[Place]:
        """Return where in a channel a file is shown, and in which thread; none also if Slack does not say."""
        try:
            return [one for one in (await self.info(file_id)).places if one.channel == channel]
        except Refused as error:
            if error.code in NO_TOKEN | NO_ACCESS:
                raise
            return []


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    """Read a file on our disk, or rather in its cache: each piece takes less time than to ask another thread for it."""
    file.seek(0)
    while piece := file.read(128 * 1024):
        yield piece
        await asyncio.sleep(0)  # a connection that takes everything at once would let nobody else have a turn


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _places(shares: Any) -> list[Place]:
    by_kind = shares.values() if isinstance(shares, dict) else ()
    by_channel = [item for kind in by_kind if isinstance(kind, dict) for item in kind.items()]
    return [
        Place(channel, one["ts"], _text(one.get("thread_ts")) or None)
        for channel, entries in by_channel
        for one in (entries if isinstance(entries, list) else ())
        if isinstance(one, dict) and isinstance(one.get("ts"), str)
    ]
