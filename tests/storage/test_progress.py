"""When Sendblue's list, and threads, are due to be read."""

from datetime import timedelta

from bot.storage.progress import Read, ReadingCapacity, claim_reading, note_reading
from bot.storage.reading_back import note_alive
from tests.statements import asking
from tests.storage.desk import LEASE, SECOND, Desk

CAPACITY = ReadingCapacity(["inbound:+15550100900"], LEASE, SECOND, at_once=False)


async def test_a_clock_that_is_set_back_an_hour_keeps_nobody_from_reading_for_so_long(desk: Desk) -> None:
    await desk.store.keep_time()
    [reading] = (await desk.store.write(claim_reading, CAPACITY)).items
    assert await desk.store.write(note_reading, Read(reading, reading.at, 60 * SECOND))
    desk.clock.now -= timedelta(hours=1)
    await desk.store.keep_time()
    desk.clock.now += LEASE
    assert (await desk.store.write(claim_reading, CAPACITY)).items


async def test_once_a_clock_was_set_back_threads_are_read_from_a_day_ago_on(desk: Desk) -> None:
    await desk.accept()
    await desk.open((await desk.threads())[0][1])
    await desk.store.write(note_alive, True)
    desk.clock.now -= timedelta(minutes=30)
    assert await desk.store.write(note_alive, True) == 1
    [[since]] = await desk.store.read(asking("SELECT at FROM progress WHERE key <> 'alive'"))
    assert str(since).startswith(str(desk.clock() - timedelta(days=1))[:19])
