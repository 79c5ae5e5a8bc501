"""A text's whole way: command, thread, phone, callbacks, thread."""

from tests.conftest import CUSTOMER, Stage, until


async def test_a_text_is_sent_once_and_its_thread_ends_at_delivered(stage: Stage) -> None:
    answer = await stage.text("Table at eight?")
    assert answer.status == 200
    assert "+1 415-555-2671" in answer.text
    await until(lambda: any("Delivered as iMessage" in text for text in stage.replies()))
    [bubble] = stage.bubbles()
    assert (bubble.number, bubble.content, bubble.status) == (CUSTOMER, "Table at eight?", "DELIVERED")
    await until(lambda: "Delivered" in stage.root().text)
