"""The way a message takes from Sendblue to the phone. Pure."""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

from sandbox.sendblue.faults import SendblueFaults

_EARLY = ("REGISTERED", "PENDING", "QUEUED")
_Step = TypeVar("_Step")


def journey(faults: SendblueFaults) -> tuple[str, ...]:
    """Return the statuses a message will go through; the first is the one its sender is told."""
    if faults.stay:
        return _up_to(faults.stay.upper())
    if faults.fail:
        return ("QUEUED", "ERROR")
    return ("QUEUED", "SENT") if faults.sms else ("QUEUED", "SENT", "DELIVERED")


def _up_to(last: str) -> tuple[str, ...]:
    if last in _EARLY:
        return (last,)
    way = ("QUEUED", "SENT", "DELIVERED", "READ")
    return way[: way.index(last) + 1] if last in way else ("QUEUED", last)


def mixed(steps: Sequence[_Step], random: Random) -> list[_Step]:
    """Return the steps in another order, never the one they came in if there is another."""
    order = list(steps)
    random.shuffle(order)
    return order[::-1] if order == list(steps) else order
