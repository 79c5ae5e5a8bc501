"""Bugs somebody could make with what customers write, to be planted as those of bugs.py."""

from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from msgspec.structs import replace

from bot.domain.message import Inbound
from bot.services.announcing import Announcing
from bot.services.receiving import Receiving
from bot.storage import claims, inbound, opt_outs, sends, shown, threads
from bot.storage.progress import Read, note_reading
from tests.chaos.simulation.bug import Bug


def _the_mark_moves_first() -> AbstractContextManager[Any]:
    """The mark is moved before the pages are stored."""
    real = Receiving.catch_up

    async def catch_up(self: Receiving, reading: Any) -> None:
        await self.store.write(note_reading, Read(reading, self.sendblue.now(), self.durations.catch_up_interval))
        await real(self, replace(reading, fence=-1))

    return patch.object(Receiving, "catch_up", catch_up)


def _one_page_is_all() -> AbstractContextManager[Any]:
    """The second page is not asked for."""
    real = Receiving._read_all

    async def read_all(self: Receiving, reading: Any) -> bool:
        asked = self.sendblue.said

        async def said(*where: Any, **how: Any) -> Any:
            return replace(await asked(*where, **how), more=False)

        with patch.object(self.sendblue, "said", said):
            return await real(self, reading)

    return patch.object(Receiving, "_read_all", read_all)


def _a_copy_is_stored_twice() -> AbstractContextManager[Any]:
    """What the list brings has another key than what the webhook brought."""
    real = Receiving.take

    async def take(self: Receiving, said: Inbound, source: str, **how: bool) -> bool:
        return await real(self, replace(said, handle=f"{said.handle}{source}"), source, **how)

    return patch.object(Receiving, "take", take)


def _stop_is_not_asked_in_the_claim() -> AbstractContextManager[Any]:
    """What waits when a STOP comes is cancelled, and nothing else is."""
    queue = claims.Queue(
        "sends", due="send_at", key="line", which="delivery = 0", held=sends.SEND, changes=sends._BEGUN
    )
    return patch.object(sends, "SENDS", queue)


def _a_stop_is_only_shown() -> AbstractContextManager[Any]:
    """A STOP is a message like any other."""
    return patch.object(inbound, "heard", lambda tx, said: opt_outs.Notice.NONE)


def _what_is_found_counts_as_unshown() -> AbstractContextManager[Any]:
    """A reply that is looked for and found leaves its messages to be shown."""
    real = Announcing._look

    async def look(self: Announcing, thread: Any) -> Any:
        outcome = await real(self, thread)
        found = thread.shows and outcome.thread.replies > thread.replies
        return replace(outcome, thread=replace(outcome.thread, unshown=thread.unshown)) if found else outcome

    return patch.object(Announcing, "_look", look)


def _what_is_left_stays_where_it_was() -> AbstractContextManager[Any]:
    """What a thread had to show when its place went is not shown elsewhere."""
    return patch.object(threads, "move_inbound", lambda tx, thread, channel: None)


def _shown_as_it_came() -> AbstractContextManager[Any]:
    """Answers are shown in the order in which they came to us."""
    as_it_came = {"root": "SELECT messages.id " + shown._ROOT, "under_way": "showing", "order": "thread_id, seq"}
    statement = shown._needed(
        f"messages.thread_id, {shown.MESSAGE}", "messages", owed="to_show ORDER BY seq", **as_it_came
    )
    return patch.object(shown, "_MESSAGES", statement)


INBOUND_BUGS = {
    "the mark moves first": Bug(_the_mark_moves_first, "is lost", 18),
    "one page is all": Bug(_one_page_is_all, "is lost", 0),
    "a copy is stored twice": Bug(_a_copy_is_stored_twice, "is shown twice", 1),
    "stop is not asked in the claim": Bug(_stop_is_not_asked_in_the_claim, "is claimed after a STOP", 13),
    "a stop is only shown": Bug(_a_stop_is_only_shown, "is claimed after a STOP", 13),
    "what is found counts as unshown": Bug(_what_is_found_counts_as_unshown, "is shown twice", 408),
    "what is left stays where it was": Bug(_what_is_left_stays_where_it_was, "is lost", 64),
    "shown as it came": Bug(_shown_as_it_came, "out of order", 29),
}
