"""A Slack that keeps the truth and lies about it, by the seed; and what it has in common with phone.py's Sendblue.

Both have the interfaces of the bot's own clients. Each call stops twice: before its effect, and between the effect and
the answer. What becomes of it is drawn at its effect: done, done and unanswered, refused for now, not done and unclear,
refused for good, answered late.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.domain.reply import Reply
from bot.errors import CallFailed, NotSent, Refused, Uncertain
from bot.slack.notifier import _SKEW, Person, Place
from bot.slack.wording import Post
from tests.chaos.simulation.ledger import Point, at
from tests.chaos.simulation.typing import GUEST

if TYPE_CHECKING:
    from tests.chaos.simulation.world import World

_LAG = timedelta(seconds=1)  # until what was posted can be found again
DONE, LATE, LOST, BUSY, UNREACHED, BROKEN, REFUSED = "done", "late", "lost", "busy", "unreached", "broken", "refused"
AFTERWARDS = "done afterwards"
"""Done when its sender has long been told that there is no answer; only Slack does that (see `Phone`)."""
_TROUBLES = (LATE, LOST, LOST, BUSY, UNREACHED, BROKEN, REFUSED, AFTERWARDS)
_LATEST = 12.0  # seconds after which nothing is done afterwards
_REFUSALS = {
    "post": ("is_archived", "restricted_action", "invalid_auth", "msg_too_long"),
    "update": ("cant_update_message", "invalid_auth"),
    "join": ("method_not_supported_for_channel_type",),
    "find": ("missing_scope", "invalid_auth"),
    "delete": ("invalid_auth",),
    "answer": ("http_404",),
    "person": ("invalid_auth",),
    "info": ("missing_scope", "invalid_auth"),
    "mark": ("too_many_reactions", "missing_scope", "invalid_auth"),
    "whisper": ("user_not_in_channel", "invalid_auth"),
    "name": ("user_not_found", "invalid_auth"),
    "identity": ("invalid_auth",),
    "upload": ("file_uploads_disabled", "invalid_auth"),
    "share": ("is_archived", "file_not_found", "missing_scope", "invalid_auth"),
    "file": ("missing_scope", "file_not_found", "invalid_auth"),
}
TOKEN_TROUBLE = frozenset({"invalid_auth"})


class Neighbour:
    """What both have in common. timeout: seconds a caller waits."""

    def __init__(self, world: "World", name: str, timeout: float) -> None:
        self._world = world
        self._name = name
        self._timeout = timedelta(seconds=timeout)
        self.down = False
        self.dawdles = world.dice.random() < 0.15  # each answer comes late
        self.endless = world.dice.random() < 0.1  # a history, or a list, has no end
        self.late: list[tuple[datetime, Callable[[], object]]] = []  # what will be done afterwards, and when
        self.fates: list[str] = []  # of the next calls, where a story is told rather than drawn

    async def _request(self, what: str) -> str:
        """Travel there; return what will become of it. A request never arrives after its sender's patience."""
        await at(Point(f"{self._name} {what}", until=self._world.now + self._timeout))
        dice = self._world.dice
        if self.fates:
            return self.fates.pop(0)
        if self.down:
            return dice.choice((UNREACHED, BROKEN))
        if self._world.honest:
            return DONE
        if dice.random() >= self._world.trouble:
            return LATE if self.dawdles else DONE
        return dice.choice(_TROUBLES)

    def catch_up(self, then: datetime) -> None:
        """Do what was to be done by then."""
        for one in sorted(self.late, key=lambda one: one[0]):
            if one[0] <= then:
                self.late.remove(one)
                self._world.now = max(self._world.now, one[0])
                one[1]()

    def _afterwards(self, do: Callable[[], object], what: str) -> None:
        """Have it done later, and say that nobody knows."""
        delay = timedelta(seconds=self._world.dice.random() * _LATEST)
        self._world.tell(f"{self._name} {what}: {AFTERWARDS}, in {delay}")
        self.late.append((self._world.now + delay, do))
        raise Uncertain("no_answer")

    async def _answer(self, fate: str, what: str) -> None:
        """Travel back: at once, late, or never."""
        sent, patience = self._world.now, self._timeout
        self._world.tell(f"{self._name} {what}: {fate}")
        for _ in range(self._world.dice.randrange(2, 12) if fate is LATE else 1):
            await at(Point(f"{self._name} answers {what}"))
        if fate is LOST or (self._world.now - sent > patience and self._world.dice.random() < 0.5):
            raise Uncertain("timeout")


@dataclass(slots=True)
class Posted:
    """One message as it stands in Slack."""

    channel: str
    ts: str
    id: str
    thread_ts: str | None
    text: str
    at: datetime
    root: "Posted | None" = None
    deleted: bool = False

    @property
    def visible(self) -> bool:
        """Whether anybody can read it: what hangs below a deleted message, nobody can."""
        return not self.deleted and (self.root is None or self.root.visible)


class Slack(Neighbour):
    """Stands where `Notifier` does."""

    def __init__(self, world: "World") -> None:
        super().__init__(world, "slack", 15)
        self.posts: list[Posted] = []
        self.told: dict[str, list[str]] = defaultdict(list)  # answer URL or post id of a private note → what it said
        self.outside = {"C0TWO"}  # where the bot is not a member
        self.orphans = world.dice.random() < 0.5  # a reply whose root is deleted is posted into the channel
        self.replies_refused = world.dice.random() < 0.1  # threads may not be read, as one page of the docs says
        self.archived: set[str] = set()
        self.token_dead = False
        self.unreadable: set[str] = set()  # post ids that could not be looked for
        self.uneditable: set[str] = set()  # ts of roots whose update was refused
        self.refused: set[str] = set()  # post ids that were refused

    def _standing(self, method: str, channel: str) -> str:
        """Why the place itself says no; an archived channel can still be read."""
        if self.token_dead:
            return "invalid_auth"
        if channel == "D0PAIR" or (method == "find" and channel.startswith("U")):
            return "channel_not_found"
        if channel in self.archived and method != "find":
            return "is_archived"
        return "not_in_channel" if channel in self.outside and method not in ("join", "person", "info") else ""

    async def _ask(self, method: str, channel: str, what: str) -> str:
        """Return DONE, LATE or LOST when it is to be done; raise when it is not."""
        fate = await self._request(f"{method} {what}")
        code = self._standing(method, channel)
        if fate is REFUSED:
            code = code or self._world.dice.choice(_REFUSALS[method])
        if fate in (DONE, LATE, LOST, AFTERWARDS) and not code:
            if method in ("post", "update", "share") or fate is not AFTERWARDS:
                return AFTERWARDS if method == "update" and fate is LOST else fate
            return LOST
        self._world.tell(f"slack {method} {what}: {fate} {code}")
        raise self._failure(fate, code)

    def _failure(self, fate: str, code: str) -> CallFailed:
        match fate:
            case "busy":
                return NotSent("ratelimited", retry_after=self._world.dice.choice((1, 2, 10, 30)))
            case "unreached":
                return NotSent("no_connection")
            case "broken":
                return Uncertain(self._world.dice.choice(("http_503", "internal_error", "unreadable_answer")))
            case _:
                return Refused(code)

    async def post(self, channel: str, post: Post, *, id: str, thread_ts: str | None = None) -> Place:  # noqa: A002
        what = f"{id[-10:]} in {channel}"
        try:
            fate = await self._ask("post", channel, what)
        except Refused:
            self.refused.add(id)
            raise
        if thread_ts and self._there(thread_ts) is None and not self.orphans:
            raise Refused("thread_not_found")
        place = f"D0{channel}" if channel.startswith("U") else channel

        def put() -> Posted:
            root = self._there(thread_ts) if thread_ts else None
            thread = thread_ts if root else None
            posted = Posted(place, f"{len(self.posts) + 1}.0", id, thread, post.text, self._world.now, root)
            self._world.watch.posted(posted)
            self.posts.append(posted)
            if id.startswith("note-"):
                self.told[id].append(post.text)
                self._world.colleagues.asked(channel, post)
            return posted

        if fate is AFTERWARDS:
            self._afterwards(put, f"post {what}")
        posted = put()
        await self._answer(fate, f"post {what}")
        return Place(posted.channel, posted.ts, posted.thread_ts)

    async def delete(self, channel: str, ts: str) -> None:
        try:
            fate = await self._ask("delete", channel, ts)
        except Refused:
            self.uneditable.add(ts)
            raise
        posted = self._there(ts)
        if posted is not None:
            posted.deleted = True
        await self._answer(fate, f"delete {ts}")

    async def update(self, channel: str, ts: str, post: Post) -> None:
        try:
            fate = await self._ask("update", channel, ts)
        except Refused as error:
            if error.code not in TOKEN_TROUBLE:
                self.uneditable.add(ts)
            raise
        root = self._there(ts)
        if root is None:
            raise Refused("message_not_found")
        if fate is AFTERWARDS:
            self._afterwards(lambda: setattr(root, "text", post.text), f"update {ts}")
        root.text = post.text
        await self._answer(fate, f"update {ts}")

    def _there(self, ts: str) -> Posted | None:
        return next((post for post in self.posts if post.ts == ts and not post.deleted), None)

    async def join(self, channel: str) -> bool:
        try:
            fate = await self._ask("join", channel, channel)
            self.outside.discard(channel)
            await self._answer(fate, f"join {channel}")
        except Refused:
            return False
        return True

    async def is_private(self, channel: str) -> bool:
        await self._answer(await self._ask("info", "", channel), f"info {channel}")
        return False

    async def address(self) -> str:
        return ""  # so threads are named by their channel

    async def person(self, user: str) -> Person:
        await self._answer(await self._ask("person", "", user), f"person {user}")
        return Person(guest=user == GUEST, stranger=False)

    async def mark(self, channel: str, ts: str, reaction: str) -> None:
        try:
            fate = await self._ask("mark", channel, f"{reaction} on {ts}")
        except Refused as error:
            if error.code not in TOKEN_TROUBLE:
                self._world.colleagues.unmarkable.add(ts)
            raise
        self._world.watch.words.marked(channel, ts, reaction)
        await self._answer(fate, f"mark {reaction} on {ts}")

    async def whisper(self, channel: str, person: str, post: Post, *, thread_ts: str | None) -> None:
        fate = await self._ask("whisper", channel, f"to {person} in {thread_ts}")
        self._world.colleagues.asked(person, post)
        await self._answer(fate, f"whisper to {person}")

    async def name(self, mentioned: str) -> str:
        await self._answer(await self._ask("name", "", mentioned), f"name {mentioned}")
        return "@Ben"

    async def identity(self) -> tuple[str, str]:
        await self._answer(await self._ask("identity", "", "of the bot"), "identity of the bot")
        return "U0BOT", "T1"

    async def typed_within(self, channel: str, thread_ts: str, age: timedelta) -> list[Reply]:
        try:
            fate = await self._ask("find", channel, f"words in {thread_ts}")
        except Refused:
            self._world.colleagues.unread.add(thread_ts)
            raise
        found = self._world.colleagues.since(channel, thread_ts, self._world.now - age - _SKEW)
        await self._answer(fate, f"words in {thread_ts}: {len(found)}")
        return found

    async def find(self, channel: str, *, id: str, age: timedelta, thread_ts: str | None) -> str | None:  # noqa: A002
        what = f"{id[-10:]} in {channel}"
        try:
            fate = await self._ask("find", channel, what)
        except Refused:
            self.unreadable.add(id)
            raise
        if self.endless and not self._world.honest:
            raise NotSent("history_without_end")
        if thread_ts and self.replies_refused:
            self.unreadable.add(id)
            raise Refused("missing_scope")
        if thread_ts and self._there(thread_ts) is None:
            raise Refused("thread_not_found")
        seen = [p for p in self.posts if (p.channel, p.id, p.thread_ts) == (channel, id, thread_ts) and not p.deleted]
        since = self._world.now - age - _SKEW
        found = next((p.ts for p in seen if since <= p.at <= self._world.now - _LAG), None)
        await self._answer(fate, f"find {what}: {found}")
        return found

    async def answer(self, url: str, text: str, *, replaces: bool = False) -> None:
        try:
            fate = await self._ask("answer", "", url)
            self.told[url].append(text)
            await self._answer(fate, f"answer {url}")
        except Uncertain as error:  # as the real one: a private line twice harms nobody
            raise NotSent("no_answer") from error
