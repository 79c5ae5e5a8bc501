"""What somebody wants to say, and a message: what was said. Pure."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


class Request(Struct, frozen=True):
    """What a person wants to have sent."""

    recipient: str  # E.164
    text: str  # exactly what the customer shall read; may be empty beside a media_url
    line: str | None = None  # E.164; None: the default line
    style: str | None = None
    media_url: str | None = None


class Origin(Struct, frozen=True):
    """Where in Slack a request came from. `key` is the same for every replay of the same gesture."""

    key: str
    team: str
    channel: str
    author: str
    answer_url: str = ""


class Message(Struct, frozen=True):
    """What somebody said. Nothing changes it but forgetting."""

    id: UUID
    conversation_id: UUID
    team: str  # the workspace its author acted in
    author: str  # a Slack user id
    answer_url: str  # of the command; Slack takes answers there for half an hour
    text: str  # all of it, however many parts it is sent in
    said_at: datetime  # when it was accepted
