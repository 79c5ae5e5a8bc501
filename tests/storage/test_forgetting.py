"""What was said is forgotten with the last of its parts, with the words that hung on it."""

from datetime import timedelta
from uuid import uuid4

from bot.domain.delivery import Delivery
from bot.storage.forgetting import forget_many, remove_many
from bot.storage.store import Store
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


async def test_a_conversation_without_a_thread_is_removed_and_one_with_a_thread_stays(desk: Desk) -> None:
    """Two processes that take in one gesture with different lines begin a conversation each."""
    await desk.accept()
    begun = (
        "INSERT INTO conversations (id, line, customer, kind, next_seq) VALUES (:id, '+1', '+14155550109', 'person', 1)"
    )
    await desk.store.write(by_writer(doing(begun, id=uuid4())), None)
    assert await desk.store.write(remove_many, MONTH) == 0
    customers = await desk.store.read(asking("SELECT customer FROM conversations"))
    assert [row.customer for row in customers] == ["+14155552601"]


async def test_what_is_removed_leaves_nothing(desk: Desk) -> None:
    for _ in range(3):
        first, second = await desk.accept(parts=2)
        for send_id in (first, second):
            await desk.hear(send_id, Delivery.DELIVERED, handle=str(send_id))
    desk.clock.now += 2 * MONTH
    await desk.store.write(by_writer(doing("UPDATE threads SET due_at = NULL")), None)
    assert await desk.store.write(remove_many, MONTH) == 3
    for table in ("threads", "messages", "sends", "reports", "conversations"):
        assert await desk.store.read(asking(f"SELECT * FROM {table}")) == []
