"""Where files come from and go to in a simulated world: what the bot puts into Slack, and what it reads anywhere.

What is in a file is what it is called: the name of what a customer sent, or Slack's id of what a colleague shared.
"""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any

from bot.errors import NotSent, Refused
from bot.files.kinds import KINDS
from bot.files.taken import Taken
from bot.slack.calls import NO_SCOPE
from bot.slack.files import SlackFile, SlackFiles
from bot.slack.notifier import Place
from tests.chaos.simulation.ledger import Point, at
from tests.chaos.simulation.neighbours import AFTERWARDS, DONE, LATE, LOST, REFUSED, Posted
from tests.chaos.simulation.typing import EXTERNAL

if TYPE_CHECKING:
    from tests.chaos.simulation.world import World

SHARED = "https://files.slack.example/"


class Filing(SlackFiles):
    """Stands where `SlackFiles` does. Slack says yes before a file stands in its thread."""

    def __init__(self, world: "World") -> None:
        self._world, self._slack = world, world.slack
        self.again = world.dice.random() < 0.5  # whoever shares a file a second time shows it a second time
        self.copies: dict[str, str] = {}  # id → what is in it
        self.unseen: set[str] = set()  # ids of copies of which Slack did not say where they stand
        self._posts: dict[str, list[Posted]] = defaultdict(list)  # id → where it stands
        self._promised: set[str] = set()

    async def put(self, file: IO[bytes], size: int, name: str, alt: str) -> str:
        fate = await self._slack._ask("upload", "", name)
        file_id = f"F{len(self.copies) + 1}"
        self.copies[file_id] = file.read().decode()
        await self._slack._answer(fate, f"upload {name} as {file_id}")
        return file_id

    async def show(self, files: Sequence[tuple[str, str]], channel: str, thread_ts: str) -> None:
        what = f"share {' '.join(one for one, _ in files)} in {channel}"
        fate = await self._slack._ask("share", channel, what)
        if self._slack._there(thread_ts) is None and not self._slack.orphans:
            raise Refused("thread_not_found")
        ids = [one for one, _ in files if self.again or one not in self._promised]
        self._promised |= set(ids)
        delay = 0.0 if self._world.honest else self._world.dice.choice((0, 0, 1, 5, 12))
        if fate is AFTERWARDS:
            self._slack._afterwards(lambda: self._stand(ids, channel, thread_ts), what)
        if delay:
            self._slack.late.append(
                (self._world.now + timedelta(seconds=delay), lambda: self._stand(ids, channel, thread_ts))
            )
        else:
            self._stand(ids, channel, thread_ts)
        await self._slack._answer(fate, what)

    def _stand(self, ids: Sequence[str], channel: str, thread_ts: str) -> None:
        if not ids:
            return
        posts, root = self._slack.posts, self._slack._there(thread_ts)
        name, thread = f"files-{len(posts) + 1}", thread_ts if root else None
        posted = Posted(channel, f"{len(posts) + 1}.0", name, thread, "", self._world.now, root)
        self._world.tell(f"{' '.join(ids)} stand in {channel} as {name}")
        self._world.watch.files.shown(posted, ids)
        posts.append(posted)
        for one in ids:
            self._posts[one].append(posted)

    async def info(self, file_id: str) -> SlackFile:
        try:
            fate = await self._slack._ask("file", "", file_id)
        except Refused as error:
            if error.code in NO_SCOPE:
                self.unseen.add(file_id)
            raise
        await self._slack._answer(fate, f"file {file_id}")
        mode = "external" if file_id.endswith(EXTERNAL) else "hosted"
        places = [Place(one.channel, one.ts, one.thread_ts) for one in self._posts[file_id] if not one.deleted]
        return SlackFile(f"{file_id}.jpg", "image/jpeg", len(file_id), f"{SHARED}{file_id}", mode, tuple(places))


class Fetching:
    """Stands where `Fetcher` does."""

    def __init__(self, world: "World") -> None:
        self._world = world

    async def fetch(self, url: str, *_: object, **__: Any) -> Taken:
        """Read what is there. Every trouble is one of the real one's."""
        name = url.rpartition("/")[2].partition("?")[0]
        neighbour = self._world.slack if url.startswith(SHARED) else self._world.phone
        fate = await neighbour._request(f"file {name}")
        for _ in range(0 if self._world.honest else self._world.dice.choice((0, 0, 3, 12))):
            await at(Point(f"reads {name}"))
        self._world.tell(f"file {name}: {fate}")
        if fate is REFUSED:
            raise Refused("file_gone")
        if fate not in (DONE, LATE, LOST):
            raise NotSent("file_unreachable")
        if fate is LOST:
            raise NotSent("file_cut")
        return Taken(BytesIO(name.encode()), len(name), KINDS["jpg"], ExitStack())
