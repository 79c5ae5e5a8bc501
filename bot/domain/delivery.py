"""How far a send has come, what is worth telling about it, and when it is over. Pure: no I/O, no clock."""

from enum import IntEnum, IntFlag, StrEnum


class Delivery(IntEnum):
    """How far a send has come. Higher is later; merging two reports keeps the higher."""

    ACCEPTED = 0  # stored; nobody has been asked yet
    SENDING = 10  # the call to Sendblue is in flight, or its process died in it
    UNCERTAIN = 20  # the call ended without an answer
    QUEUED = 30  # Sendblue has it
    SENT = 40  # handed to Apple or the carrier; the end for SMS
    FAILED = 50  # refused or failed; a later delivery still overrides it
    DELIVERED = 60  # on the device; the end for iMessage and RCS
    READ = 70  # opened


class Service(StrEnum):
    """The channel a send took. Sendblue may not say, and may fall back from iMessage to SMS."""

    UNKNOWN = ""
    IMESSAGE = "iMessage"
    RCS = "RCS"
    SMS = "SMS"


class HandleFrom(IntEnum):
    """How a send came by its handle. A report on its own address beats what the list suggested."""

    NOWHERE = 0
    LIST = 1  # Sendblue's list has a text that fits
    OWN = 2  # the answer to our call, or a report on the send's own address
    CORRECTED = 3  # the same, after the list had suggested another
    REFUSAL = 4  # the answer that refused it


class News(IntFlag):
    """What a thread can be told about a send. Stored twice: what is still to tell, and what was told."""

    NONE = 0
    UNCERTAIN = 1  # nobody knows whether it went out
    FOUND = 2  # after UNCERTAIN: Sendblue has it after all
    SENT = 4  # handed over (iMessage, RCS, or not known which)
    SENT_AS_SMS = 8
    FAILED = 16
    DELIVERED = 32
    READ = 64
    UNCONFIRMED = 128  # watched as long as promised; no confirmation came
    PICTURE_LOST = 256  # the text went without its picture
    ASKED = 512  # nothing was found out in the time set for it: a person may decide
    DECIDED = 1024  # and did


OUTCOMES = News.FOUND | News.SENT | News.SENT_AS_SMS | News.FAILED | News.DELIVERED | News.READ | News.PICTURE_LOST
"""What Sendblue's reports lead to."""
GOOD = News.SENT | News.SENT_AS_SMS | News.DELIVERED | News.READ


def milestone(delivery: Delivery, service: Service, *, doubted: bool) -> News:
    """Return what is worth telling about how far a send came. doubted: the thread was told of a doubt."""
    if delivery is Delivery.SENT and service is Service.SMS:
        return News.SENT_AS_SMS
    if delivery is Delivery.QUEUED and doubted:
        return News.FOUND
    return _MILESTONES[delivery]


_MILESTONES = {delivery: News.__members__.get(delivery.name, News.NONE) for delivery in Delivery}


def is_final(delivery: Delivery, service: Service) -> bool:
    """Whether nothing more is expected, so nobody needs to ask Sendblue again.

    SMS ends at SENT: no DELIVERED exists for it. iMessage and RCS end at DELIVERED; READ may still come and is taken,
    but never waited for.
    """
    return service is Service.SMS if delivery is Delivery.SENT else delivery >= Delivery.FAILED
