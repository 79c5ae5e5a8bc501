"""What was said is forgotten with the last of its parts, with the words that hung on it."""

from datetime import datetime, timedelta
from uuid import uuid4

from msgspec.structs import replace

from bot.domain.delivery import Delivery
from bot.domain.message import Inbound, Origin
from bot.storage.claims import Capacity
from bot.storage.forgetting import forget_many, remove_conversations, remove_many, without_thread
from bot.storage.inbound import Arrival, take_many
from bot.storage.intake import Taken, accept_many
from bot.storage.places import give_place
from bot.storage.sends import claim_sends
from bot.storage.store import Store
from tests.conftest import LINE
from tests.making import a_new_message, a_send
from tests.statements import asking, by_writer, doing
from tests.storage.desk import Desk

MONTH = timedelta(days=30)


async def forgotten(desk: Desk) -> int:
    """Forget what nothing more is to be said about."""
    await desk.store.write(by_writer(doing("UPDATE threads SET due_at = NULL")), None)
    return await desk.store.write(forget_many, MONTH)


async def said(store: Store) -> list[tuple[str, str]]:
    return [tuple(row) for row in await store.read(asking("SELECT text, answer_url FROM messages"))]


async def test_a_message_keeps_its_words_until_its_last_part_is_over(desk: Desk) -> None:
    first, second = await desk.accept(parts=2)
    await desk.store.write(by_writer(doing("UPDATE messages SET answer_url = 'https://hooks.slack.com/x'")), None)
    await desk.hear(first, Delivery.DELIVERED, handle="h")
    desk.clock.now += 2 * MONTH
    assert await forgotten(desk) == 1
    assert await said(desk.store) == [("HiHi", "")]
    await desk.hear(second, Delivery.FAILED)
    assert await forgotten(desk) == 1
    assert await said(desk.store) == [("", "")]
    words = asking("SELECT text, recipient FROM sends")
    assert [tuple(row) for row in await desk.store.read(words)] == [("", "")] * 2
    assert [row.customer for row in await desk.store.read(asking("SELECT customer FROM conversations"))] == [""]


async def remove_all(desk: Desk, threads: int) -> None:
    """Do as the nightly round does; so many threads are removed."""
    assert await desk.store.write(remove_many, MONTH) == threads
    await desk.store.write(remove_conversations, await desk.store.read(without_thread))


async def test_a_conversation_without_a_thread_is_removed_and_one_with_a_thread_stays(desk: Desk) -> None:
    """Two processes that take in one gesture with different lines begin a conversation each."""
    await desk.accept()
    begun = (
        "INSERT INTO conversations (id, line, customer, kind, next_seq) VALUES (:id, '+1', '+14155550109', 'person', 1)"
    )
    await desk.store.write(by_writer(doing(begun, id=uuid4())), None)
    await remove_all(desk, 0)
    customers = await desk.store.read(asking("SELECT customer FROM conversations"))
    assert [row.customer for row in customers] == ["+14155552601"]


async def test_what_is_removed_leaves_nothing(desk: Desk) -> None:
    for _ in range(3):
        first, second = await desk.accept(parts=2)
        for send_id in (first, second):
            await desk.hear(send_id, Delivery.DELIVERED, handle=str(send_id))
    desk.clock.now += 2 * MONTH
    await desk.store.write(by_writer(doing("UPDATE threads SET due_at = NULL")), None)
    await remove_all(desk, 3)
    for table in ("threads", "messages", "sends", "reports", "conversations"):
        assert await desk.store.read(asking(f"SELECT * FROM {table}")) == []


def said_by(customer: str, handle: str, text: str, at: datetime) -> Arrival:
    return Arrival(Inbound(handle, LINE, customer, text, (), at), "C1")


async def test_what_a_customer_said_is_forgotten_and_that_they_opted_out_is_not(desk: Desk) -> None:
    customer = "+14155550123"
    assert await desk.store.write(take_many, said_by(customer, "h1", "STOP", desk.clock.now))
    desk.clock.now += 2 * MONTH
    await desk.store.write(by_writer(doing("UPDATE threads SET due_at = NULL")), None)
    await forgotten(desk)
    assert [tuple(row) for row in await desk.store.read(asking("SELECT text, files FROM messages"))] == [("", "")]
    assert [row.customer for row in await desk.store.read(asking("SELECT customer FROM conversations"))] == [""]
    await remove_all(desk, 1)
    words = a_send(uuid4(), uuid4(), customer, LINE, "Hi", desk.clock.now, desk.clock.now)
    new = a_new_message(Origin("key", "T1", "C1", "U1"), words)
    assert (await desk.store.write(accept_many, new)).taken is Taken.OPTED_OUT


async def test_what_waits_for_a_channel_is_not_forgotten(desk: Desk) -> None:
    arrival = said_by("+14155550123", "h1", "Do you have a table?", desk.clock.now)
    assert await desk.store.write(take_many, replace(arrival, inbox=""))
    desk.clock.now += 2 * MONTH
    await forgotten(desk)
    await remove_all(desk, 0)
    assert [row.text for row in await desk.store.read(asking("SELECT text FROM messages"))] == ["Do you have a table?"]
    assert await desk.store.write(give_place, "C1") == 1
    assert [thread.message.text for _, thread in await desk.threads()] == ["Do you have a table?"]


async def test_a_start_that_is_known_first_outlives_an_older_stop(desk: Desk) -> None:
    now = desk.clock.now
    await desk.store.write(take_many, said_by("+14155550123", "h2", "START", now))
    await desk.store.write(take_many, said_by("+14155550123", "h1", "STOP", now - MONTH / 100))
    words = a_send(uuid4(), uuid4(), "+14155550123", LINE, "Hi", now, now)
    new = a_new_message(Origin("key", "T1", "C1", "U1"), words)
    assert (await desk.store.write(accept_many, new)).taken is Taken.NEW


async def test_a_text_accepted_beside_a_stop_is_not_claimed(desk: Desk) -> None:
    """The claim looks itself: a STOP may be stored between accepting and claiming."""
    [send_id] = await desk.accept(customer="+14155550123")
    [(_, thread)] = await desk.threads()
    assert await desk.open(thread)
    stop = "INSERT INTO opt_outs (hash, stopped_at, by, why) VALUES ({digest '+14155550123'}, :now, '', '')"
    await desk.store.write(by_writer(doing(stop, now=desk.clock.now)), None)
    claimed = await desk.store.write(claim_sends, Capacity(10, MONTH))
    assert (claimed.items, claimed.opted_out) == ([], [send_id])
