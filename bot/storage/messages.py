"""Taking messages in and merging reports into them: the writer's two busiest kinds of work."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, bindparam, case, func, literal_column, select, update

from bot.domain.delivery import Delivery
from bot.domain.message import Message, Origin, Report, merge
from bot.domain.thread import EDITING, UNKNOWN, Lane
from bot.storage.handles import owners_of, settled
from bot.storage.prepared import Prepared, among, insert_each, update_each
from bot.storage.rows import REPORTED, load_messages, load_threads, reported
from bot.storage.tables import UNSENT, messages, reports, threads

_NEW_THREADS = insert_each(threads, threads.c.id)
_NEW_MESSAGES = insert_each(messages)
_NEW_REPORTS = insert_each(reports)
_COUNTS = dict.fromkeys(("replies", "rev", "shown_rev", "looked", "fence", "failures"), 0)
_NOTHING_YET = dict.fromkeys(("root_ts", "posting", "posting_since"))


@dataclass(frozen=True, slots=True)
class NewThread:
    """One gesture: a thread to open and the messages (parts) to send in it, in order."""

    id: UUID
    origin: Origin
    messages: tuple[Message, ...]


def accept_many(connection: Connection, now: datetime, items: Sequence[NewThread]) -> list[bool]:
    """Store each gesture once. Returns whether it was new; a replay changes nothing."""
    new = {row[0] for row in _NEW_THREADS.each(connection, [_new_thread(item, now) for item in items])}
    texts = [new_row(message, now) for item in items if item.id in new for message in item.messages]
    if texts:
        _NEW_MESSAGES.each(connection, texts)
    return [item.id in new for item in items]


def _new_thread(item: NewThread, now: datetime) -> dict[str, object]:
    row = {"id": item.id, "key": item.origin.key, "team": item.origin.team, "sender": item.origin.sender}
    place = {"channel": item.origin.channel, "asked_in": item.origin.channel, "answer_url": item.origin.answer_url}
    due = {"created_at": now, "due_at": now, "lane": Lane.POST, "aside": "", "closed": ""}
    return row | place | due | _COUNTS | _NOTHING_YET


def new_row(message: Message, now: datetime) -> dict[str, object]:
    """Return the whole row of a message accepted now."""
    row = {field.name: getattr(message, field.name) for field in fields(message)}
    del row["lease_until"]
    return row | {"accepted_at": now, "since": now, "send_at": None, "poll_at": None}


@dataclass(frozen=True, slots=True)
class Heard:
    """One report for one message. quiet_for: ask again when nothing more was heard for so long."""

    message_id: UUID
    report: Report
    quiet_for: timedelta


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a report. message is None when there is none with that id."""

    message: Message | None
    learnt: bool = False
    rose: bool = False  # its delivery came further


def apply_many(connection: Connection, now: datetime, items: Sequence[Heard]) -> list[Applied]:
    """Merge reports into their messages, wake the threads that can say more, keep the history."""
    ids = {item.message_id for item in items}
    before = load_messages(connection, ids, lock=True)
    owners = owners_of(connection, {item.report.handle or "" for item in items if _brings_handle(item, before)})
    after, results = dict(before), list[Applied]()
    history, chatter = list[dict[str, object]](), list[dict[str, object]]()
    quiet: dict[UUID, timedelta] = {}
    for item in items:
        message, report = after.get(item.message_id), item.report
        if message is None:
            results.append(Applied(None))
            continue
        if not message.recipient:  # forgotten: an explanation may repeat what was
            report = replace(report, error_text="")
        if report.handle is not None:
            message = settled(connection, message, report, owners, before, after)
            if message is None:
                results.append(Applied(after[item.message_id]))  # about another text than ours: no news of this one
                continue
        merged = merge(message, report)
        after[message.id] = merged
        if merged != message:  # what is said once more, or in unknown words, must not keep us from asking
            quiet[message.id] = item.quiet_for
        results.append(Applied(merged, learnt=merged != message, rose=merged.delivery > message.delivery))
        if report.if_still in (None, message.delivery):
            (history if merged != message else chatter).append(_history_row(message.id, report, now))
    changed = [message for message in after.values() if message != before[message.id]]
    _try_others_again(connection, now, {message.line for message in changed if _was_just_taken(message, before)})
    _stop_parts_after_a_failure(connection, changed)
    after |= {message.id: message for message in changed}
    quiet |= {message.id: timedelta(0) for message in changed if message.id not in quiet}
    _store(connection, now, [(after[message_id], wait) for message_id, wait in quiet.items()])
    wake_threads(connection, now, before, changed)
    if history := [*history, *_within_bounds(connection, chatter)]:
        _NEW_REPORTS.each(connection, history)
    return results


_MOST_CHATTER = 200
_REPORTS_OF = Prepared(
    select(reports.c.message_id, func.count()).where(among(reports.c.message_id)).group_by(reports.c.message_id)
)


def _within_bounds(connection: Connection, rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return what may still be kept of reports that taught nothing: a neighbour must not fill the disk with them."""
    if not rows:
        return []
    kept = dict(map(tuple, _REPORTS_OF.rows(connection, among={row["message_id"] for row in rows})))
    return [row for row in rows if kept.get(row["message_id"], 0) < _MOST_CHATTER]


def _was_just_taken(message: Message, before: Mapping[UUID, Message]) -> bool:
    return before[message.id].delivery is Delivery.SENDING and taken(message)


_WAITED = timedelta(seconds=5)
_LAST_TRIES = 6  # from here on a text keeps its full wait, or a busy line's other texts would use up its tries

_OTHERS = Prepared(
    update(messages)
    .where(
        messages.c.id.in_(
            select(messages.c.id)
            .where(
                messages.c.line == bindparam("of_line"),
                UNSENT,
                messages.c.send_at > bindparam("now", type_=messages.c.send_at.type),
                messages.c.attempted_at < bindparam("waited_since", type_=messages.c.send_at.type),
                messages.c.attempts < _LAST_TRIES,
            )
            .with_for_update(skip_locked=True)
        )
    )
    .values(send_at=bindparam("now", type_=messages.c.send_at.type))
)


def _try_others_again(connection: Connection, now: datetime, lines: set[str]) -> None:
    """Sendblue takes texts from these lines again: those that were turned away need not sleep on."""
    for line in sorted(lines):
        _OTHERS.rows(connection, of_line=line, now=now, waited_since=now - _WAITED)


def _brings_handle(item: Heard, before: Mapping[UUID, Message]) -> bool:
    """Whether a report names a handle that its message is not known by yet."""
    known = before.get(item.message_id)
    return item.report.handle is not None and (known is None or known.handle != item.report.handle)


def _history_row(message_id: UUID, report: Report, now: datetime) -> dict[str, object]:
    key = ":".join(
        (
            message_id.hex,
            report.source,
            report.word,
            report.error_code,
            report.service.value,
            report.handle or "",
            *(["asked"] if report.asked else []),
            *(["unconfirmed"] if report.unconfirmed else []),
        )
    )
    return {
        "message_id": message_id,
        "key": key[:300],
        "source": report.source,
        "word": report.word,
        "delivery": report.delivery,
        "service": report.service,
        "error_code": report.error_code,
        "error_text": report.error_text,
        "at": report.at,
        "received_at": now,
    }


def _stop_parts_after_a_failure(connection: Connection, changed: list[Message]) -> None:
    """A text that is missing its middle is worse than one that stops: later unsent parts fail with it."""
    failed = {
        message.thread_id: message
        for message in changed
        if message.delivery is Delivery.FAILED and message.part < message.parts
    }
    if not failed:
        return
    known = {message.id for message in changed}
    for thread in load_threads(connection, failed).values():
        for message in thread.messages:
            cause = failed[thread.id]
            if message.part > cause.part and message.delivery is Delivery.ACCEPTED and message.id not in known:
                report = Report("bot", cause.since, Delivery.FAILED, error_code="earlier_part_failed")
                changed.append(merge(message, report))


_HEARD = update_each(messages, *REPORTED, "send_at", "poll_at", "polls")


def _store(connection: Connection, now: datetime, heard: list[tuple[Message, timedelta]]) -> None:
    """Whoever was heard from is asked again after a silence; whoever is over, never."""
    if not heard:
        return
    _HEARD.each(connection, [reported(message) | _due(message, now, wait) for message, wait in heard])
    for message, _ in heard:
        if message.part < message.parts and taken(message):
            release_part(connection, now, message.thread_id, message.part + 1)


def _due(message: Message, now: datetime, wait: timedelta) -> dict[str, object]:
    over = message.is_final or message.unconfirmed or message.delivery < Delivery.UNCERTAIN
    return {
        "send_at": None if message.delivery > Delivery.SENDING else message.lease_until,
        "poll_at": None if over else now + wait,
        "polls": 0,
    }


def taken(message: Message) -> bool:
    """Whether Sendblue has it, so that the next part may follow."""
    return message.delivery >= Delivery.QUEUED and message.delivery is not Delivery.FAILED


def release_part(connection: Connection, now: datetime, thread_id: UUID, part: int) -> None:
    """Let a part go out: the one before it was taken."""
    _RELEASE.rows(connection, thread=thread_id, number=part, now=now)


_RELEASE = Prepared(
    update(messages)
    .where(
        messages.c.thread_id == bindparam("thread"),
        messages.c.part == bindparam("number"),
        messages.c.delivery == Delivery.ACCEPTED,
        messages.c.send_at.is_(None),
    )
    .values(send_at=bindparam("now"))
)


def wake_threads(connection: Connection, now: datetime, before: dict[UUID, Message], changed: list[Message]) -> None:
    """Make the threads due whose messages have news, or stand otherwise than the root says."""
    lanes: dict[Lane, set[UUID]] = defaultdict(set)
    for message in changed:
        old = before.get(message.id)
        if message.news:
            lanes[Lane.POST].add(message.thread_id)
        elif old is None or old.headline != message.headline:
            lanes[Lane.EDIT].add(message.thread_id)
    for lane, ids in lanes.items():
        _WAKE.rows(connection, among=ids, now=now, as_lane=lane)


# Of all that is due later, only the second edit of a root is nothing that news must wait for: nobody holds the thread.
# It is owed all the same, once the news is told.
_ONLY_EDITED_AGAIN = (threads.c.shown_rev == literal_column(str(UNKNOWN))) & (threads.c.lane == Lane.EDIT)

_WAKE = Prepared(
    update(threads)
    .where(among(threads.c.id))
    .values(
        rev=threads.c.rev + 1,
        shown_rev=case((_ONLY_EDITED_AGAIN, literal_column(str(EDITING))), else_=threads.c.shown_rev),
        due_at=case(
            (_ONLY_EDITED_AGAIN, bindparam("now", type_=threads.c.due_at.type)),
            else_=func.coalesce(threads.c.due_at, bindparam("now", type_=threads.c.due_at.type)),
        ),
        lane=case((threads.c.lane > bindparam("as_lane"), threads.c.lane), else_=bindparam("as_lane")),
    )
)
