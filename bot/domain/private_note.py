"""Words owed to one person alone: why a click did not count, or what can be said nowhere else. Pure."""

from uuid import UUID

from msgspec import Struct


class PrivateNote(Struct, frozen=True):
    """What is to be said. The words are put together when it is said, so none are kept here."""

    key: str  # the same for whoever owes it once more
    person: str  # a Slack user id
    answer_url: str  # of the command or the click it is about; Slack takes answers there for half an hour
    says: str  # "moved" or "closed", about a thread; "in_vain", about a send; else why a click was not permitted
    about_id: UUID
    failures: int = 0
    fence: int = 0
