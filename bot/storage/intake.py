"""Taking in what is to be sent."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict, replace

from bot.domain.attention import CHANNEL
from bot.domain.message import Origin
from bot.domain.send import Send
from bot.storage.conversations import Current, Gesture, Seat, conversations_with, next_seats
from bot.storage.engine import Transaction
from bot.storage.sql import Sql


class Routes(Struct, frozen=True):
    """Where a text goes whose author does not say so."""

    lines: tuple[str, ...]  # ours (E.164), the default one first
    new_thread_after: timedelta  # a thread that was quiet for so long is not gone on with


class NewMessage(Struct, frozen=True):
    """One gesture: what is said, the thread to open for it, and its sends (parts), in order."""

    id: UUID
    thread_id: UUID
    origin: Origin
    text: str
    sends: tuple[Send, ...]  # on the default line, where none was chosen
    routes: Routes
    line_chosen: bool = True


class Taken(IntEnum):
    """What became of a gesture. Nothing is stored of those after NEW."""

    KNOWN = 0  # a replay, which changes nothing
    NEW = 1
    OPTED_OUT = 2  # the customer wants no texts
    LINE_GONE = 3  # the line they were last in touch on is no longer ours
    PRIVATE = 4  # the conversation goes on in a private place in which the author did not write


class Accepted(Struct, frozen=True):
    taken: Taken
    line: str  # on which it is sent
    root_ts: str | None = None  # of the thread it goes into, if that is open already
    whom: str = ""  # a Slack user id: who wrote last in that private place, if anybody did


def accept_many(tx: Transaction, items: Sequence[NewMessage]) -> Iterator[Accepted]:
    """Store each gesture once, on the line and in the thread where the conversation goes on."""
    customers = {item.sends[0].words.recipient for item in items}
    with_them = conversations_with(tx, customers)
    by_key = {item.origin.key: _Routed(item, with_them, tx.now) for item in reversed(items)}
    routed = list(by_key.values())[::-1]
    _keep_in_private(tx, routed)
    _go_on_in_one_thread(routed)
    going = [one for one in routed if one.refused is None]
    seats = next_seats(tx, [one.gesture() for one in going])
    seated = [(one, seats[one.item.origin.key]) for one in going if one.item.origin.key in seats]
    rows = [one.row(seat) for one, seat in seated]
    stored = tx.each(_NEW_MESSAGES, rows, now=tx.now)
    open_threads(tx, rows)
    insert_sends(tx, ((one, seat) for routed, seat in seated for one in routed.sends))
    if left := {key: one for key, one in by_key.items() if key not in seats}:
        known = {row.key: row.root_ts for row in tx.ask(_KNOWN_PLACES, keys=list(left))}
        for key, one in left.items():
            one.refused = None if key in known else one.refused or Taken.OPTED_OUT
            one.root_ts = known.get(key)  # not that of the thread which it opened itself
    return _accepted(items, by_key, lambda: {row["id"] for row in rows} if tx.alone else set(stored.column()))


def _accepted(
    items: Sequence[NewMessage], by_key: Mapping[str, "_Routed"], stored: Callable[[], set[Any]]
) -> Iterator[Accepted]:
    """Look at what was stored only when it is asked for: after the commit, which then waits for nothing else."""
    ids = stored()
    for item in items:
        one = by_key[item.origin.key]
        yield Accepted(one.refused or Taken(item.id in ids), one.line, one.root_ts, one.whom)


class _Routed:
    """A gesture, its line, and the thread it goes on in, if one stands in its channel and was not quiet for long."""

    def __init__(self, item: NewMessage, with_them: Mapping[str, list[Current]], now: datetime) -> None:
        words, self.item = item.sends[0].words, item
        same = with_them.get(words.recipient, [])
        self.line = words.line if item.line_chosen or not same else same[0].line
        gone = not item.line_chosen and self.line not in item.routes.lines
        self.refused: Taken | None = Taken.LINE_GONE if gone else None
        self.parent_id: UUID | None = None
        self.root_ts: str | None = None
        self.whom, self.calls = "", ""
        self.leaves: Current | None = None
        current = next((one for one in same if one.line == self.line), None)
        if current is None or not current.is_active(now - item.routes.new_thread_after):
            return
        if current.channel == item.origin.channel:
            self.parent_id, self.root_ts = current.thread_id, current.root_ts
            self.calls = CHANNEL if current.is_silent(now) else ""
        elif current.channel and current.private is not False and not gone:  # what waits for a channel is in no place
            self.leaves = current

    @property
    def where(self) -> tuple[str, str, str]:
        return self.line, self.item.sends[0].words.recipient, self.item.origin.channel

    @property
    def sends(self) -> Iterator[Send]:
        for one in self.item.sends:
            yield replace(one, words=replace(one.words, line=self.line, quiet=self.parent_id is not None))

    def gesture(self) -> Gesture:
        new = self.item.thread_id if self.parent_id is None else None
        origin, customer = self.item.origin, self.item.sends[0].words.recipient
        return Gesture(origin.key, self.line, customer, new, author=origin.author)

    def row(self, seat: Seat) -> dict[str, object]:
        item = self.item
        ids = {"id": item.id, "thread_id": item.thread_id, "conversation_id": seat.conversation_id, "seq": seat.seq}
        return ids | asdict(item.origin) | {"text": item.text, "parent_id": self.parent_id, "calls": self.calls}


def _keep_in_private(tx: Transaction, routed: Sequence[_Routed]) -> None:
    """Refuse what would take a conversation out of a private place, unless its author wrote there, too.

    Or a stranger to that place would read from then on what the customer answers to the people in it.
    """
    leaving = {one.item.origin.key: (one, one.leaves) for one in routed if one.leaves is not None}
    if not leaving:
        return
    rows = [
        {"key": key, "author": one.item.origin.author, "conversation_id": current.id, "channel": current.channel}
        for key, (one, current) in leaving.items()
    ]
    for key in set(leaving).difference(tx.each(WROTE_THERE, rows).column()):
        one, current = leaving[key]
        one.refused, one.whom = Taken.PRIVATE, current.author or ""


WROTE_THERE = Sql("""
    SELECT row.key {from key, author, conversation_id, channel} WHERE EXISTS (
        SELECT 1 FROM threads JOIN messages ON messages.thread_id = threads.id AND messages.seq = threads.seq
        WHERE threads.conversation_id = row.conversation_id AND row.channel IN (threads.channel, threads.asked_in)
        AND messages.author = row.author
    )
""")


def _go_on_in_one_thread(routed: Sequence[_Routed]) -> None:
    """Of texts to one customer that are taken in together, the later go on in the thread that the first opens."""
    opening: dict[tuple[str, str, str], UUID] = {}
    for one in routed:
        if one.parent_id is None and one.refused is None:
            one.parent_id = opening.get(one.where)
            opening.setdefault(one.where, one.item.thread_id)


KNOWN = Sql("SELECT key FROM messages WHERE key {among keys}")
# And the root of the thread in which each goes on.
_KNOWN_PLACES = Sql("""
    SELECT key, parent.root_ts AS root_ts FROM messages JOIN threads ON threads.id = messages.thread_id
    LEFT JOIN threads AS parent ON parent.id = threads.parent_id WHERE key {among keys}
""")


# What is the same for every new row stands in the statement; handed over, it would be a column of copies.
# The message comes first. Its thread and its sends are stored only if it was: of two with one key, the first wins.
# It is looked for row by row: for EXISTS PostgreSQL would read all messages while it takes them for few.
# On SQLite nobody else stores meanwhile, so whatever has a seat is new.
_MESSAGE = """
    INSERT INTO messages
        (id, thread_id, conversation_id, seq, key, direction, origin, team, author, answer_url, text, files, said_at,
        to_show, showing, notice, calls)
    {values row.id, row.thread_id, row.conversation_id, row.seq, row.key, 'out', 'command', row.team, row.author,
        row.answer_url, row.text, '', :now, false, false, '', row.calls}
"""
_NEW_MESSAGES = Sql(f"{_MESSAGE} ON CONFLICT (key) DO NOTHING RETURNING id", sqlite=_MESSAGE)
_IF_STORED = "WHERE (SELECT true FROM messages WHERE messages.id = {})"


def open_threads(tx: Transaction, rows: Sequence[dict[str, object]]) -> None:
    """Store threads: of each the message its root shows, and its channel. Where that is "", nothing is due yet."""
    tx.each(_NEW_THREADS, [row | {"due_at": tx.now if row["channel"] else None} for row in rows])


# 2 is Lane.POST.
_THREAD = """
    INSERT INTO threads (id, conversation_id, seq, channel, asked_in, parent_id, due_at, lane,
        replies, rev, shown_rev, looked, closed, patient, fence, failures, mark)
    {values row.thread_id, row.conversation_id, row.seq, row.channel, row.channel, row.parent_id, row.due_at, 2,
        0, 0, 0, 0, '', false, 0, 0, ''}
"""
_NEW_THREADS = Sql(f"{_THREAD} {_IF_STORED.format('row.id')}", sqlite=_THREAD)


def insert_sends(tx: Transaction, sends: Iterable[tuple[Send, Seat]]) -> None:
    """Store sends as they begin: of each its ids and its words. Nothing leaves before it is let out."""
    rows = [
        {"id": one.id, "message_id": one.message_id, "thread_id": one.thread_id, "seq": seat.seq}
        | {"conversation_id": seat.conversation_id, **asdict(one.words)}
        for one, seat in sends
    ]
    tx.each(_NEW_SENDS, rows, now=tx.now)


# 0 is Delivery.ACCEPTED, HandleFrom.NOWHERE and News.NONE.
_SEND = """
    INSERT INTO sends (id, message_id, thread_id, conversation_id, seq, recipient, line, text, accepted_at, since,
        part, parts, try_number, quiet, style, media_url,
        delivery, service, handle_from, error_code, error_text, picture_lost, unconfirmed, asked, decision, decided_by,
        told, under_way, owed, attempts, polls, parked, fence)
    {values row.id, row.message_id, row.thread_id, row.conversation_id, row.seq, row.recipient, row.line, row.text,
        :now, :now, row.part, row.parts, row.try_number, row.quiet, row.style, row.media_url,
        0, '', 0, '', '', false, false, false, '', '', 0, 0, 0, 0, 0, false, 0}
"""
_NEW_SENDS = Sql(f"{_SEND} {_IF_STORED.format('row.message_id')}", sqlite=_SEND)
