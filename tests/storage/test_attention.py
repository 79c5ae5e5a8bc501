"""Who may take a conversation elsewhere, whom an answer calls, and what a card says: whatever else happens."""

from uuid import uuid4

from msgspec.structs import replace

from bot.domain.message import Origin
from bot.storage.inbound import take_many
from bot.storage.intake import Accepted, NewMessage, Taken, accept_many
from tests.conftest import CUSTOMER, LINE
from tests.making import a_new_message, a_send
from tests.storage.desk import Desk
from tests.storage.test_inbound import said


def a_text(desk: Desk, author: str, channel: str, text: str = "Hi") -> NewMessage:
    """A text to the customer, by somebody from somewhere."""
    now, thread_id = desk.clock(), uuid4()
    sent = a_send(uuid4(), thread_id, CUSTOMER, LINE, text, now, now)
    return a_new_message(Origin(uuid4().hex, "T1", channel, author), sent)


async def texts(desk: Desk, author: str, channel: str, text: str = "Hi") -> Accepted:
    return await desk.store.write(accept_many, a_text(desk, author, channel, text))


async def test_who_wrote_while_there_was_no_channel_for_it_can_be_texted(desk: Desk) -> None:
    await desk.store.write(take_many, replace(said(desk, "A table?"), inbox=""))
    assert (await texts(desk, "U1", "C1")).taken is Taken.NEW
