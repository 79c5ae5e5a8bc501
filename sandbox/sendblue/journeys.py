"""The way a message takes from Sendblue to the phone. Pure."""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

from sandbox.sendblue.faults import SendblueFaults
from sandbox.sendblue.records import code_of
from sandbox.traffic import Json

_EARLY = ("REGISTERED", "PENDING", "QUEUED")
_Step = TypeVar("_Step")


def journey(faults: SendblueFaults, *, media: bool) -> tuple[str, ...]:
    """Return the statuses a message will go through; the first is the one its sender is told."""
    if faults.stay:
        return _up_to(faults.stay.upper())
    if faults.falls_back:
        return ("QUEUED", "ERROR", "SENT")
    if faults.fail or (media and faults.bad_media == "later"):
        return ("QUEUED", "ERROR")
    if faults.rcs:
        return _up_to(faults.rcs.upper())
    return ("QUEUED", "SENT") if faults.sms else ("QUEUED", "SENT", "DELIVERED")


def peculiar(faults: SendblueFaults, status: str) -> Json:
    """Return what a message says of itself at a status besides the usual."""
    code = faults.fail or ("10001" if faults.falls_back else "4000" if faults.bad_media else "")
    if status == "ERROR" and code:
        return {"error_code": code_of(code), "error_message": "The message could not be sent"}
    if faults.sms or (faults.falls_back and status == "SENT"):
        return {"service": "SMS", "was_downgraded": True, "error_code": None, "error_message": None}
    return {"service": "RCS"} if faults.rcs else {}


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
