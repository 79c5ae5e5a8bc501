"""Texts of one conversation leave in the order they were accepted, one at a time, and nothing gags them."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from bot.domain.delivery import Delivery


def out_of_order(
    old: Mapping[str, Any], new: Mapping[str, Any], threads: Mapping[str, Any], held_back: Collection[str]
) -> str:
    """Return what a commit did to the order of texts, or "".

    old, new: rows by id, before and after. held_back: the messages of which nothing may leave yet.
    """
    conversations = defaultdict(list)
    for row in new.values():
        if row.delivery <= Delivery.SENDING and not row.parked:
            conversations[row.conversation_id].append(row)
        if row.delivery == Delivery.ACCEPTED and (doubt := _doubt_before(row, new)) is not None and not row.parked:
            return f"it is gagged by a doubt: {row} behind {doubt}"
    for rows in conversations.values():
        rows.sort(key=lambda row: (row.seq, row.part, row.accepted_at))
        on_their_way = [row for row in rows if row.send_at is not None]
        if len(on_their_way) > 1:
            return f"several are on their way at once: {on_their_way}"
        for row in on_their_way:
            begun = row.id not in old or old[row.id].send_at is None
            if begun and any(_was_waiting(other, old) for other in rows[: rows.index(row)]):
                return f"it leaves out of order: {row} of {rows}"
        if not on_their_way and threads[rows[0].thread_id].root_ts and rows[0].message_id not in held_back:
            return f"nobody lets it go, and nothing is before it: {rows[0]}"
    return ""


def _doubt_before(row: Any, rows: Mapping[str, Any]) -> Any:
    """Return the part before one, if nobody knows of any try whether it went out, and none is to be made."""
    tries = [other for other in rows.values() if (other.thread_id, other.part) == (row.thread_id, row.part - 1)]
    doubted = all(other.delivery == Delivery.UNCERTAIN for other in tries)
    return tries[0] if tries and doubted and row.try_number == 1 else None


def _was_waiting(row: Any, old: Mapping[str, Any]) -> bool:
    """Whether it should have left first: what was accepted or parked no more in the same commit may have come after."""
    return row.id in old and not old[row.id].parked
