"""Merging reports into their messages: the writer's busiest kind of work."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict, replace

from bot.domain.delivery import Delivery
from bot.domain.known import Report
from bot.domain.message import Message
from bot.storage.conversations import let_out, overtaken
from bot.storage.engine import Transaction
from bot.storage.handles import owners_of, settled
from bot.storage.rows import load_messages, values
from bot.storage.sql import Sql
from bot.storage.threads import wake_threads


class Heard(Struct, frozen=True):
    """One report for one message."""

    message_id: UUID
    report: Report
    quiet_for: timedelta  # ask again when nothing more was heard for so long
    sent_waits: timedelta = timedelta(0)  # see `wake_threads`


class Applied(Struct, frozen=True):
    """What became of a report."""

    message: Message | None  # None: there is none with that id
    learnt: bool = False
    rose: bool = False  # its delivery came further


def apply_many(tx: Transaction, items: Sequence[Heard]) -> list[Applied]:
    """Merge reports into their messages, wake the threads that can say more, keep the history."""
    merging = _Merging(tx, items)
    results = [merging.apply(item) for item in items]
    before = merging.before
    changed = [message for message in merging.after.values() if message != before[message.id]]
    behind = _parts_behind(tx, before, changed)
    ended = [message for message in changed if _ended_its_way(before[message.id], message)]
    changed += behind
    _try_others_again(tx, {message.words.line for message in changed if _was_just_taken(message, before)})
    # One that was not heard of itself is asked about at once.
    tx.each(_HEARD, [_heard(message, tx.now + merging.quiet_for.get(message.id, timedelta(0))) for message in changed])
    # Nobody else could let go what is locked here.
    waiting = [message for message in before.values() if message.known.delivery is Delivery.ACCEPTED]
    let_out(tx, {message.thread_id for message in (*ended, *waiting)})
    wake_threads(tx, before, changed, items[0].sent_waits)
    tx.each(_NEW_REPORTS, [*merging.news, *_within_bounds(tx, merging.chatter)])
    return results


class _Merging:
    """Messages as they were, and as they are after the reports so far."""

    def __init__(self, tx: Transaction, items: Sequence[Heard]) -> None:
        self._tx = tx
        self.before = load_messages(tx, {item.message_id for item in items}, lock=True)
        self.after = dict(self.before)
        self.owners = owners_of(tx, {item.report.handle or "" for item in items if self._brings_handle(item)})
        self.news, self.chatter = list[dict[str, object]](), list[dict[str, object]]()
        self.quiet_for: dict[UUID, timedelta] = {}

    def _brings_handle(self, item: Heard) -> bool:
        """Whether a report names a handle that its message is not known by yet."""
        message = self.before.get(item.message_id)
        return item.report.handle is not None and (message is None or message.known.handle != item.report.handle)

    def apply(self, item: Heard) -> Applied:
        """Merge one report into its message."""
        message, report = self.after.get(item.message_id), item.report
        if message is None:
            return Applied(None)
        if not message.words.recipient:  # forgotten: an explanation may repeat what was
            report = replace(report, error_text="")
        if report.handle is not None:
            message = settled(self._tx, message, report, self.owners, self.before, self.after)
            if message is None:
                return Applied(self.after[item.message_id])  # about another text than ours: no news of this one
        merged = self.after[message.id] = message.merge(report)
        if merged != message:  # what is said once more, or in unknown words, must not keep us from asking
            self.quiet_for[message.id] = item.quiet_for
        if report.if_still in (None, message.known.delivery):
            kept = self.news if merged != message else self.chatter
            kept.append(_history_row(message.id, report, self._tx.now))
        return Applied(merged, learnt=merged != message, rose=merged.known.delivery > message.known.delivery)


_NEW_REPORTS = Sql(
    "{insert reports: message_id, key, source, word, delivery, service, error_code, error_text, at, received_at} "
    "ON CONFLICT (key) DO NOTHING"
)

_MOST_CHATTER = 200
_COUNTS = Sql("SELECT message_id, count(*) AS kept FROM reports WHERE message_id {among ids} GROUP BY message_id")


def _within_bounds(tx: Transaction, rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return what may still be kept of reports that taught nothing: a neighbour must not fill the disk with them."""
    if not rows:
        return []
    counts = tx.ask(_COUNTS, ids=list({row["message_id"] for row in rows}))
    kept = {row.message_id: row.kept for row in counts}
    return [row for row in rows if kept.get(row["message_id"], 0) < _MOST_CHATTER]


def _was_just_taken(message: Message, before: Mapping[UUID, Message]) -> bool:
    old = before.get(message.id)
    return old is not None and old.known.delivery is Delivery.SENDING and message.known.frees_the_next_part


_WAITED = timedelta(seconds=5)

_OTHERS = Sql("""
    UPDATE messages SET send_at = :now WHERE id IN (
        SELECT id FROM messages
        WHERE line = :line AND delivery = 0 AND send_at > :now AND attempted_at < :waited_since AND attempts < 6
        {lock skip locked}
    )
""")
"""After six tries a text keeps its full wait, or a busy line's other texts would use up its tries."""


def _try_others_again(tx: Transaction, lines: set[str]) -> None:
    """Sendblue takes texts from these lines again: those that were turned away need not sleep on."""
    for line in sorted(lines):
        tx.do(_OTHERS, line=line, now=tx.now, waited_since=tx.now - _WAITED)


_KEPT = ("source", "word", "delivery", "service", "error_code", "error_text", "at")


def _history_row(message_id: UUID, report: Report, now: datetime) -> dict[str, object]:
    words = [message_id.hex, report.source, report.word, report.error_code, report.service, report.handle or ""]
    facts = [fact for fact in ("asked", "unconfirmed") if getattr(report, fact)]
    key = ":".join([*words, *facts])[:300]
    return {"message_id": message_id, "key": key, "received_at": now, **values(report, _KEPT)}


def _ended_its_way(old: Message, new: Message) -> bool:
    return old.known.delivery <= Delivery.SENDING < new.known.delivery


def _parts_behind(tx: Transaction, before: dict[UUID, Message], changed: Sequence[Message]) -> list[Message]:
    """Return unsent parts as they are after news of the part before them: stopped, parked, or to be sent after all.

    A text that is missing its middle is worse than one that stops. before: gets what those parts were.
    """
    # Of several in one thread a failure counts most, however they come together.
    concerned = sorted(changed, key=lambda one: one.known.delivery is Delivery.FAILED)
    news = {one.thread_id: one for one in concerned if _concerns_parts_behind(before[one.id], one)}
    if not news:
        return []
    found = tx.ask(_UNSENT_AFTER, ids=[one.id for one in news.values()]).column()
    later = set(found) - {message.id for message in changed}
    # As they are once nobody is claiming them.
    locked = load_messages(tx, later, lock=True)
    unsent = {one.id: one for one in locked.values() if one.known.delivery is Delivery.ACCEPTED}
    before |= unsent
    late = overtaken(tx, [one.id for one in unsent.values() if one.schedule.parked])
    moved = [one.behind(news[one.thread_id].known, overtaken=one.id in late) for one in unsent.values()]
    return [message for message in moved if message != unsent[message.id]]


# 0 is Delivery.ACCEPTED.
_UNSENT_AFTER = Sql("""
    SELECT later.id FROM messages JOIN messages AS later
    ON later.thread_id = messages.thread_id AND later.seq = messages.seq AND later.part > messages.part
    WHERE messages.id {among ids} AND later.delivery = 0
""")


def _concerns_parts_behind(old: Message, new: Message) -> bool:
    now = new.known
    if new.words.part == new.words.parts or old.known.delivery is now.delivery:
        return False
    settled = now.frees_the_next_part and (old.known.delivery is Delivery.UNCERTAIN or new.words.again_of is not None)
    repeated = new.decision is not None and new.decision.repeats  # then what becomes of the repeat counts
    return settled or (now.delivery in (Delivery.FAILED, Delivery.UNCERTAIN) and not repeated)


_HEARD = Sql(
    "{update messages: delivery, since, service, handle, handle_from, error_code, error_text, picture_lost, "
    "unconfirmed, asked, told, owed, parked, send_at, poll_at, polls}"
)


def _heard(message: Message, ask_at: datetime) -> dict[str, object]:
    """Whoever was heard from is asked again after a silence; whoever is over, never."""
    known = message.known
    over = known.is_final or known.unconfirmed or known.delivery < Delivery.UNCERTAIN
    return {
        **asdict(known),
        "id": message.id,
        "told": message.telling.told,
        "owed": message.news,
        "parked": message.schedule.parked,
        "send_at": None if known.delivery > Delivery.SENDING else message.schedule.lease_until,
        "poll_at": None if over else ask_at,
        "polls": 0,
    }
