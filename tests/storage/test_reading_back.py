"""In which order threads are read back."""

from datetime import timedelta

from bot.storage.reading_back import claim_back, note_alive
from tests.storage.desk import LEASE, SECOND, Desk


async def stands(desk: Desk, channel: str) -> None:
    """Have a thread with its root in a channel, newer than all others."""
    desk.clock.now += SECOND
    await desk.accept(channel)
    for _, thread in await desk.threads():
        await desk.open(thread)


async def read(desk: Desk) -> list[str]:
    """Return the channels whose threads are read next, in order."""
    found = []
    for _ in range(10):
        desk.clock.now += timedelta(seconds=2)
        found += [back.channel for back in (await desk.store.write(claim_back, LEASE)).items]
    return found


async def test_after_another_restart_the_newest_thread_comes_before_what_was_still_to_be_read(desk: Desk) -> None:
    await desk.store.write(note_alive, True)
    for channel in ("C1", "C2"):
        await stands(desk, channel)
    assert await desk.store.write(note_alive, True) == 2
    await stands(desk, "C3")
    assert await desk.store.write(note_alive, True) == 3
    assert await read(desk) == ["C3", "C2", "C1"]
