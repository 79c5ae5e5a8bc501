"""conversations.*: what the bot may know about channels and read back from them."""

import math
import time

from sandbox.slack.faults import SlackFaults
from sandbox.slack.params import flag, text_of, whole_number
from sandbox.slack.records import Channel, SlackMessage, SlackRefusalError
from sandbox.slack.shapes import TOMBSTONE, as_api
from sandbox.slack.transcript import Transcript
from sandbox.slack.workspace import PEOPLE, Workspace
from sandbox.traffic import Json

LARGEST_PAGE = 999
TIGHT_PAGE = 15


class Conversations:
    """The conversations.* methods. Each takes a call's parameters and returns its answer's JSON."""

    def __init__(self, workspace: Workspace, faults: SlackFaults) -> None:
        self._workspace = workspace
        self._faults = faults
        self._read_at: dict[str, float] = {}

    def history(self, params: Json) -> Json:
        """conversations.history: messages of the channel itself, and replies shown there, newest first."""
        channel = self._readable(params.get("channel"))
        self._wait_between("history")
        transcript = self._workspace.transcript(channel.id)
        there = [root for root in transcript.roots() if not root.deleted or self._tombstone(transcript, root.ts)]
        there += [reply for reply in transcript.everything() if reply.broadcast and not reply.deleted]
        found = sorted((one for one in there if _within(one.ts, params)), key=lambda one: _key(one.ts))
        return self._page(found[::-1], params, default=100)

    def replies(self, params: Json) -> Json:
        """conversations.replies: the root, whatever its time, and its replies, oldest first."""
        channel = self._readable(params.get("channel"))
        if self._faults.replies_refused and channel.kind != "dm":
            raise SlackRefusalError(self._faults.replies_refused)
        self._wait_between("replies")
        transcript = self._workspace.transcript(channel.id)
        asked = transcript.find(params.get("ts"))
        root_ts = (asked.thread_ts or asked.ts) if asked else params.get("ts")
        root = transcript.root(root_ts) or self._tombstone(transcript, root_ts)
        if root is None:
            raise SlackRefusalError("thread_not_found")
        replies = transcript.replies(root.ts)
        found = [reply for reply in replies if not reply.deleted and _within(reply.ts, params)]
        return self._page([root, *found], params, default=1000)

    def join(self, params: Json) -> Json:
        """conversations.join: public channels only."""
        channel = self._workspace.seen(params.get("channel"))
        if channel.kind != "public":
            raise SlackRefusalError("method_not_supported_for_channel_type")
        if channel.archived:
            raise SlackRefusalError("is_archived")
        self._workspace.enter(channel)
        return {"ok": True, "channel": _as_api(channel)}

    def info(self, params: Json) -> Json:
        """conversations.info."""
        return {"ok": True, "channel": _as_api(self._workspace.seen(params.get("channel")))}

    def open(self, params: Json) -> Json:
        """conversations.open: the bot's conversation with one person."""
        person = text_of(params.get("users"))
        if person not in PEOPLE:
            raise SlackRefusalError("user_not_found")
        return {"ok": True, "channel": {"id": self._workspace.open_dm(person).id}}

    def _readable(self, name: object) -> Channel:
        channel = self._workspace.seen(name)
        if not channel.member:
            raise SlackRefusalError("not_in_channel")
        return channel

    def _tombstone(self, transcript: Transcript, ts: object) -> SlackMessage | None:
        return transcript.tombstone(ts) if self._faults.tombstones else None

    def _wait_between(self, method: str) -> None:
        """Keep the interval between two calls of a method, if there is one."""
        now, interval = time.monotonic(), self._faults.history_interval
        wait = self._read_at.get(method, -math.inf) + interval - now
        if interval and wait > 0:
            raise SlackRefusalError("ratelimited", retry_after=math.ceil(wait))
        self._read_at[method] = now

    def _page(self, messages: list[SlackMessage], params: Json, *, default: int) -> Json:
        """Return one page; the cursor is where the next one begins."""
        largest = TIGHT_PAGE if self._faults.history_interval else LARGEST_PAGE
        size = max(1, min(whole_number(params.get("limit"), default), largest))
        begin = self._begin(text_of(params.get("cursor")))
        everything = flag(params.get("include_all_metadata"))
        chosen = messages[begin : begin + size]
        more = begin + size < len(messages)
        return {
            "ok": True,
            "messages": [self._spelled(message, all_metadata=everything) for message in chosen],
            "has_more": more,
            "response_metadata": {"next_cursor": f"page:{begin + size}" if more else ""},
        }

    def _spelled(self, message: SlackMessage, *, all_metadata: bool) -> Json:
        """Spell a message out, a root with the size of its thread."""
        spelled = TOMBSTONE | {"ts": message.ts} if message.deleted else as_api(message, all_metadata=all_metadata)
        replies = self._workspace.transcript(message.channel).replies(message.ts)
        there = [reply for reply in replies if not reply.deleted]
        if there:
            spelled |= {"thread_ts": message.ts, "reply_count": len(there), "latest_reply": there[-1].ts}
        return spelled

    @staticmethod
    def _begin(cursor: str) -> int:
        if not cursor:
            return 0
        number = whole_number(cursor.removeprefix("page:"), -1)
        if not cursor.startswith("page:") or number < 0:
            raise SlackRefusalError("invalid_cursor")
        return number


def _within(ts: str, params: Json) -> bool:
    """Whether `ts` lies between `oldest` and `latest`; on the edge only with `inclusive`."""
    edge = flag(params.get("inclusive"))
    at = _key(ts)
    oldest, latest = text_of(params.get("oldest")), text_of(params.get("latest"))
    if oldest and (at < _key(oldest) or (at == _key(oldest) and not edge)):
        return False
    return not (latest and (at > _key(latest) or (at == _key(latest) and not edge)))


def _key(ts: str) -> tuple[int, str]:
    """Return a message's name as something to compare, without going through a float."""
    seconds, _, fraction = ts.partition(".")
    if not seconds.isdecimal() or not (fraction or "0").isdecimal():
        raise SlackRefusalError("invalid_ts_oldest")
    return int(seconds), fraction.ljust(6, "0")[:6]


def _as_api(channel: Channel) -> Json:
    return {
        "id": channel.id,
        "name": channel.name,
        "is_channel": channel.kind == "public",
        "is_private": channel.kind != "public",
        "is_im": channel.kind == "dm",
        "is_member": channel.member,
        "is_archived": channel.archived,
    }
