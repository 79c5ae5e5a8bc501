"""What a person typed in a thread, what they made of it later, and that they took it away. Pure."""

from datetime import UTC, datetime

from msgspec import Struct


def file_name(name: object) -> str:
    """Return what somebody called a file as it can be shown: on one line, without signs that nobody sees."""
    shown = "".join(filter(str.isprintable, name)).strip()[:100] if isinstance(name, str) else ""
    return shown or "file"


class SharedFile(Struct, frozen=True):
    """A file that a person shared in Slack."""

    id: str  # Slack's
    name: str  # fit to be shown
    size: int  # bytes; 0 where Slack does not say yet
    problem: str = ""  # why it cannot be sent whatever is in it (`bot.slack.reasons`)


class Reply(Struct, frozen=True):
    """Words typed in a thread, as a customer's phone would show them."""

    key: str  # `reply:{team}:{user}:{client_msg_id}`, the same for each copy; the ts where Slack gives no such id
    team: str  # our workspace; and after a space the author's, where a channel is shared with theirs
    channel: str
    thread_ts: str
    ts: str
    author: str  # a Slack user id
    text: str
    drafted: bool  # the text has mentions that wait for their names (`bot.slack.markup.named`), and Slack's escapes
    to_us: bool  # it began with our mention, which the text lacks
    names_others: bool  # it mentions a person, a user group, a channel or everybody
    unread: str = ""  # the type of the first part that the text does not say as it was typed: it is held by any rule
    files: tuple[SharedFile, ...] = ()

    @property
    def at(self) -> datetime:
        """When it was typed, by Slack's clock."""
        return datetime.fromtimestamp(float(self.ts), UTC)


class Edit(Struct, frozen=True):
    """A typed reply got other words."""

    reply: Reply  # as it reads now
    edited_ts: str  # tells one edit from the next


class Removal(Struct, frozen=True):
    """A message was deleted, whoever's it was."""

    channel: str
    ts: str
    reply: Reply | None = None  # what it was, if that was typed in a thread and Slack still says so
