"""What operators are to be told. Pure."""

from datetime import datetime

from msgspec import Struct

CALLBACKS = "callbacks"  # no callback of a text arrives
ANSWERS = "answers"  # what customers write is found in the list alone
MARKS = "marks"  # typed words cannot be marked
BLOCKED = "blocked:"  # and a line of ours (E.164), which Sendblue says is blocked


class Alarm(Struct, frozen=True):
    """Whether something is wrong, since when, when it last was well, and which saying of it this is."""

    key: str  # one of the above
    standing: bool
    since: datetime
    last: datetime | None
    fence: int
