"""Taking in what customers say, and finding it a thread."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.attention import Attention
from bot.domain.ids import new_id
from bot.domain.message import WITHOUT_WORDS, Inbound, Notice
from bot.domain.tapback import tapback
from bot.domain.thread import Step
from bot.storage.alarms import note_webhook
from bot.storage.attachments import files_in, store_files
from bot.storage.conversations import Current, Gesture, Seat, conversations_with, next_seats
from bot.storage.engine import Rows, Transaction
from bot.storage.intake import open_threads
from bot.storage.opt_outs import heard
from bot.storage.places import begin_with_the_oldest
from bot.storage.sql import Sql
from bot.storage.waking import wake


class Arrival(Struct, frozen=True):
    """Something a customer said, and the channel for it if its conversation has no thread; "": none."""

    said: Inbound
    inbox: str
    by_webhook: bool = False  # which tells of edits; the list has old words, too
    quiet: bool = False  # whether nobody is called for it: it came before the bot listened


def take_many(tx: Transaction, items: Sequence[Arrival]) -> Iterable[bool]:
    """Store each once, in the current thread of its conversation. Returns whether it was new; a copy changes nothing.

    Threads are locked before conversations, as everywhere. What comes while somebody begins another thread may still
    go into the one that was current when it came.
    """
    if any(item.by_webhook for item in items):
        note_webhook(tx)
    known = {row.key: row.text for row in tx.ask(_KNOWN_WORDS, keys=[item.said.key for item in items])}
    items = _with_edits(items, known)
    fresh = dict[str, Arrival]()
    for item in sorted(items, key=_when):
        if item.said.key not in known:
            fresh.setdefault(item.said.key, _as_tapback(tx, item))
    if not fresh:
        return [False for _ in items]
    notices = {key: heard(tx, item.said) for key, item in fresh.items()}
    places = _Places(tx, [item.said for item in fresh.values()])
    seats = next_seats(tx, [_gesture(item.said) for item in fresh.values()])
    places.begin(tx, {_where(fresh[key].said): seat.conversation_id for key, seat in seats.items()})
    heeded = _Heeded(tx.now, places)
    rows = [_row(tx, item, seats[key], places, heeded, notices[key]) for key, item in fresh.items() if key in seats]
    stored = tx.each(NEW_SAID, rows)
    store_files(tx, [file for row in rows for file in files_in(fresh[str(row["key"])].said, row, tx.now)])
    tx.each(_HEARD, heeded.rows)
    open_threads(tx, [row for row in rows if not row["to_show"]])
    begin_with_the_oldest(tx, places.unposted)
    return _new(items, stored)


def _new(items: Sequence[Arrival], stored: Rows) -> Iterator[bool]:
    """Look at what was stored only when it is asked for: after the commit, which then waits for nothing else."""
    keys = set(stored.column())
    yield from (item.said.key in keys for item in items)


_KNOWN_WORDS = Sql("SELECT key, text FROM messages WHERE key {among keys}")


def _with_edits(items: Sequence[Arrival], known: Mapping[str, str]) -> list[Arrival]:
    """Return what has other words than are known, or than come first here, as the edit it is. known: words by key."""
    words, found = dict(known), list[Arrival]()
    for item in items:
        is_edit = item.by_webhook and item.said.edits(words.get(item.said.key, ""))
        words.setdefault(item.said.key, item.said.text or WITHOUT_WORDS)
        found.append(replace(item, said=replace(item.said, edited=True)) if is_edit else item)
    return found


def _as_tapback(tx: Transaction, item: Arrival) -> Arrival:
    """Return what looks like a tapback as the one it is, if it quotes what was said in the conversation."""
    said = item.said
    found = None if said.is_group or said.edited or said.files or said.notice else tapback(said.text)
    if found is None:
        return item
    texts = tx.ask(_LAST_WORDS, line=said.line, customer=said.customer).column()
    if not any(found.is_to(text) for text in texts):
        return item
    return replace(item, said=replace(said, text=found.says, notice=Notice.REACTED))


_LAST_WORDS = Sql("""
    SELECT messages.text FROM conversations
    JOIN threads ON threads.conversation_id = conversations.id AND threads.seq >= next_seq - 200
    JOIN messages ON messages.thread_id = threads.id AND messages.text <> ''
    WHERE line = :line AND customer = :customer ORDER BY messages.seq DESC LIMIT 200
""")


NEW_SAID = Sql("""
    INSERT INTO messages
        (id, thread_id, conversation_id, seq, key, direction, origin, team, author, answer_url, text, files, said_at,
        to_show, showing, notice, calls)
    {values row.id, row.thread_id, row.conversation_id, row.seq, row.key, row.direction, 'phone', '', row.author, '',
        row.text, row.files, row.said_at, row.to_show, false, row.notice, row.calls}
    ON CONFLICT (key) DO NOTHING RETURNING key
""")


def _when(item: Arrival) -> datetime:
    return item.said.at


class _Places:
    """The thread for each conversation: its current one, which is woken, or one that is to be opened."""

    def __init__(self, tx: Transaction, said: Sequence[Inbound]) -> None:
        about = sorted({(one.line, one.customer) for one in said})
        self.talks = _talks(tx, about)
        current, standing, before = _current(self.talks), set[UUID](), None
        opened = dict[UUID, bool]()
        while current and current != before:  # whoever held them may have moved the conversation elsewhere
            locked = tx.ask(LOCK_STANDING, ids=list(current.values()))
            self.talks = self.talks if tx.alone else _talks(tx, about)  # asked once the locks are held
            opened = {row.id: row.opened for row in locked}
            standing = set(opened)
            before, current = current, _current(self.talks)
        self._of = {where: thread_id for where, thread_id in current.items() if thread_id in standing}
        self._new = {where: new_id(tx.now) for where in about if where not in self._of}
        self.unposted = [one for one in standing if not opened[one]]
        wake(tx, list(standing), Step.REPLY)

    def begin(self, tx: Transaction, conversations: Mapping[tuple[str, str], UUID]) -> None:
        """Make new threads current, but where somebody else began one meanwhile: then that is taken.

        conversations: held by us, of all that is stored.
        """
        new = {conversations[where]: where for where in self._new if where in conversations}
        begun = tx.each(_BEGUN, [{"id": one, "thread_id": self._new[where]} for one, where in new.items()]).column()
        if left := set(new) - set(begun):
            self._of |= {new[row.id]: row.thread_id for row in tx.ask(_CURRENT_OF, ids=list(left))}
            self.talks |= _talks(tx, [new[one] for one in left])  # what they heard belongs to the same burst
            begun_meanwhile = [self._of[new[one]] for one in left]
            self.unposted += begun_meanwhile
            wake(tx, begun_meanwhile, Step.REPLY)

    def thread_of(self, said: Inbound) -> tuple[UUID, bool]:
        """Return its thread, and whether that stands: the first in a new one opens it."""
        where = _where(said)
        stands = where in self._of
        if not stands:
            self._of[where] = self._new[where]
        return self._of[where], stands


def _talks(tx: Transaction, about: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Current]:
    found = conversations_with(tx, {customer for _, customer in about})
    talks = {(one.line, one.customer): one for same in found.values() for one in same}
    return {where: talks[where] for where in about if where in talks}


def _current(talks: Mapping[tuple[str, str], Current]) -> dict[tuple[str, str], UUID]:
    return {where: one.thread_id for where, one in talks.items() if one.thread_id is not None}


def _gesture(said: Inbound) -> Gesture:
    return Gesture(said.key, said.line, said.customer, None, inbound=True)


def _where(said: Inbound) -> tuple[str, str]:
    return said.line, said.customer


_BEGUN = Sql("""
    UPDATE conversations SET thread_id = row.thread_id {from id, thread_id}
    WHERE conversations.id = row.id AND NOT EXISTS (
        SELECT 1 FROM threads WHERE threads.id = conversations.thread_id AND closed = ''
    ) RETURNING conversations.id
""")
_CURRENT_OF = Sql("SELECT id, thread_id FROM conversations WHERE id {among ids}")
LOCK_STANDING = Sql("""
    SELECT id, root_ts IS NOT NULL OR posting IS NOT NULL AS opened FROM threads
    WHERE id {among ids} AND closed = '' ORDER BY id {lock}
""")


class _Heeded:
    """What each conversation remembers of what its customer said: since when they wait, and whom that called."""

    def __init__(self, now: datetime, places: _Places) -> None:
        self._now = now
        self._before: dict[tuple[str, str], Attention] = dict(places.talks)
        self._heard: dict[UUID, dict[str, object]] = {}

    def called(self, said: Inbound, conversation_id: UUID, notice: Notice, *, stands: bool) -> str:
        """Return whom it calls. stands: in a thread that stands; a new root is seen without a call."""
        if said.edited or said.notice:
            return ""  # no news that needs an answer
        heard = self._heard.setdefault(
            conversation_id, {"id": conversation_id, "waiting_since": None, "burst_at": None}
        )
        if not said.is_group and notice is not Notice.STOPPED:
            heard["waiting_since"] = heard["waiting_since"] or said.at
        before = self._before.get(_where(said), Attention())
        called = before.called(said.at, self._now)
        if called is None:
            return ""
        heard["burst_at"] = max(said.at, before.burst_at or said.at)
        self._before[_where(said)] = replace(before, burst_at=heard["burst_at"], last_at=self._now)
        quiet = said.is_group and not before.is_silent(self._now)  # nobody can answer a group
        return called if stands and not quiet else ""

    @property
    def rows(self) -> list[dict[str, object]]:
        return list(self._heard.values())


_HEARD = Sql("""
    UPDATE conversations SET waiting_since = coalesce(conversations.waiting_since, row.waiting_since),
        burst_at = coalesce(row.burst_at, conversations.burst_at)
    {from id, waiting_since, burst_at} WHERE conversations.id = row.id
""")


def _row(
    tx: Transaction, item: Arrival, seat: Seat, places: _Places, heeded: _Heeded, notice: Notice
) -> dict[str, object]:
    thread_id, stands = places.thread_of(item.said)
    calls = heeded.called(item.said, seat.conversation_id, notice, stands=stands and not item.quiet)
    ids = {"id": new_id(tx.now), "thread_id": thread_id, "conversation_id": seat.conversation_id, "seq": seat.seq}
    text = f"edited: {item.said.text}" if item.said.edited else item.said.text or WITHOUT_WORDS
    words = {"key": item.said.key, "text": text, "files": "\n".join(item.said.files), "notice": notice}
    shown = {"said_at": item.said.at, "to_show": stands, "calls": calls, "channel": item.inbox, "parent_id": None}
    return ids | words | _SAID | shown


_SAID = {"direction": "in", "author": ""}
