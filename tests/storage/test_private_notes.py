"""Words owed to one person: each once, for a lease, and only whoever holds a thread owes for it."""

from uuid import uuid4

from bot.storage.claims import Capacity
from bot.storage.private_notes import PrivateNote, Tried, claim_notes, finish_notes, owe_notes
from bot.storage.threads import Outcome, finish_threads
from tests.statements import asking
from tests.storage.desk import LEASE, SECOND, Desk

NOTE = PrivateNote("click:1", "U1", "https://hooks.slack.com/x", "guest", uuid4())


async def claimed(desk: Desk) -> list[PrivateNote]:
    return (await desk.store.write(claim_notes, Capacity(10, LEASE))).items


async def test_a_note_is_claimed_by_one_and_comes_back_after_its_lease(desk: Desk) -> None:
    for _ in range(2):
        await desk.store.write(owe_notes, NOTE)
    [note] = await claimed(desk)
    assert (note.person, note.says, note.about_id, note.fence) == ("U1", "guest", NOTE.about_id, 1)
    assert await claimed(desk) == []
    desk.clock.now += LEASE
    assert [again.fence for again in await claimed(desk)] == [2]


async def test_what_was_said_is_gone_and_what_was_not_is_tried_again_later(desk: Desk) -> None:
    await desk.store.write(owe_notes, NOTE)
    [note] = await claimed(desk)
    await desk.store.write(finish_notes, Tried(note, desk.clock() + SECOND))
    assert await claimed(desk) == []
    desk.clock.now += SECOND
    [note] = await claimed(desk)
    assert note.failures == 1
    await desk.store.write(finish_notes, Tried(note, None))
    desk.clock.now += LEASE
    assert await claimed(desk) == []
    assert await desk.store.read(asking("SELECT key FROM private_notes")) == []


async def test_whoever_slept_past_the_lease_cannot_finish(desk: Desk) -> None:
    await desk.store.write(owe_notes, NOTE)
    [sleeper] = await claimed(desk)
    desk.clock.now += LEASE
    [holder] = await claimed(desk)
    await desk.store.write(finish_notes, Tried(sleeper, None))
    await desk.store.write(finish_notes, Tried(holder, desk.clock() + SECOND))
    desk.clock.now += SECOND
    assert [note.failures for note in await claimed(desk)] == [1]


async def test_only_whoever_holds_a_thread_owes_its_sender_a_note(desk: Desk) -> None:
    await desk.accept()
    [(_, sleeper)] = await desk.threads()
    desk.clock.now += LEASE
    [(_, holder)] = await desk.threads()
    await desk.store.write(finish_threads, Outcome(sleeper.closed_for("is_archived"), note="closed"))
    assert await claimed(desk) == []
    for _ in range(2):
        await desk.store.write(finish_threads, Outcome(holder.closed_for("is_archived"), note="closed"))
    [note] = await claimed(desk)
    assert (note.says, note.about_id, note.person) == ("closed", holder.id, "U1")
