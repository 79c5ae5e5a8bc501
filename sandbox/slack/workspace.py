"""The pretend workspace: who is in it, which channels there are, and what was said in them."""

import time
from collections import deque
from collections.abc import Callable

from sandbox.board import Board
from sandbox.slack.emoji import names
from sandbox.slack.file_records import file_shown
from sandbox.slack.records import Channel, Ephemeral, SlackMessage, SlackRefusalError
from sandbox.slack.transcript import Transcript
from sandbox.traffic import Json

TEAM = {"id": "T0SANDBOX", "name": "Bluethread sandbox", "domain": "sandbox"}
APP_ID = "A0BLUE"
BOT_ID = "B0BLUE"
BOT_USER = "U0BLUE"
BOT_NAME = "Bluethread"
ME = "U0ANA"
PEOPLE = {"U0ANA": "Ana", "U0BEN": "Ben", "U0CLEO": "Cleo", "U0GUEST": "Gil", "U0STRANGER": "Sam"}
GUESTS = frozenset({"U0GUEST"})
ACTORS = ("U0ANA", "U0BEN", "U0GUEST", "U0STRANGER")
"""Whom a person in front of the page can be."""
STRANGERS = frozenset({"U0STRANGER"})
"""From another workspace, through Slack Connect. Where they share a channel with the app, Slack does not say so."""
GROUPS = {"S0FRONT": ("U0ANA", "U0CLEO")}
GROUP_NAMES = {"S0FRONT": "front-desk"}
"""What people type behind the @."""
EPHEMERALS_KEPT = 1000
SCOPES = (
    "commands chat:write reactions:write channels:join channels:history groups:history im:history mpim:history "
    "channels:read groups:read im:read im:write users:read usergroups:read team:read files:read files:write"
)
"""Granted at first. `chat:write.public` is left out, so a public channel must be joined to post there."""


def _channels() -> list[Channel]:
    return [
        Channel("C0GENERAL", "general", "public", "The bot is a member.", member=True),
        Channel("C0RANDOM", "random", "public", "The bot has not joined yet.", member=False),
        Channel("G0TEAM", "team", "private", "Private; the bot was invited.", member=True),
        Channel("G0SECRET", "secret", "private", "Private; the bot was not invited.", member=False),
        Channel("C0BOOKINGS", "bookings", "public", "Scenes about replies play here.", member=True),
        Channel(
            "D0ANABEN", "Ben", "dm", "Between two people; the bot cannot see it.", member=False, people=(ME, "U0BEN")
        ),
        Channel("C0OLD", "old", "public", "Archived.", member=True, archived=True),
        Channel("C0NEWS", "news", "public", "Only admins may post.", member=True, restricted=True),
    ]


def team_of(person: str) -> str:
    """Return the id of the workspace that a person is a member of."""
    return "T0OTHER" if person in STRANGERS else str(TEAM["id"])


def kind_of(person: str) -> str:
    """Return "guest" or "outsider" for those who are no members of the workspace, "member" for the others."""
    return "guest" if person in GUESTS else "outsider" if person in STRANGERS else "member"


class Workspace:
    """Everything the pretend Slack remembers. Refusals carry Slack's own error names."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._last = 0
        self.scopes = SCOPES.split()
        self.bot_name = BOT_NAME.lower()
        self.entered: Callable[[], None] = lambda: None
        self.channels = {channel.id: channel for channel in _channels()}
        self._transcripts = {channel: Transcript() for channel in self.channels}
        self.ephemerals: deque[Ephemeral] = deque(maxlen=EPHEMERALS_KEPT)
        for person in PEOPLE:
            self.open_dm(person)

    def mentions(self) -> dict[str, str]:
        """Return what the composer puts for each name that somebody may type, in lower case."""
        people = PEOPLE | {BOT_USER: self.bot_name}
        return {
            **{f"@{name.lower()}": f"<@{person}>" for person, name in people.items()},
            **{f"@{name}": f"<!subteam^{group}>" for group, name in GROUP_NAMES.items()},
            **{f"@{everybody}": f"<!{everybody}>" for everybody in ("here", "channel")},
            **{f"#{place.name}": f"<#{place.id}>" for place in self.channels.values() if place.kind != "dm"},
        }

    def next_ts(self) -> str:
        """Return a name for a message: unix seconds with microseconds, never the same twice."""
        self._last = max(self._last + 1, time.time_ns() // 1000)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    def open_dm(self, person: str) -> Channel:
        """Return the bot's own conversation with a person.

        Raises:
            SlackRefusalError: `channel_not_found` for somebody who is not in the workspace.
        """
        if person not in PEOPLE:
            raise SlackRefusalError("channel_not_found")
        name = f"D0BOT{person}"
        if name not in self.channels:
            note = f"{PEOPLE[person]}'s conversation with the bot."
            self.channels[name] = Channel(name, BOT_NAME, "dm", note, member=True, people=(person,))
            self._transcripts[name] = Transcript()
        return self.channels[name]

    def channel(self, name: object) -> Channel:
        """Return a channel, whether or not the bot can see it.

        Raises:
            SlackRefusalError: `channel_not_found`.
        """
        channel = self.channels.get(str(name))
        if channel is None:
            raise SlackRefusalError("channel_not_found")
        return channel

    def seen(self, name: object) -> Channel:
        """Return a channel the bot can see.

        Raises:
            SlackRefusalError: `channel_not_found`, also for private places without the bot.
        """
        channel = self.channel(name)
        if not channel.visible:
            raise SlackRefusalError("channel_not_found")
        return channel

    def enter(self, channel: Channel) -> None:
        """Make the bot a member."""
        if not channel.member:
            channel.member, channel.note = True, "The bot is a member."
            self.entered()

    def leave(self, channel: Channel) -> bool:
        """Make the bot no member; return whether it was one."""
        was = channel.member
        if was:
            channel.member, channel.note = False, "The bot is no member."
            self.entered()
        return was

    def transcript(self, channel: str) -> Transcript:
        """Return what was said in a channel."""
        return self._transcripts[channel]

    def add(self, message: SlackMessage) -> SlackMessage:
        """Show a new message."""
        self._transcripts[message.channel].add(message)
        self.show(message)
        return message

    def whisper(self, ephemeral: Ephemeral) -> None:
        """Show something to one person; one with the same id is replaced."""
        kept = [known for known in self.ephemerals if known.id != ephemeral.id]
        if len(kept) != len(self.ephemerals):
            self.ephemerals = deque(kept, maxlen=EPHEMERALS_KEPT)
        self.ephemerals.append(ephemeral)
        self._board.say("ephemeral", ephemeral.event())

    def unwhisper(self, ephemeral: Ephemeral) -> None:
        """Take something away again that one person saw."""
        self.ephemerals.remove(ephemeral)
        self._board.say("ephemeral", ephemeral.event() | {"gone": True})

    def show(self, message: SlackMessage) -> None:
        """Tell the board how a message looks now."""
        self._board.say("message", shown(message))

    def messages_shown(self, most: int) -> list[Json]:
        """Return the newest messages of the whole workspace as the page reads them, oldest first."""
        everything = [message for known in self._transcripts.values() for message in known.everything()]
        everything.sort(key=lambda message: message.ts)
        return [shown(message) for message in everything[-most:]]


def shown(message: SlackMessage) -> Json:
    """Return a message as the page reads it; a deleted one without its content."""
    return {
        "channel": message.channel,
        "ts": message.ts,
        "thread_ts": message.thread_ts,
        "user": message.user,
        "name": BOT_NAME if message.bot_id else PEOPLE.get(message.user, message.user),
        "bot": message.bot_id is not None,
        "text": "" if message.deleted else message.text,
        "blocks": [] if message.deleted else message.blocks,
        "files": [] if message.deleted else [file_shown(file) for file in message.files],
        "reactions": [] if message.deleted else [[name, names()[name]] for name in message.reactions],
        "edited": message.edited,
        "broadcast": message.broadcast,
        "deleted": message.deleted,
        "at": float(message.ts),
    }
