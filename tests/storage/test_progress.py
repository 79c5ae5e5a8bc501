"""When Sendblue's list is due to be read."""

from datetime import timedelta

from bot.storage.progress import Read, ReadingCapacity, claim_reading, note_reading
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
