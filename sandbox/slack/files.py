"""Every file of the workspace, and where it is served."""

import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeAlias

from sandbox.contents import Content, Store, type_of
from sandbox.slack.faults import SlackFaults
from sandbox.slack.file_records import Kind, Mode, SlackFile
from sandbox.slack.workspace import BOT_USER, ME, TEAM
from sandbox.traffic import Json

FILES_KEPT = 10_000

Given: TypeAlias = SlackFile | Json | tuple[str, bytes | Content, str]
"""A file to share: one that was made before, a file object as it stands, or name, bytes and MIME type."""


class Files:
    """Every file there is. `store` has the bytes; `base_url` says where the pretend Slack is served."""

    def __init__(self, faults: SlackFaults, base_url: Callable[[], str]) -> None:
        self._faults = faults
        self._base_url = base_url
        self._files: OrderedDict[str, SlackFile] = OrderedDict()
        self.store = Store()

    def __getitem__(self, name: str) -> SlackFile:
        """Return a file by its id, also one that was deleted. Raises KeyError."""
        return self._files[name]

    def find(self, name: object) -> SlackFile | None:
        """Return a file by its id, also one that was deleted."""
        return self._files.get(str(name))

    def make(
        self,
        name: str,
        data: bytes | Content | None = None,
        mimetype: str = "",
        *,
        user: str = ME,
        mode: Mode = "hosted",
        kind: Kind = "",
    ) -> SlackFile:
        """Make a file that somebody may share. Its MIME type is by default that of its name."""
        content = self.store.keep(data) if isinstance(data, bytes) else data
        made = SlackFile(self._new_id(), user, name, mimetype or type_of(name), content, self._scan_end())
        made.mode, made.kind = mode, kind
        made.url = f"{self._base_url()}/files-pri/{TEAM['id']}-{made.id}/download/{_slug(name)}"
        made.permalink = f"https://{TEAM['domain']}.slack.com/files/{user}/{made.id}/{_slug(name)}"
        self._files[made.id] = made
        if len(self._files) > FILES_KEPT:
            self._files.popitem(last=False)
        return made

    def voice_clip(self, data: bytes | Content, *, user: str = ME) -> SlackFile:
        """Make a voice clip: Slack calls it WebM, and its bytes are MPEG-4. Source: seen by integrators."""
        return self.make("audio_message.webm", data, "audio/webm", user=user, kind="voice")

    def given(self, file: Given, user: str) -> SlackFile | Json:
        """Return what stands in a message for a file that somebody shares."""
        if not isinstance(file, tuple):
            return file
        name, data, mimetype = file
        return self.make(name, data, mimetype, user=user)

    def uploaded(self, file: SlackFile, content: Content) -> None:
        """Take in the bytes that the bot uploaded; the scan begins."""
        file.content, file.scanned_at = content, self._scan_end()

    def of_bot(self, name: str) -> SlackFile:
        """Make the file that the bot announced, without bytes yet."""
        return self.make(name, user=BOT_USER)

    def _scan_end(self) -> float:
        return time.monotonic() + self._faults.scan_seconds

    def _new_id(self) -> str:
        return f"F0{secrets.token_hex(5).upper()}"


def _slug(name: str) -> str:
    """Return a name as it stands in an address."""
    return re.sub(r"[^a-z0-9._-]+", "_", name.lower()).lstrip(".") or "file"
