"""The mark on words typed in a thread: a reaction that says how far they came. Pure.

Marks are added and never taken away, so the newest says what holds. Their names are Slack's.
"""

from collections.abc import Iterable

from bot.domain.delivery import Delivery, Service
from bot.domain.message import Message
from bot.domain.send import Send

HELD = "double_vertical_bar"  # waits for its author's word
TAKEN = "outbox_tray"
DELIVERED = "white_check_mark"  # of SMS: sent, for nobody reports its delivery
READ = "eyes"
FAILED = "x"
DOUBT = "question"
KEPT = "lock"  # a note, which never leaves

_MARKS = {Delivery.QUEUED: TAKEN, Delivery.SENT: TAKEN, Delivery.DELIVERED: DELIVERED, Delivery.READ: READ}


def mark_of(message: Message, sends: Iterable[Send]) -> str:
    """Return the mark that words have earned, "" while there is nothing to say. sends: all tries of all parts."""
    if message.direction != "out":
        return KEPT if message.is_note else HELD if message.held_until is not None else ""
    last = {send.words.part: send for send in sorted(sends, key=lambda send: send.words.try_number)}
    marks = {_mark(send) for send in last.values()}
    return next((mark for mark in (FAILED, DOUBT, "", TAKEN, DELIVERED, READ) if mark in marks), "")


def _mark(send: Send) -> str:
    known = send.known
    if known.delivery is Delivery.FAILED:
        return FAILED
    if known.delivery is Delivery.UNCERTAIN:
        return DOUBT
    if known.delivery is Delivery.SENT and known.service is Service.SMS:
        return DELIVERED
    return _MARKS.get(known.delivery, "")
