"""What must hold, after every step and in the end, of files: each stands once, below its words; no text is a half."""

from collections import defaultdict, namedtuple
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from bot.domain.attachment import Stage
from bot.domain.reply import Reply
from bot.domain.send import Send
from bot.domain.splitting import split_text
from bot.domain.thread import Thread
from tests.chaos.simulation.filing import EXTERNAL
from tests.chaos.simulation.neighbours import Posted

if TYPE_CHECKING:
    from tests.chaos.simulation.world import World

File = namedtuple("File", "id message_id thread_id way place slack_file stage due_at awaited_until")


class Files:
    """Compares what the database, Slack and the phones have of files with what was sent and shared."""

    def __init__(self, world: "World", raw: Any) -> None:
        self._world, self._raw = world, raw
        self._rows: dict[str, File] = {}
        self._waiting: set[str] = set()  # files that stand nowhere, though their words do, and that are worth a wait
        self._stood: dict[str, list[Posted]] = defaultdict(list)  # what is in a file → where it stands, or stood
        self.posts: set[str] = set()  # replies that were posts of files, which have no id of ours in them
        self._showing: list[str] = []  # threads of this commit that are about to show what customers said

    @property
    def due(self) -> list[str]:
        """When files are to be copied."""
        return [row.due_at for row in self._rows.values() if row.due_at]

    def claimed_to_share(self, thread: Thread) -> None:
        self.posts.add(f"{thread.id.hex}-{thread.posting}")

    @property
    def held_back(self) -> set[str]:
        """The messages of which nothing may leave yet."""
        return {row.message_id for row in self._rows.values() if row.way == "out" and row.stage == Stage.WAITING}

    def claimed_to_show(self, thread_id: str) -> None:
        self._showing.append(thread_id)

    def committed(self, messages: Mapping[str, Any], now: str) -> None:
        """A transaction is over."""
        rows = self._raw.execute(f"SELECT {', '.join(File._fields)} FROM attachments")
        before, self._rows = self._waiting, {row[0]: File._make(row) for row in rows}
        self._waiting = {row.id for row in self._rows.values() if self._is_waited_for(row, messages, now)}
        for row in (self._rows[one] for one in before & self._waiting):
            if row.thread_id in self._showing:
                self._world.watch.broken(f"words overtake a file that is to stand before them: {row}")
        self._showing.clear()

    def _is_waited_for(self, row: File, messages: Mapping[str, Any], now: str) -> bool:
        unset = not self._world.skew  # a wait of seconds says nothing by a clock that somebody set
        coming = row.stage == Stage.WAITING and unset and (row.awaited_until or "") > now
        under_way = Stage.WAITING < row.stage < Stage.DONE
        return row.way == "in" and not messages[row.message_id].to_show and (coming or under_way)

    def shown(self, post: Posted, ids: Sequence[str]) -> None:
        """Files appear in Slack."""
        filing = self._world.filing
        for one in ids:
            row = next((row for row in self._rows.values() if one in row.slack_file.split()), None)
            name = filing.copies[one]
            if row is None:
                self._world.watch.broken(f"{name} stands there, and nobody has noted its copy")
            if any(other.visible for other in self._stood[name]) and one not in filing.unseen:
                self._world.watch.broken(
                    f"{name} is shared twice: as {[p.id for p in self._stood[name]]} and {post.id}"
                )
            self._stood[name].append(post)
            words = self._world.watch.answers.shown[name]
            if post.thread_ts and not any((said.thread_ts or said.ts) == post.thread_ts for said in words):
                self._world.watch.broken(f"{name} stands in a thread before its words: {post}")

    def texted(self, send: Send, reply: Reply) -> None:
        """A text that was typed reaches a phone."""
        files = [one.id for one in reply.files]
        texts = [*split_text(reply.text.replace("<@U0BEN>", "@Ben"), 24), *([""] * (len(files) - 1))]
        place = send.words.part - 1 - (len(texts) - len(files))
        ought = files[place] if files and place >= 0 else None
        if send.words.text != texts[send.words.part - 1]:
            self._world.watch.broken(f"other words leave than were typed last: {send.words.text!r} of {reply}")
        if self._world.phone.uploads.get(send.words.media_url or "") != ought:
            self._world.watch.broken(f"a text leaves without its file {ought}: {send}")
        if any(one.endswith(EXTERNAL) for one in files):
            self._world.watch.broken(f"a text leaves although a file of it cannot: {send}")
        its = [row for row in self._rows.values() if UUID(row.message_id) == send.message_id]
        if any(row.stage != Stage.DONE for row in its):
            self._world.watch.broken(f"a text leaves before its last file is with Sendblue: {its}")

    def check_rest(self) -> None:
        """Every file of a customer stands in Slack, or stood there; of a text whose file is lost nothing left."""
        for said in self._world.phone.customers.said:
            for url in said.first.files:
                if not self._stood[url.rpartition("/")[2].partition("?")[0]]:
                    self._world.watch.broken(f"the file {url} is lost")
        lost = {UUID(row.message_id) for row in self._rows.values() if row.way == "out" and row.stage == Stage.LOST}
        for row in self._world.watch.rows.values():
            if UUID(row.message_id) in lost and self._world.phone.of(UUID(row.id)):
                self._world.watch.broken(f"half of a text left: {row}")
