"""A file as Slack knows it, and how Slack spells it. Source: docs, "file object", and integrators' findings."""

import time
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from sandbox.contents import Content
from sandbox.traffic import Json

EXTERNAL = "https://drive.example.com/file/d/"

Mode: TypeAlias = Literal["hosted", "external", "snippet", "post", "email"]
Kind: TypeAlias = Literal["", "stub", "denied", "voice"]
"""What is odd about a file: from another workspace through Slack Connect (a message names no more than its id), the
same and closed to the bot, or a voice clip."""


@dataclass(slots=True)
class SlackFile:
    """One file. `url` is where the bot downloads it; `scanned_at` when its scan ends, on the monotonic clock."""

    id: str
    user: str
    name: str
    mimetype: str
    content: Content | None
    scanned_at: float
    url: str = ""
    permalink: str = ""
    title: str = ""
    alt_txt: str = ""
    mode: Mode = "hosted"
    kind: Kind = ""
    deleted: bool = False
    created: int = field(default_factory=lambda: int(time.time()))
    shares: dict[Literal["public", "private"], dict[str, list[Json]]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes, as Slack says."""
        return self.content.size if self.content else 0

    @property
    def scanned(self) -> bool:
        """Whether Slack is done with it: before that, it tells little and gives no bytes."""
        return time.monotonic() >= self.scanned_at

    @property
    def extension(self) -> str:
        """What is behind the name's last dot, in lower case."""
        return self.name.rpartition(".")[2].lower() if "." in self.name else ""

    def stands_in(self, channel: str, ts: str, thread_ts: str | None, *, public: bool) -> None:
        """Note where it was shared."""
        share = {"ts": ts} | ({"thread_ts": thread_ts} if thread_ts else {})
        self.shares.setdefault("public" if public else "private", {}).setdefault(channel, []).append(share)

    def in_message(self) -> Json:
        """Return it as a message spells it."""
        if self.deleted:
            return {"id": self.id, "mode": "tombstone"}
        if self.kind in ("stub", "denied"):
            return {
                "id": self.id,
                "mode": "file_access",
                "file_access": "check_file_info",
                "created": 0,
                "user": "",
            }
        return self.as_api() | ({"shares": {}} if self.scanned else {})

    def as_api(self) -> Json:
        """Return the file object, of a file that is still scanned the few fields there are."""
        named = {"id": self.id, "name": self.name, "title": self.title or self.name, "mode": self.mode}
        if not self.scanned:
            return named | {"mimetype": "", "filetype": ""}
        external = self.mode == "external"
        spelled: Json = named | {
            "created": self.created,
            "user": self.user,
            "mimetype": self.mimetype,
            "filetype": self.extension,
            "size": self.size,
            "is_external": external,
            "url_private": f"{EXTERNAL}{self.id}" if external else self.url.replace("/download/", "/"),
            "url_private_download": self.url,
            "permalink": self.permalink,
            "shares": self.shares,
        }
        spelled |= {"alt_txt": self.alt_txt} if self.alt_txt else {}
        return spelled | ({"subtype": "slack_audio"} if self.kind == "voice" else {})

    def event(self) -> Json:
        """Return it as the page reads it; it may read a file whose scan is not over."""
        if self.deleted:
            return {"id": self.id, "name": "", "title": "", "mimetype": "", "size": 0, "url": None, "deleted": True}
        return {
            "id": self.id,
            "name": self.name,
            "title": self.title or self.name,
            "mimetype": self.mimetype,
            "size": self.size,
            "url": f"/control/slack/files/{self.id}" if self.content else None,
            "deleted": False,
        }


def file_shown(file: SlackFile | Json) -> Json:
    """Return a file as the page reads it, also one that was given as a file object."""
    if isinstance(file, SlackFile):
        return file.event()
    shown = {name: file.get(name, "") for name in ("id", "name", "title", "mimetype")}
    return shown | {"size": file.get("size", 0), "url": None, "deleted": file.get("mode") == "tombstone"}


def file_spelled(file: SlackFile | Json) -> Json:
    """Return a file as a message spells it."""
    return file.in_message() if isinstance(file, SlackFile) else file
