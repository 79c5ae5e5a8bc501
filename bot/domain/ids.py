"""Names for what is stored."""

from datetime import datetime
from random import Random
from uuid import UUID

_dice = Random()  # noqa: S311 - an id is no secret; seeded by the system, which would take its time for each


def new_id(now: datetime) -> UUID:
    """Return a UUIDv7 (RFC 9562): the newer sort later, so that in an index the new stand together."""
    milliseconds = int(now.timestamp() * 1000) & (1 << 48) - 1
    return UUID(int=milliseconds << 80 | 0x7 << 76 | _dice.getrandbits(12) << 64 | 0b10 << 62 | _dice.getrandbits(62))
