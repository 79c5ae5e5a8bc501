"""A file of a message, either way: how far its copy came, and what people read of it. Pure."""

from datetime import datetime, timedelta
from enum import IntEnum
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.number import mask

KEPT_THERE = timedelta(days=30)  # for so long Sendblue keeps what a customer sent
LARGEST_BY_SMS = 5_000_000  # bytes; carriers drop what is larger


class Stage(IntEnum):
    """How far a file came. What a customer sent goes through all of them, what goes to one is done once it is there."""

    WAITING = 0  # to be copied
    COPIED = 1  # Slack has the bytes, and nobody sees them yet
    SHARING = 2  # Slack was asked to show it, and perhaps will
    TAKEN = 3  # Slack said that it will
    DONE = 4  # it stands in its thread; or Sendblue has it, and it can be sent
    LOST = 5  # it never will be


class Copy(Struct, frozen=True):
    """A customer's file that is to stand in its thread, as a step of that sees it."""

    id: UUID
    message_id: UUID
    thread_id: UUID
    slack_file: str  # Slack's ids of our copy, the first of them the file itself; "" before it is copied
    title: str
    stage: Stage
    failures: int
    said_at: datetime
    opened: bool  # whether the words that it came with stand there

    def at(self, stage: Stage) -> "Copy":
        return replace(self, stage=stage)

    @property
    def comes_next(self) -> bool:
        """Whether it is to stand below its words, which stand."""
        return self.opened and self.stage < Stage.DONE

    @property
    def is_under_way(self) -> bool:
        """Whether Slack was asked to show it."""
        return self.stage in (Stage.SHARING, Stage.TAKEN)


class Attachment(Struct, frozen=True):
    """A file that is to be copied, as who claims it sees it."""

    id: UUID
    message_id: UUID
    thread_id: UUID
    way: str  # "in": from the customer; "out": to them
    place: int  # in its message, from 0
    files: str  # of its message: of each file a line, the address or the name
    slack_file: str  # Slack's id of what a person shared; of what a customer sent that of our copy, once there is one
    stored_at: datetime  # when it was taken in, or let go
    awaited_until: datetime | None  # for so long what comes after it waits
    said_at: datetime
    line: str
    customer: str
    wanted: bool  # whether it still leads anywhere: its text was not cancelled, its words are not forgotten
    by_sms: bool  # whether the customer's last text went as SMS
    failures: int
    fence: int

    @property
    def incoming(self) -> bool:
        return self.way == "in"

    @property
    def named(self) -> str:
        """What it is called where it comes from: an address, or the name in Slack; "" once that is forgotten."""
        lines = self.files.splitlines()
        return lines[self.place] if self.place < len(lines) else ""

    def title(self, what: str) -> str:
        """Return what it is, whose and of when, for eyes and for screen readers. what: such as "photo"."""
        who = "a group" if self.customer.startswith("group:") else mask(self.customer)
        return f"{what.capitalize()} from {who}, {self.said_at:%b %-d, %H:%M} UTC"
