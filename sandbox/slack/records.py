"""What the pretend Slack remembers and hands out."""

from dataclasses import dataclass, field
from typing import Literal

from sandbox.slack.file_records import SlackFile
from sandbox.traffic import Json

Kind = Literal["public", "private", "dm"]


class SlackRefusalError(Exception):
    """A call that Slack answers with `{"ok": false, "error": …}`."""

    def __init__(self, error: str, *details: str, **more: object) -> None:
        super().__init__(error)
        self.error = error
        self.details = details
        self.more = more

    def body(self) -> Json:
        """Return the answer's JSON."""
        answer: Json = {"ok": False, "error": self.error, **self.more}
        if self.details:
            answer["errors"] = list(self.details)
            answer["response_metadata"] = {"messages": [f"[ERROR] {detail}" for detail in self.details]}
        return answer


@dataclass(slots=True)
class SlackMessage:
    """One message in a channel. `ts` is its name, opaque and growing; `thread_ts` None for a root."""

    channel: str
    ts: str
    thread_ts: str | None
    user: str
    bot_id: str | None
    text: str
    blocks: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    edited_ts: str = ""
    """When it was last edited, "" for never."""
    deleted: bool = False
    broadcast: bool = False
    """A reply that stands in the channel, too."""
    parent_user: str | None = None
    """Who wrote the thread's root."""
    subtype: str | None = None
    """What kind of message a person's is, None for an ordinary one."""
    client_msg_id: str | None = None
    files: list[SlackFile | Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    reactions: list[str] = field(default_factory=list)
    """The names of the bot's reactions, in order."""

    @property
    def edited(self) -> bool:
        """Whether it was ever edited."""
        return bool(self.edited_ts)


@dataclass(slots=True)
class Ephemeral:
    """A message that only one person sees. `command` is what they had typed, None if a button asked."""

    id: str
    channel: str
    user: str
    text: str
    blocks: list[Json]
    command: str | None
    at: float
    thread_ts: str | None = None

    def event(self) -> Json:
        """Return it as the page reads it."""
        return {
            "id": self.id,
            "channel": self.channel,
            "user": self.user,
            "text": self.text,
            "blocks": self.blocks,
            "command": self.command,
            "at": self.at,
            "thread_ts": self.thread_ts,
        }


@dataclass(slots=True)
class View:
    """A dialog that is open in front of one person. `content` is as the app sent it, every block with its ids."""

    id: str
    hash: str
    user: str
    content: Json
    errors: dict[str, str] = field(default_factory=dict)
    """What the app complained about, by `block_id`."""

    def inputs(self) -> list[Json]:
        """Return the blocks that ask for something."""
        return [block for block in self.content["blocks"] if block["type"] == "input"]

    def event(self) -> Json:
        """Return it as the page reads it."""
        return {"id": self.id, "user": self.user, "errors": dict(self.errors), **self.content}


@dataclass(frozen=True, slots=True)
class CommandAnswer:
    """What came back for a command, a click or an event.

    `failure` is the word Slack shows the person: "operation_timeout" after 3 s without an answer,
    "dispatch_failed" without a connection or for anything but 2xx. `status` is 0 when nothing came.
    """

    status: int
    text: str
    body: Json | str
    seconds: float
    failure: Literal["operation_timeout", "dispatch_failed"] | None = None


@dataclass(slots=True)
class Channel:
    """A place to talk; `member` says whether the bot is in it, `people` who sees it: everybody, if it is empty."""

    id: str
    name: str
    kind: Kind
    note: str
    member: bool
    archived: bool = False
    restricted: bool = False
    people: tuple[str, ...] = ()

    @property
    def visible(self) -> bool:
        """Whether the bot can know that this place exists."""
        return self.member or self.kind == "public"

    @property
    def command_name(self) -> str:
        """The `channel_name` a slash command carries."""
        return {"public": self.name, "private": "privategroup", "dm": "directmessage"}[self.kind]

    @property
    def channel_type(self) -> str:
        """What an event calls this kind of place."""
        return {"public": "channel", "private": "group", "dm": "im"}[self.kind]

    def snapshot(self) -> Json:
        """Return it as the page reads it."""
        kind = "archived" if self.archived else self.kind
        return {"id": self.id, "name": self.name, "kind": kind, "note": self.note, "people": list(self.people)}
