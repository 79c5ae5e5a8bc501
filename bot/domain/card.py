"""How a conversation stands, beside what the root of its thread shows. Pure."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from bot.domain.delivery import Delivery
from bot.domain.message import Message
from bot.domain.rules import Replies
from bot.domain.send import Send


class Spot(Struct, frozen=True):
    """A root in Slack."""

    channel: str
    ts: str


class Text(Struct, frozen=True):
    """Something the team said, and its sends."""

    message: Message
    sends: tuple[Send, ...]


class Card(Struct, frozen=True):
    """What the root says of its conversation once there is more to say than how its own text stands."""

    is_current: bool  # whether what the customer says is shown in this thread
    waiting_since: datetime | None  # when the customer wrote what nobody has answered
    opted_out: bool
    texts: tuple[Text, ...]  # of the team, the newest first, a few of them
    goes_on: Spot | None  # the next root of the conversation, if it goes on elsewhere
    before: Spot | None  # the one before
    rule: Replies | None = None  # its channel's own, for what is typed in the thread
    answers: bool = True  # whether words typed there can be sent

    def last(self, root_id: UUID) -> Text | None:
        """Return the newest text, if it is not the one the root shows."""
        return next((text for text in self.texts[:1] if text.message.id != root_id), None)

    @property
    def unsettled(self) -> int:
        """How many of the texts before the newest have an end that is not known."""
        return sum(any(_is_open(send) for send in text.sends) for text in self.texts[1:])


def _is_open(send: Send) -> bool:
    known = send.known
    return (
        not known.is_final and not known.unconfirmed and (send.decision is None or known.delivery > Delivery.UNCERTAIN)
    )
