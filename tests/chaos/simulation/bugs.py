"""Bugs somebody could make, to be planted: a simulation that cannot fail proves nothing."""

from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace as changed
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from msgspec.structs import replace

from bot.domain.known import Known
from bot.domain.send import Send
from bot.domain.thread import Thread
from bot.errors import NotSent, Uncertain
from bot.services import announcing
from bot.storage import claims, conversations, threads, timekeeping
from bot.storage.claims import Queue
from bot.storage.rows import load_threads
from tests.chaos.simulation.bug import Bug
from tests.chaos.simulation.file_bugs import FILE_BUGS
from tests.chaos.simulation.inbound_bugs import INBOUND_BUGS
from tests.chaos.simulation.neighbours import Slack
from tests.chaos.simulation.phone import Phone
from tests.chaos.simulation.typed_bugs import TYPED_BUGS
from tests.statements import Sql, doing


def _silence_is_taken_for_a_no() -> AbstractContextManager[Any]:
    """A send without an answer is sent again."""
    real = Phone.submit

    async def submit(self: Phone, send: Any, callback_url: str) -> Any:
        try:
            return await real(self, send, callback_url)
        except Uncertain:
            raise NotSent("timeout") from None

    return patch.object(Phone, "submit", submit)


def _a_post_is_not_noted() -> AbstractContextManager[Any]:
    """What is about to be posted is not stored before the call."""
    real = threads._note

    def note(tx: Any, tasks: Any, before: Any) -> None:
        real(tx, tasks, before)
        for task in tasks:
            doing("UPDATE threads SET posting = NULL WHERE id = :id", id=task.thread.id)(tx)

    return patch.object(threads, "_note", note)


def _the_last_report_wins() -> AbstractContextManager[Any]:
    """Merging takes what came last rather than what is furthest."""

    real = Known.merge

    def merge(self: Known, report: Any) -> Known:
        merged = real(self, report)
        return merged if report.delivery is None else replace(merged, delivery=report.delivery)

    return patch.object(Known, "merge", merge)


def _whoever_comes_may_finish() -> AbstractContextManager[Any]:
    """The fence is not asked for."""
    real = threads.finish_threads

    def finish_threads(tx: Any, items: Any) -> list[bool]:
        known = load_threads(tx, {item.thread.id for item in items})
        fences = [known[item.thread.id].fence for item in items]
        held = [replace(item.thread, fence=fence) for item, fence in zip(items, fences, strict=True)]
        return real(tx, [replace(item, thread=thread) for item, thread in zip(items, held, strict=True)])

    stack = ExitStack()
    for module in (announcing, threads):
        stack.enter_context(patch.object(module, "finish_threads", finish_threads))
    return stack


def _a_lease_is_not_stored() -> AbstractContextManager[Any]:
    """What was claimed stays due."""
    real = Queue.hold

    def hold(self: Queue, tx: Any, heads: Any, capacity: Any) -> Any:
        return real(self, tx, heads, changed(capacity, lease=timedelta(0)))

    return patch.object(Queue, "hold", hold)


def _slots_are_given_twice() -> AbstractContextManager[Any]:
    """A slot taken a moment ago is free."""
    real = claims.take_slots
    return patch.object(claims, "take_slots", lambda tx, until: real(tx, dict.fromkeys(until, tx.now)))


def _not_found_counts_as_said() -> AbstractContextManager[Any]:
    """A reply that is looked for and not there is counted as posted."""
    real = Thread.not_posted
    return patch.object(Thread, "not_posted", lambda self: self.replied() if self.posting else real(self))


def _an_edit_is_made_once() -> AbstractContextManager[Any]:
    """An edit that nobody answered is taken for one that was never made."""
    return patch.object(Thread, "edited", lambda self: replace(self, shown_rev=self.rev, failures=0))


def _a_stray_reply_is_left() -> AbstractContextManager[Any]:
    """A reply that stands in the channel is not taken away."""

    async def leave(self: Slack, channel: str, ts: str) -> None:
        """Do nothing."""

    return patch.object(Slack, "delete", leave)


def _a_clock_set_back_is_not_noticed() -> AbstractContextManager[Any]:
    """Whatever is due later stays so."""
    return patch.object(timekeeping, "_MEND", ())


def _looked_for_twice() -> AbstractContextManager[Any]:
    """A post is repeated after two looks."""
    return patch.object(announcing, "_LOOKS", 2)


def _nobody_waits_for_what_is_in_front() -> AbstractContextManager[Any]:
    """Every text of an open thread may leave at once."""
    all_of_them = Sql("UPDATE sends SET send_at = :now WHERE thread_id {among ids} AND delivery = 0")
    return patch.object(conversations, "_LET_OUT", all_of_them)


def _a_doubt_blocks_what_is_behind() -> AbstractContextManager[Any]:
    """Parts behind a doubt are not parked."""
    return patch.object(Send, "behind", lambda self, before, overtaken: self)


BUGS = (
    INBOUND_BUGS
    | TYPED_BUGS
    | FILE_BUGS
    | {
        "nobody waits for what is in front": Bug(_nobody_waits_for_what_is_in_front, "at once", 3),
        "a doubt blocks what is behind": Bug(_a_doubt_blocks_what_is_behind, "gagged by a doubt", 4),
        "silence is taken for a no": Bug(_silence_is_taken_for_a_no, "was sent and waits to be sent", 26),
        "a post is not noted": Bug(_a_post_is_not_noted, "stands twice", 2),
        "the last report wins": Bug(_the_last_report_wins, "a delivery goes back", 5),
        "whoever comes may finish": Bug(_whoever_comes_may_finish, "whose claim is over", 74),
        "a lease is not stored": Bug(_a_lease_is_not_stored, "is claimed while somebody holds it", 0),
        "slots are given twice": Bug(_slots_are_given_twice, "is used twice within", 0),
        "an edit is made once": Bug(_an_edit_is_made_once, "the root says", 2245),
        "a stray reply is left": Bug(_a_stray_reply_is_left, "outside its thread", 7),
        "a clock set back is not noticed": Bug(_a_clock_set_back_is_not_noticed, "waits for longer", 77),
        "looked for twice": Bug(_looked_for_twice, "stands twice", 631),
        "not found counts as said": Bug(_not_found_counts_as_said, "is not there", 432),
    }
)
