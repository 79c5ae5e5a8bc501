"""Merging reports into their sends: the writer's busiest kind of work."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict, replace

from bot.domain.delivery import Delivery, HandleFrom, News
from bot.domain.known import Report
from bot.domain.send import Send, Telling
from bot.domain.thread import Step
from bot.storage.conversations import let_out, overtaken
from bot.storage.engine import Transaction
from bot.storage.rows import load_sends
from bot.storage.sql import Sql
from bot.storage.waking import wake, wake_threads


class Heard(Struct, frozen=True):
    send_id: UUID
    report: Report
    quiet_for: timedelta  # ask again when nothing more was heard for so long
    sent_waits: timedelta = timedelta(0)  # see `wake_threads`


class Applied(Struct, frozen=True):
    send: Send | None  # None: there is none with that id
    learnt: bool = False
    before: Delivery = Delivery.ACCEPTED  # how far it had come

    @property
    def rose(self) -> bool:
        """Whether its delivery came further."""
        return self.send is not None and self.learnt and self.send.known.delivery > self.before

    @property
    def lets_others_go(self) -> bool:
        """Whether texts may leave that waited for this one."""
        return self.rose and self.before <= Delivery.UNCERTAIN


def apply_many(tx: Transaction, items: Sequence[Heard]) -> list[Applied]:
    """Merge reports into their sends, wake the threads that can say more, keep the history."""
    merging = _Merging(tx, items)
    results = [merging.apply(item) for item in items]
    before = merging.before
    changed = [send for send in merging.after.values() if send != before[send.id]]
    behind = _parts_behind(tx, before, changed)
    ended = [send for send in changed if before[send.id].known.delivery <= Delivery.SENDING < send.known.delivery]
    taken = [send for send in changed if send.known.frees_the_next_part]
    for line in sorted({one.words.line for one in taken if before[one.id].known.delivery is Delivery.SENDING}):
        # Sendblue takes texts from it again: those that were turned away need not sleep on.
        tx.do(_OTHERS, line=line, now=tx.now, waited_since=tx.now - timedelta(seconds=5))
    changed += behind
    _store(tx, before, changed, merging.quiet_for)
    # Nobody else could let go what is locked here.
    waiting = [send for send in before.values() if send.known.delivery is Delivery.ACCEPTED]
    let_out(tx, {send.thread_id for send in (*ended, *waiting)})
    wake_threads(tx, before, changed, items[0].sent_waits)
    tx.each(_NEW_REPORTS, merging.history)
    return results


def owners_of(tx: Transaction, handles: Iterable[str]) -> dict[str, UUID]:
    """Return handle → its send, for those that have one."""
    wanted = list(handles)
    return {row.handle: row.id for row in tx.ask(_OWNERS, handles=wanted)} if wanted else {}


_OWNERS = Sql("SELECT handle, id FROM sends WHERE handle {among handles}")
_NO_HANDLE = Sql("UPDATE sends SET handle = NULL WHERE id = :id")


class _Merging:
    """Sends as they were, and as they are after the reports so far."""

    def __init__(self, tx: Transaction, items: Sequence[Heard]) -> None:
        self._tx = tx
        self.before = load_sends(tx, {item.send_id for item in items}, lock=True)
        self.after = dict(self.before)
        self.owners = {handle: one.id for one in self.before.values() if (handle := one.known.handle) is not None}
        named = {handle for item in items if (handle := item.report.handle) is not None}
        self.owners |= owners_of(tx, named - self.owners.keys())
        self.history = list[dict[str, object]]()
        self.quiet_for: dict[UUID, timedelta] = {}

    def apply(self, item: Heard) -> Applied:
        send, report = self.after.get(item.send_id), item.report
        if send is None:
            return Applied(None)
        if not send.words.recipient:  # forgotten: an explanation may repeat what was
            report = replace(report, error_text="")
        if report.handle is not None:
            send = self._with_handle(send, report, report.handle)
            if send is None:
                return Applied(self.after[item.send_id])  # about another text than ours: no news of this one
        merged = self.after[send.id] = send.merge(report)
        if merged != send:  # what is said once more, or in unknown words, must not keep us from asking
            self.quiet_for[send.id] = item.quiet_for
        if report.if_still in (None, send.known.delivery):
            self.history.append(_history_row(send.id, report, self._tx.now, learnt=merged != send))
        return Applied(merged, learnt=merged != send, before=send.known.delivery)

    def _with_handle(self, send: Send, report: Report, handle: str) -> Send | None:
        """Return the send a report with a handle is merged into; None when the report is about another text.

        The list only suggests whose a handle is. A report on a send's own address decides: it takes the handle back
        from whoever got it from the list, and replaces what the list had suggested for this one.
        """
        own = report.handle_from is HandleFrom.OWN
        owner_id = self.owners.setdefault(handle, send.id)
        if owner_id != send.id:
            if not own or not self._loses_handle(owner_id):
                return None
            self.owners[handle] = send.id
        if send.known.handle in (None, handle):
            return send
        if not own or send.known.handle_from is not HandleFrom.LIST:
            return None
        send = send.without_the_lists_word()
        return replace(send, known=replace(send.known, handle=handle, handle_from=HandleFrom.CORRECTED))

    def _loses_handle(self, owner_id: UUID) -> bool:
        """Put a send in doubt again if it has its handle from the list alone; return whether it had."""
        if owner_id not in self.before:
            self.before |= load_sends(self._tx, [owner_id], lock=True)
            self.after[owner_id] = self.before[owner_id]
        owner = self.after[owner_id]
        if owner.known.handle_from is not HandleFrom.LIST:
            return False
        anew = Telling(News.NONE, owner.telling.under_way)  # all of it is to be said again
        self.after[owner_id] = replace(owner.without_the_lists_word(), telling=anew)
        self._tx.do(_NO_HANDLE, id=owner_id)  # at once: a handle is unique, and another send takes it now
        return True


# Of reports that taught nothing only so many are kept: a neighbour must not fill the disk with them.
_NEW_REPORTS = Sql("""
    INSERT INTO reports (send_id, key, source, word, delivery, service, error_code, error_text, at, received_at)
    SELECT row.send_id, row.key, row.source, row.word, row.delivery, row.service, row.error_code, row.error_text,
        row.at, row.received_at
    {from send_id, key, source, word, delivery, service, error_code, error_text, at, received_at, learnt}
    WHERE row.learnt OR (SELECT count(*) FROM reports WHERE reports.send_id = row.send_id) < 200
    ON CONFLICT (key) DO NOTHING
""")
_OTHERS = Sql("""
    UPDATE sends SET send_at = :now WHERE id IN (
        SELECT id FROM sends
        WHERE line = :line AND delivery = 0 AND send_at > :now AND attempted_at < :waited_since AND attempts < 6
        {lock skip locked}
    )
""")
"""After six tries a text keeps its full wait, or a busy line's other texts would use up its tries."""


def _history_row(send_id: UUID, report: Report, now: datetime, *, learnt: bool) -> dict[str, object]:
    words = [send_id.hex, report.source, report.word, report.error_code, report.service, report.handle or ""]
    facts = [fact for fact in ("asked", "unconfirmed") if getattr(report, fact)]
    key = ":".join([*words, *facts])[:300]
    return {**asdict(report), "send_id": send_id, "key": key, "received_at": now, "learnt": learnt}


def _parts_behind(tx: Transaction, before: dict[UUID, Send], changed: Sequence[Send]) -> list[Send]:
    """Return unsent parts as they are after news of the part before them: stopped, parked, or to be sent after all.

    A text that is missing its middle is worse than one that stops. before: gets what those parts were.
    """
    concerned = [one for one in changed if _concerns_parts_behind(before[one.id], one)]
    if not concerned:
        return []
    # Of several in one message a failure counts most, however they come together.
    news = {one.message_id: one for one in sorted(concerned, key=lambda one: one.known.delivery is Delivery.FAILED)}
    found = tx.ask(_UNSENT_AFTER, ids=[one.id for one in news.values()]).column()
    later = set(found) - {send.id for send in changed}
    # As they are once nobody is claiming them.
    locked = load_sends(tx, later, lock=True)
    unsent = {one.id: one for one in locked.values() if one.known.delivery is Delivery.ACCEPTED}
    before |= unsent
    late = overtaken(tx, [one.id for one in unsent.values() if one.schedule.parked])
    moved = [one.behind(news[one.message_id].known, overtaken=one.id in late) for one in unsent.values()]
    return [send for send in moved if send != unsent[send.id]]


# 0 is Delivery.ACCEPTED.
_UNSENT_AFTER = Sql("""
    SELECT later.id FROM sends JOIN sends AS later
    ON later.message_id = sends.message_id AND later.part > sends.part
    WHERE sends.id {among ids} AND later.delivery = 0
""")


def _concerns_parts_behind(old: Send, new: Send) -> bool:
    now = new.known
    if new.words.part == new.words.parts or old.known.delivery is now.delivery:
        return False
    settled = now.frees_the_next_part and (old.known.delivery is Delivery.UNCERTAIN or new.words.try_number > 1)
    repeated = new.decision is not None and new.decision.repeats  # then what becomes of the repeat counts
    return settled or (now.delivery in (Delivery.FAILED, Delivery.UNCERTAIN) and not repeated)


_COLUMNS = (
    "delivery, since, service, handle_from, error_code, error_text, picture_lost, "
    "unconfirmed, asked, told, owed, parked, send_at, poll_at, polls"
)
# Most news brings no new handle. SQLite writes into the index of a column that is set, even to what it was.
_HEARD = Sql(f"{{update sends: {_COLUMNS}}}")
_HEARD_AND_NAMED = Sql(f"{{update sends: {_COLUMNS}, handle}}")


# If it was shown as one from elsewhere, that is corrected; else it never is.
_OURS_AFTER_ALL = Sql("""
    UPDATE messages SET to_show = NOT to_show, notice = 'ours' WHERE key {among keys} AND notice = 'elsewhere'
    RETURNING thread_id
""")


def _store(
    tx: Transaction, before: Mapping[UUID, Send], changed: Sequence[Send], quiet_for: Mapping[UUID, timedelta]
) -> None:
    """Store what sends have become. quiet_for: of those heard of; another is asked about at once."""
    rows: dict[Sql, list[dict[str, object]]] = {_HEARD: [], _HEARD_AND_NAMED: []}
    for send in changed:
        named = send.known.handle != before[send.id].known.handle
        row = _heard(send, tx.now + quiet_for.get(send.id, timedelta(0)))
        rows[_HEARD_AND_NAMED if named else _HEARD].append(row)
    for statement, of_it in rows.items():
        tx.each(statement, of_it)
    # Nothing is taken for a text from elsewhere while a call of ours is under way: see `bot.storage.elsewhere`.
    late = [one for one in changed if one.known.handle and before[one.id].known.delivery > Delivery.SENDING]
    if keys := [f"out:{one.known.handle}" for one in late if one.known.handle != before[one.id].known.handle]:
        wake(tx, tx.ask(_OURS_AFTER_ALL, keys=keys).column(), Step.REPLY)


def _heard(send: Send, ask_at: datetime) -> dict[str, object]:
    """Whoever was heard from is asked again after a silence; whoever is over, never."""
    known = send.known
    over = known.is_final or known.unconfirmed or known.delivery < Delivery.UNCERTAIN
    return {
        **asdict(known),
        "id": send.id,
        "told": send.telling.told,
        "owed": send.news,
        "parked": send.schedule.parked,
        "send_at": None if known.delivery > Delivery.SENDING else send.schedule.lease_until,
        "poll_at": None if over else ask_at,
        "polls": 0,
    }
