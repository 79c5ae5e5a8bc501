"""The calls to Slack, over one aiohttp session. No call is repeated here: a retry is a row with a due time."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import aiohttp
from msgspec import Struct
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.clock import TheirClock
from bot.errors import NotSent, Refused, Uncertain
from bot.network import proxy_for
from bot.slack.calls import call, new_session
from bot.slack.wording import Block, Post

# What the app must be in Slack; a test compares it with manifest.yml, which is not where the bot is deployed.
NAME = "bluethread"  # what people type in `/invite @…`
SCOPES = {  # what the token must be allowed, and no more
    *("commands", "chat:write", "channels:join", "channels:read", "groups:read", "users:read", "usergroups:read"),
    *("channels:history", "groups:history", "im:history", "mpim:history", "reactions:write"),
    *("files:read", "files:write"),
}

_EVENT_TYPE = "bluethread"  # marks our posts in their metadata: anybody can read it, so it has an opaque id, no more
_MOST_PAGES = 100
_PAGE = 15  # messages: the most that apps with tightened limits get
_MOST_READ = 1000  # of a page; more than we want, but more than Slack ever gives
_SKEW = timedelta(minutes=5)  # between Slack's machines, and between its clock and ours


class Person(Struct, frozen=True):
    """Who somebody is to this workspace."""

    guest: bool
    stranger: bool  # unknown here, as Slack says
    teams: frozenset[str] = frozenset()  # the workspaces they belong to; empty when Slack does not say


class Place(Struct, frozen=True):
    """Where a post stands: as Slack says, which may be another place than the one wanted."""

    channel: str
    ts: str
    thread_ts: str | None = None  # of its thread


class Installation(Struct, frozen=True):
    """What Slack says of our token."""

    error: str = ""  # why Slack refuses it, in its word; "" when it does not, and then the rest is known
    bot: str = ""
    team: str = ""
    is_bot: bool = False
    scopes: frozenset[str] | None = None  # None when Slack does not say
    now: datetime | None = None  # Slack's clock, whole seconds; None when its answer has no time


class Notifier:
    """One workspace, through one bot token. Raises as `call`, but for `answer`. All but `post` may be repeated."""

    def __init__(self, url: str, token: str, *, timeout: float = 15) -> None:
        self._timeout = timeout  # seconds
        self._theirs = TheirClock()
        # The SDK's default handlers post again after a dropped connection, and the message would stand there twice.
        self.client = AsyncWebClient(token=token, base_url=url.rstrip("/") + "/", retry_handlers=[])
        self.client.proxy = proxy_for(url)  # the SDK has taken one for itself, whatever NO_PROXY says

    async def __aenter__(self) -> Self:
        self.client.session = new_session(self._timeout, self._theirs)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.client.session is not None:
            await self.client.session.close()

    async def post(self, channel: str, post: Post, *, id: str, thread_ts: str | None = None) -> Place:  # noqa: A002
        """Post a root or a reply; return where it stands. A user id as channel opens their DM."""
        answer = await call(
            self.client.chat_postMessage,
            channel=channel,
            text=post.text,
            blocks=post.blocks,
            thread_ts=thread_ts,
            reply_broadcast=True if post.broadcast and thread_ts else None,
            metadata={"event_type": _EVENT_TYPE, "event_payload": {"id": id}},
            unfurl_links=False,
            unfurl_media=False,
            parse="none",
        )
        place, ts, message = answer.get("channel"), answer.get("ts"), answer.get("message")
        if not (place and ts and isinstance(place, str) and isinstance(ts, str)):
            raise Uncertain("unreadable_answer")
        return Place(place, ts, message.get("thread_ts") if isinstance(message, dict) else thread_ts)

    async def delete(self, channel: str, ts: str) -> None:
        try:
            await call(self.client.chat_delete, channel=channel, ts=ts)
        except Refused as error:
            if error.code != "message_not_found":
                raise

    async def update(self, channel: str, ts: str, post: Post) -> None:
        await call(self.client.chat_update, channel=channel, ts=ts, text=post.text, blocks=post.blocks, parse="none")

    async def mark(self, channel: str, ts: str, reaction: str) -> None:
        """Put a reaction of ours on a message; one that stands there already, or whose message is gone, is done."""
        try:
            await call(self.client.reactions_add, channel=channel, timestamp=ts, name=reaction)
        except Refused as error:
            if error.code not in ("already_reacted", "message_not_found"):
                raise

    async def whisper(self, channel: str, person: str, post: Post, *, thread_ts: str | None) -> None:
        """Say something in a thread that only one person sees, and only until they load Slack anew."""
        await call(
            self.client.chat_postEphemeral,
            channel=channel,
            user=person,
            text=post.text,
            blocks=post.blocks or None,
            thread_ts=thread_ts,
            parse="none",
        )

    async def open_view(self, trigger: str, view: Block) -> None:
        """Show a form to who clicked, within three seconds of that."""
        await call(self.client.views_open, trigger_id=trigger, view=view)

    async def name(self, mentioned: str) -> str:
        """Return how a person, a user group or a public channel is called, with its sign; "" where that is not said."""
        if mentioned.startswith(("U", "W")):
            found = _object((await call(self.client.users_info, user=mentioned)).get("user"))
            profile = _object(found.get("profile"))
            named = profile.get("display_name") or profile.get("real_name") or found.get("name")
            return f"@{named}" if named and isinstance(named, str) else ""
        if mentioned.startswith("S"):
            groups = map(_object, _list((await call(self.client.usergroups_list)).get("usergroups")))
            return next((f"@{one.get('handle')}" for one in groups if one.get("id") == mentioned), "")
        found = _object((await call(self.client.conversations_info, channel=mentioned)).get("channel"))
        return f"#{found.get('name')}" if found.get("is_private") is False and found.get("name") else ""

    async def join(self, channel: str) -> bool:
        """Enter a channel; return whether it let us in, as a public one does."""
        with suppress(Refused):
            await call(self.client.conversations_join, channel=channel)
            return True
        return False

    async def is_private(self, channel: str) -> bool:
        """Whether only those who were let in can read a channel. Unless Slack says that it is public, they can."""
        found = _object((await call(self.client.conversations_info, channel=channel)).get("channel"))
        return found.get("is_private") is not False

    async def identity(self) -> tuple[str, str]:
        """Return our bot's user id and our workspace's."""
        answer = await call(self.client.auth_test)
        return str(answer.get("user_id") or ""), str(answer.get("team_id") or "")

    async def address(self) -> str:
        """Return the workspace's address, with a slash at its end; "" when Slack does not say."""
        url = str((await call(self.client.auth_test)).get("url") or "")
        return url if re.fullmatch(r"https://[a-z0-9.-]+/", url) else ""

    async def find(self, channel: str, *, id: str, age: timedelta, thread_ts: str | None) -> str | None:  # noqa: A002
        """Return the ts of our post with this id, None when it is not there (yet). age: how long ago posting began."""
        try:
            async with asyncio.timeout(self._timeout * 4 / 3):  # a third longer than one call
                since = self._ago(age)
                found = await self._found(channel, id, since, thread_ts)
                if found is None and self._ago(age) < since - _SKEW:  # Slack has only now said what time it is
                    found = await self._found(channel, id, self._ago(age), thread_ts)
                return found
        except TimeoutError as error:
            raise NotSent("no_answer") from error

    def _ago(self, age: timedelta) -> datetime:
        """By the slower of two clocks: to search too far back costs a page, not far enough a second post."""
        ours = datetime.now(UTC)
        return min(ours, self._theirs() or ours) - age - _SKEW

    async def _found(self, channel: str, post_id: str, since: datetime, thread_ts: str | None) -> str | None:
        async for page in self._pages(channel, thread_ts, f"{since.timestamp():.6f}"):
            ours = {ts: message for ts, message in page.items() if _is_ours(message, post_id)}
            # Of a channel's own messages, a reply that is shown there, too, is none.
            found = next((ts for ts, one in ours.items() if thread_ts or one.get("thread_ts") in (None, ts)), None)
            if found:
                return found
        return None

    async def typed_within(self, channel: str, thread_ts: str, age: timedelta) -> list[dict[str, Any]]:
        """Return what stands in a thread and is no older, whoever wrote it; oldest first."""
        found: dict[str, dict[str, Any]] = {}
        async for page in self._pages(channel, thread_ts, f"{self._ago(age).timestamp():.6f}"):
            found |= page
        return [found[ts] for ts in sorted(found)]

    async def _pages(
        self, channel: str, thread_ts: str | None, oldest: str
    ) -> AsyncIterator[dict[str, dict[str, Any]]]:
        """Yield the messages of a channel or a thread, by ts, page by page."""
        method: Any = self.client.conversations_replies if thread_ts else self.client.conversations_history
        where = {"channel": channel, "ts": thread_ts, "oldest": oldest}
        cursor = ""
        seen: set[str] = set()
        for _ in range(_MOST_PAGES):
            answer = await call(method, **where, limit=_PAGE, include_all_metadata=True, cursor=cursor or None)
            page = {str(one.get("ts"))[:40]: one for one in map(_object, _list(answer.get("messages"))[:_MOST_READ])}
            cursor = str(_object(answer.get("response_metadata")).get("next_cursor") or "")[:1000]
            yield page
            if not cursor or seen >= set(page):  # this is the last page, or the same once more
                return
            seen |= set(page)
            del answer, page  # they may be large, and the next ones come
        raise NotSent("history_without_end")

    async def person(self, user: str) -> Person:
        """Return who somebody is. Somebody Slack does not know is a stranger."""
        try:
            found = (await call(self.client.users_info, user=user)).get("user")
        except Refused as error:
            if error.code in ("user_not_found", "user_not_visible", "users_not_found"):
                return Person(guest=False, stranger=True)
            raise
        if not isinstance(found, dict) or found.get("id", user) != user:  # nobody may text on another's account
            raise NotSent("unreadable_answer")
        guest = bool(found.get("is_restricted") or found.get("is_ultra_restricted"))
        in_grid = _texts(_object(found.get("enterprise_user")).get("teams"))
        return Person(guest, bool(found.get("is_stranger")), in_grid | _texts([found.get("team_id")]))

    async def members(self, group: str) -> frozenset[str]:
        return _texts((await call(self.client.usergroups_users_list, usergroup=group)).get("users"))

    async def installation(self) -> Installation:
        """Return what Slack says of our token. A clear no is an answer, too."""
        try:
            answer = await call(self.client.auth_test)
        except Refused as error:
            return Installation(error=error.code, now=self._theirs())
        scopes = answer.headers.get("x-oauth-scopes")
        return Installation(
            bot=str(answer.get("user") or ""),
            team=str(answer.get("team") or ""),
            is_bot=bool(answer.get("bot_id")),
            scopes=None if scopes is None else frozenset(filter(None, map(str.strip, scopes.split(",")))),
            now=self._theirs(),
        )

    async def answer(self, url: str, text: str, *, replaces: bool = False) -> None:
        """Tell who typed a command something only they see. Works for 30 minutes, five times: then raises Refused.

        replaces: in the place of what they clicked on, which only they see; with an empty text that just goes.
        """
        if self.client.session is None or not url:
            raise Refused("no_answer_url")
        said: Block = {"text": text, "response_type": "ephemeral", "replace_original": replaces}
        if replaces and not text:
            said = {"delete_original": True}
        try:
            post = self.client.session.post(url, json=said, proxy=proxy_for(url), allow_redirects=False)
            async with post as answer:
                if answer.status >= 300:
                    later = answer.status >= 500 or answer.status == 429
                    raise (NotSent if later else Refused)(f"http_{answer.status}")
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            raise NotSent("no_answer") from error  # never Uncertain: a private line twice harms nobody


def _texts(values: object) -> frozenset[str]:
    return frozenset(value for value in _list(values) if value and isinstance(value, str))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_ours(message: dict[str, Any], post_id: str) -> bool:
    metadata = _object(message.get("metadata"))
    known = _object(metadata.get("event_payload")).get("id") == post_id
    return known and metadata.get("event_type") == _EVENT_TYPE and "bot_id" in message
