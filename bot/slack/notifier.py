"""The calls to Slack, over one aiohttp session. No call is repeated here: a retry is a row with a due time."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Self

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot import metrics
from bot.errors import NotSent, Refused, Uncertain
from bot.network import proxy_for, trusted
from bot.slack.installation import Installation
from bot.slack.wording import Post

EVENT_TYPE = "bluethread"
"""Marks our posts in their metadata, which anybody in the channel can read: it holds an opaque id, nothing else."""

_LARGEST_ANSWER = 8 * 1024 * 1024
"""Bytes."""

_MOST_PAGES = 100

_BUSY = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_MAYBE = frozenset({"internal_error", "fatal_error", "request_timeout", "service_unavailable", ""})


@dataclass(frozen=True, slots=True)
class Person:
    """Who somebody is to this workspace."""

    guest: bool
    stranger: bool  # unknown here, as Slack says
    teams: frozenset[str] = frozenset()  # the workspaces they belong to; empty when Slack does not say


@dataclass(frozen=True, slots=True)
class Place:
    """Where a post stands: as Slack says, which may be another place than the one asked for."""

    channel: str
    ts: str
    thread_ts: str | None = None  # of its thread


class Notifier:
    """One workspace, through one bot token.

    timeout: seconds for a whole call.
    """

    def __init__(self, url: str, token: str, *, timeout: float = 15) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout, connect=5)
        self._longest_look = timeout * 4 / 3
        # The SDK's default handlers post again after a dropped connection, and the message would stand there twice.
        self.client = AsyncWebClient(token=token, base_url=url.rstrip("/") + "/", retry_handlers=[])
        self.client.proxy = proxy_for(url)  # the SDK has taken one for itself, whatever NO_PROXY says

    async def __aenter__(self) -> Self:
        # One session for all calls; without it the SDK opens a connection for each.
        watch = aiohttp.TraceConfig()
        watch.on_request_headers_sent.append(_note_that_it_began)
        watch.on_request_redirect.append(_follow_nobody)
        self.client.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=trusted()),
            timeout=self._timeout,
            trace_configs=[watch],
            # Not compressed: a small answer can become a gigabyte, and none of ours needs to be smaller.
            headers={"Accept-Encoding": "identity"},
            auto_decompress=False,
            response_class=_Bounded,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.client.session is not None:
            await self.client.session.close()

    async def post(self, channel: str, post: Post, *, id: str, thread_ts: str | None = None) -> Place:  # noqa: A002
        """Post a root or a reply; return where it stands. A user id as channel opens their DM.

        Raises:
            Refused: not posted (`code` is Slack's error).
            NotSent: not posted, may be tried again later.
            Uncertain: perhaps posted; see `find`.
        """
        answer = await self._call(
            self.client.chat_postMessage,
            channel=channel,
            text=post.text,
            blocks=post.blocks,
            thread_ts=thread_ts,
            metadata={"event_type": EVENT_TYPE, "event_payload": {"id": id}},
            unfurl_links=False,
            unfurl_media=False,
            parse="none",
        )
        place, ts = answer.get("channel"), answer.get("ts")
        if not (place and ts and isinstance(place, str) and isinstance(ts, str)):
            raise Uncertain("unreadable_answer")
        [message] = _objects([answer.get("message")]) or [{"thread_ts": thread_ts}]
        return Place(place, ts, message.get("thread_ts"))

    async def delete(self, channel: str, ts: str) -> None:
        """Take a post of ours away. Safe to repeat. Raises as `post`."""
        try:
            await self._call(self.client.chat_delete, channel=channel, ts=ts)
        except Refused as error:
            if error.code != "message_not_found":
                raise

    async def update(self, channel: str, ts: str, post: Post) -> None:
        """Make a root say something else. Safe to repeat. Raises as `post`."""
        await self._call(
            self.client.chat_update, channel=channel, ts=ts, text=post.text, blocks=post.blocks, parse="none"
        )

    async def join(self, channel: str) -> None:
        """Enter a public channel. Safe to repeat. Raises as `post`."""
        await self._call(self.client.conversations_join, channel=channel)

    async def find(self, channel: str, *, id: str, since: datetime, thread_ts: str | None) -> str | None:  # noqa: A002
        """Return the ts of our post with this id, or None when it is not there (yet).

        since: when posting began. Raises as `post`; Refused when history may not be read. Takes a third longer than one
        call at most.
        """
        try:
            async with asyncio.timeout(self._longest_look):
                return await self._found(channel, id, since, thread_ts)
        except TimeoutError as error:
            raise NotSent("no_answer") from error

    async def _found(self, channel: str, id: str, since: datetime, thread_ts: str | None) -> str | None:  # noqa: A002
        cursor: str | None = None
        seen: set[str] = set()
        for _ in range(_MOST_PAGES):
            answer = await self._page(channel, thread_ts, since, cursor)
            page = {str(one.get("ts")): one for one in _objects(answer.get("messages"))}
            for ts, message in page.items():
                [metadata] = _objects([message.get("metadata") or {}]) or [{}]
                [payload] = _objects([metadata.get("event_payload") or {}]) or [{}]
                if metadata.get("event_type") == EVENT_TYPE and "bot_id" in message and payload.get("id") == id:
                    return ts
            [more] = _objects([answer.get("response_metadata") or {}]) or [{}]
            cursor = str(more.get("next_cursor") or "")
            if not cursor or seen >= page.keys():  # the last, or the same once more
                return None
            seen |= page.keys()
        raise NotSent("history_without_end")

    async def _page(
        self, channel: str, thread_ts: str | None, since: datetime, cursor: str | None
    ) -> AsyncSlackResponse:
        # Slack's clock and ours differ; 15 is the most that apps with tightened limits get.
        oldest = f"{(since - timedelta(minutes=5)).timestamp():.6f}"
        asked: dict[str, Any] = {"channel": channel, "oldest": oldest, "limit": 15, "include_all_metadata": True}
        if thread_ts is None:
            return await self._call(self.client.conversations_history, **asked, cursor=cursor)
        return await self._call(self.client.conversations_replies, **asked, ts=thread_ts, cursor=cursor)

    async def person(self, user: str) -> Person:
        """Return who somebody is. Raises as `post`; somebody Slack does not know is a stranger."""
        try:
            found = (await self._call(self.client.users_info, user=user)).get("user")
        except Refused as error:
            if error.code in ("user_not_found", "user_not_visible", "users_not_found"):
                return Person(guest=False, stranger=True)
            raise
        if not isinstance(found, dict) or found.get("id", user) != user:  # nobody may text on another's account
            raise NotSent("unreadable_answer")
        guest = bool(found.get("is_restricted") or found.get("is_ultra_restricted"))
        in_grid = (found.get("enterprise_user") or {}).get("teams") or ()
        teams = frozenset(filter(None, [found.get("team_id"), *in_grid]))
        return Person(guest=guest, stranger=bool(found.get("is_stranger")), teams=teams)

    async def members(self, group: str) -> set[str]:
        """Return the user ids in a user group (`S…`). Raises as `post`."""
        answer = await self._call(self.client.usergroups_users_list, usergroup=group)
        return set(answer.get("users") or ())

    async def installation(self) -> Installation:
        """Return what Slack says of our token. A clear no is an answer, too; raises as `post` for none."""
        try:
            answer = await self._call(self.client.auth_test)
        except Refused as error:
            refused = error.__cause__.response if isinstance(error.__cause__, SlackApiError) else None
            return Installation(error=error.code, now=_time(refused))
        scopes = answer.headers.get("x-oauth-scopes")
        return Installation(
            bot=str(answer.get("user") or ""),
            team=str(answer.get("team") or ""),
            is_bot=bool(answer.get("bot_id")),
            scopes=None if scopes is None else frozenset(filter(None, map(str.strip, scopes.split(",")))),
            now=_time(answer),
        )

    async def answer(self, url: str, text: str) -> None:
        """Tell the person who typed a command something only they see. Works for 30 minutes, five times.

        Raises:
            Refused: the URL is used up or too old.
            NotSent: no answer; tell it another way (a private line twice harms nobody).
        """
        if self.client.session is None or not url:
            raise Refused("no_answer_url")
        try:
            said = {"text": text, "response_type": "ephemeral"}
            post = self.client.session.post(url, json=said, proxy=proxy_for(url), allow_redirects=False)
            async with post as answer:
                if answer.status >= 500 or answer.status == 429:
                    raise NotSent(f"http_{answer.status}")
                if answer.status >= 300:
                    raise Refused(f"http_{answer.status}")
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            raise NotSent("no_answer") from error

    async def _call(self, method: Callable[..., Awaitable[AsyncSlackResponse]], **arguments: Any) -> AsyncSlackResponse:
        began: list[bool] = []
        _began.set(began)
        with metrics.call("slack", method.__name__.replace("_", ".")):
            try:
                return await method(**arguments)
            except SlackApiError as error:
                raise _failure(error) from error
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
                raise NotSent("no_connection") from error
            except aiohttp.ClientHttpProxyError as error:  # it refused to connect us
                raise NotSent("proxy_refused") from error
            except aiohttp.InvalidURL as error:  # the request could not even be built
                raise NotSent("unbuildable") from error
            except (TimeoutError, aiohttp.ClientError) as error:
                raise (Uncertain("no_answer") if began else NotSent("no_connection")) from error
            except (AttributeError, ValueError, LookupError) as error:  # over JSON that is no object, or a charset
                raise (Uncertain("unreadable_answer") if began else NotSent("unbuildable")) from error


_began: ContextVar[list[bool]] = ContextVar("began")
"""Filled once the request of the call under way, and not just a proxy's CONNECT, begins to be written."""


async def _follow_nobody(*_: object) -> None:
    raise aiohttp.ClientPayloadError("a redirect is not followed")


class _Bounded(aiohttp.ClientResponse):
    """An answer that is read no further than it may be long."""

    async def read(self) -> bytes:
        """Return the body; raises aiohttp.ClientPayloadError when it is too large."""
        if self._body is None:
            body = bytearray()
            async for piece in self.content.iter_any():
                body += piece
                if len(body) > _LARGEST_ANSWER:
                    self.close()
                    raise aiohttp.ClientPayloadError("the answer is too large")
            self._body = bytes(body)
        return self._body


def _objects(values: object) -> list[dict[str, Any]]:
    """Return the JSON objects of a list, whatever else is in it or instead of it."""
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


async def _note_that_it_began(*_: object) -> None:
    _began.get([]).append(True)


def _time(answer: object) -> datetime | None:
    """Slack's clock when it answered."""
    try:
        time = parsedate_to_datetime(answer.headers["Date"]) if isinstance(answer, AsyncSlackResponse) else None
    except (KeyError, ValueError):
        return None
    return time and time.replace(tzinfo=time.tzinfo or UTC)


def _failure(error: SlackApiError) -> Refused | NotSent | Uncertain:
    response = error.response
    if not isinstance(response, AsyncSlackResponse):  # the SDK hands over the raw answer when it is no JSON
        return Uncertain("unreadable_answer")
    code = str(response.get("error") or "") if isinstance(response.data, dict) else ""
    code = code if re.fullmatch("[a-z0-9_]{0,80}", code) else "other"  # it stands in logs
    if response.status_code == 429 or code in _BUSY:
        seconds = str(response.headers.get("Retry-After") or response.headers.get("retry-after") or "1")
        return NotSent(code or "ratelimited", retry_after=min(max(float(seconds), 1), 3600) if seconds.isdigit() else 1)
    if response.status_code >= 500 or code in _MAYBE:
        return Uncertain(code or f"http_{response.status_code}")
    return Refused(code)
