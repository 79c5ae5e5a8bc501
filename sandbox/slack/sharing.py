"""files.*: announcing a file, sharing it in a channel, and looking at it. Source: docs, "Uploading files"."""

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.background import Background
from sandbox.slack.chat import Chat
from sandbox.slack.events import Events
from sandbox.slack.faults import SlackFaults
from sandbox.slack.file_records import SlackFile
from sandbox.slack.files import Files
from sandbox.slack.params import text_of, whole_number
from sandbox.slack.records import Channel, SlackMessage, SlackRefusalError
from sandbox.slack.shapes import posted
from sandbox.slack.workspace import BOT_ID, BOT_USER, Workspace
from sandbox.traffic import Json

LONGEST_ALT_TEXT = 1000
LARGEST_SNIPPET = 1_000_000
UPLOADS_KEPT = 10_000
MOMENT = 0.05
"""Seconds until a file that was completed stands in its channel. Slack answers before that."""


@dataclass(slots=True)
class Announced:
    """An upload that the bot announced. `expires` on the monotonic clock."""

    file: SlackFile
    length: int
    expires: float
    used: bool = False


class Sharing:
    """The files.* methods. Each takes a call's parameters and returns its answer's JSON."""

    def __init__(
        self,
        workspace: Workspace,
        files: Files,
        faults: SlackFaults,
        chat: Chat,
        events: Events,
        base_url: Callable[[], str],
    ) -> None:
        self._workspace = workspace
        self._files = files
        self._faults = faults
        self._chat = chat
        self._events = events
        self._base_url = base_url
        self._on_the_way: set[str] = set()
        self.background = Background()
        self.announced: OrderedDict[str, Announced] = OrderedDict()

    def get_upload_url(self, params: Json) -> Json:
        """files.getUploadURLExternal."""
        name, length = text_of(params.get("filename")), whole_number(params.get("length"), 0)
        if not name or length <= 0:
            raise SlackRefusalError("missing_argument", needed="filename" if not name else "length")
        self._check(name, length, params)
        file = self._files.of_bot(name)
        file.alt_txt = text_of(params.get("alt_txt"))
        ticket = secrets.token_urlsafe(24)
        self.announced[ticket] = Announced(file, length, time.monotonic() + self._faults.upload_url_lives)
        if len(self.announced) > UPLOADS_KEPT:
            self.announced.popitem(last=False)
        return {"ok": True, "upload_url": f"{self._base_url()}/upload/v1/{ticket}", "file_id": file.id}

    def complete_upload(self, params: Json) -> Json:
        """files.completeUploadExternal. The message comes about after the answer."""
        given = params.get("files")
        if not isinstance(given, list) or not given or not all(isinstance(one, dict) for one in given):
            raise SlackRefusalError("invalid_arguments")
        chosen = [self._complete(one) for one in given]
        if params.get("channel_id"):
            channel = self._chat.open_place(params["channel_id"], to_person=False)
            message = self._message(channel, params)
            again = self._faults.share_again
            todo = [file for file in chosen if again or not (file.shares or file.id in self._on_the_way)]
            if todo and not self._faults.never_share:
                self._on_the_way |= {file.id for file in todo}
                self.background.start(self._share(channel, message, todo))
        return {"ok": True, "files": [{"id": file.id, "title": file.title or file.name} for file in chosen]}

    def info(self, params: Json) -> Json:
        """files.info: what the bot may know of a file."""
        file = self._files.find(params.get("file"))
        if file is None or not self._may_see(file):
            raise SlackRefusalError("file_not_found")
        if file.deleted:
            raise SlackRefusalError("file_deleted")
        if file.kind == "denied":
            raise SlackRefusalError("access_denied")
        return {"ok": True, "file": file.as_api()}

    def _check(self, name: str, length: int, params: Json) -> None:
        """Refuse what the workspace does not take."""
        ending = name.rpartition(".")[2].lower()
        if len(text_of(params.get("alt_txt"))) > LONGEST_ALT_TEXT:
            raise SlackRefusalError("alt_txt_too_large")
        if self._faults.uploads == "none":
            raise SlackRefusalError("file_uploads_disabled")
        if self._faults.uploads == "images" and ending not in ("gif", "heic", "jpeg", "jpg", "png", "webp"):
            raise SlackRefusalError("file_uploads_except_images_disabled")
        if ending in self._faults.refused_types.split(","):
            raise SlackRefusalError("file_type_not_allowed")
        if length > self._faults.largest_upload:
            raise SlackRefusalError("file_upload_size_restricted")
        if params.get("snippet_type") and length > LARGEST_SNIPPET:
            raise SlackRefusalError("snippet_too_large")

    def _complete(self, given: Json) -> SlackFile:
        """Return a file of the bot's whose bytes are there, with the title it was given."""
        file = self._files.find(given.get("id"))
        if file is None or file.user != BOT_USER or file.content is None or file.deleted:
            raise SlackRefusalError("file_not_found")
        file.title = text_of(given.get("title")) or file.title
        return file

    def _message(self, channel: Channel, params: Json) -> SlackMessage:
        """Return the message that will have the files; of a comment and blocks the comment counts."""
        thread_ts, text = self._chat.thread(channel, params.get("thread_ts")), text_of(params.get("initial_comment"))
        blocks: list[Json] = []
        if params.get("blocks") and not text:
            text, blocks = self._chat.content(params)
        message = SlackMessage(channel.id, "", thread_ts, BOT_USER, BOT_ID, text, blocks)
        message.subtype = "file_share"
        return message

    async def _share(self, channel: Channel, message: SlackMessage, files: list[SlackFile]) -> None:
        await asyncio.sleep(MOMENT + self._faults.late_share)
        message.ts, message.files = self._workspace.next_ts(), [*files]
        self._workspace.add(message)
        for file in files:
            file.stands_in(channel.id, message.ts, message.thread_ts, public=channel.kind == "public")
        self._on_the_way -= {file.id for file in files}
        root = self._workspace.transcript(channel.id).root(message.thread_ts)
        self._events.tell_of_own(channel, posted(channel, message, root))

    def _may_see(self, file: SlackFile) -> bool:
        """Whether the bot sees a file: its own once the bytes are there, others' where they were shared."""
        if file.user == BOT_USER:
            return file.content is not None
        return any(self._workspace.channel(place).visible for places in file.shares.values() for place in places)
