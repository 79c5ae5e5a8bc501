"""Taking in what customers say, and finding it a thread."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.ids import new_id
from bot.domain.message import WITHOUT_WORDS, Inbound, Notice
from bot.domain.thread import Step, Thread
from bot.storage.conversations import Gesture, Seat, conversations_with, next_seats
from bot.storage.engine import Transaction, one_by_one
from bot.storage.intake import KNOWN, open_threads
from bot.storage.opt_outs import change, heard, known_of
from bot.storage.sql import Sql
from bot.storage.waking import wake


class Arrival(Struct, frozen=True):
    """Something a customer said, and the channel for it if its conversation has no thread; "": none."""

    said: Inbound
    inbox: str
    may_edit: bool = False  # the webhook tells of edits; the list has old words, too


def take_many(tx: Transaction, items: Sequence[Arrival]) -> list[bool]:
    """Store each once, in the current thread of its conversation. Returns whether it was new; a copy changes nothing.

    Threads are locked before conversations, as everywhere. What comes while somebody begins another thread may still
    go into the one that was current when it came.
    """
    known = {row.key: row.text for row in tx.ask(_KNOWN_WORDS, keys=[item.said.key for item in items])}
    items = _with_edits(items, known)
    fresh = dict[str, Arrival]()
    for item in sorted(items, key=_when):
        if item.said.key not in known:
            fresh.setdefault(item.said.key, item)
    if not fresh:
        return [False for _ in items]
    notices = {key: heard(tx, item.said) for key, item in fresh.items()}
    places = _Places(tx, [item.said for item in fresh.values()])
    seats = next_seats(tx, [_gesture(item.said) for item in fresh.values()])
    places.begin(tx, {_where(fresh[key].said): seat.conversation_id for key, seat in seats.items()})
    rows = [_row(tx, item, seats[key], places, notices[key]) for key, item in fresh.items() if key in seats]
    stored = set(tx.each(_NEW, rows).column())
    open_threads(tx, [row for row in rows if not row["to_show"]])
    begin_with_the_oldest(tx, places.unposted)
    return [item.said.key in stored for item in items]


_KNOWN_WORDS = Sql("SELECT key, text FROM messages WHERE key {among keys}")


def _with_edits(items: Sequence[Arrival], known: Mapping[str, str]) -> list[Arrival]:
    """Return what has other words than are known, or than come first here, as the edit it is. known: words by key."""
    words, found = dict(known), list[Arrival]()
    for item in items:
        is_edit = item.may_edit and item.said.edits(words.get(item.said.key, ""))
        words.setdefault(item.said.key, item.said.text or WITHOUT_WORDS)
        found.append(replace(item, said=replace(item.said, edited=True)) if is_edit else item)
    return found


_NEW = Sql("""
    INSERT INTO messages
        (id, thread_id, conversation_id, seq, key, direction, origin, team, author, answer_url, text, media, said_at,
        to_show, showing, notice)
    SELECT row.id, row.thread_id, row.conversation_id, row.seq, row.key, row.direction, 'phone', '', row.author, '',
        row.text, row.media, row.said_at, row.to_show, false, row.notice
    {from id, thread_id, conversation_id, seq, key, direction, author, text, media, said_at, to_show, notice}
    WHERE true ON CONFLICT (key) DO NOTHING RETURNING key
""")


def _when(item: Arrival) -> datetime:
    return item.said.at


def begin_with_the_oldest(tx: Transaction, threads: Sequence[UUID]) -> None:
    """Have roots that show what a customer said, and that nobody posts now, show the oldest that is known by now."""
    if threads and (changed := tx.ask(_OLDEST_FIRST, ids=threads).column()):
        tx.do(_BEHIND_ROOT, ids=changed)


class _Places:
    """The thread for each conversation: its current one, which is woken, or one that is to be opened."""

    def __init__(self, tx: Transaction, said: Sequence[Inbound]) -> None:
        about = sorted({(one.line, one.customer) for one in said})
        current, standing, before = _current(tx, about), set[UUID](), None
        opened = dict[UUID, bool]()
        while current and current != before:  # whoever held them may have moved the conversation elsewhere
            opened = {row.id: row.opened for row in tx.ask(_LOCK, ids=list(current.values()))}
            standing = set(opened)
            before, current = current, current if tx.alone else _current(tx, about)
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


def _current(tx: Transaction, about: Sequence[tuple[str, str]]) -> dict[tuple[str, str], UUID]:
    found = conversations_with(tx, {customer for _, customer in about})
    current = {(one.line, one.customer): one.thread_id for same in found.values() for one in same}
    return {where: thread_id for where in about if (thread_id := current.get(where)) is not None}


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
_LOCK = Sql("""
    SELECT id, root_ts IS NOT NULL OR posting IS NOT NULL AS opened FROM threads
    WHERE id {among ids} AND closed = '' ORDER BY id {lock}
""")
_OLDEST = """(
    SELECT seq FROM messages WHERE thread_id = threads.id AND direction = 'in' ORDER BY said_at, seq LIMIT 1
)"""
# A root that shows a text of ours stays as it is.
_OLDEST_FIRST = Sql(f"""
    UPDATE threads SET seq = {_OLDEST}
    WHERE id {{among ids}} AND root_ts IS NULL AND posting IS NULL AND seq <> {_OLDEST} AND EXISTS (
        SELECT 1 FROM messages WHERE thread_id = threads.id AND seq = threads.seq AND direction = 'in'
    ) RETURNING id
""")
_BEHIND_ROOT = Sql("""
    UPDATE messages SET to_show = NOT EXISTS (
        SELECT 1 FROM threads WHERE threads.id = messages.thread_id AND threads.seq = messages.seq
    ) WHERE thread_id {among ids}
""")


def _row(tx: Transaction, item: Arrival, seat: Seat, places: _Places, notice: Notice) -> dict[str, object]:
    thread_id, stands = places.thread_of(item.said)
    ids = {"id": new_id(tx.now), "thread_id": thread_id, "conversation_id": seat.conversation_id, "seq": seat.seq}
    text = f"edited: {item.said.text}" if item.said.edited else item.said.text or WITHOUT_WORDS
    words = {"key": item.said.key, "text": text, "media": "\n".join(item.said.media), "notice": notice}
    return ids | words | _SAID | {"said_at": item.said.at, "to_show": stands, "channel": item.inbox, "parent_id": None}


_SAID = {"direction": "in", "author": ""}


class OptOutClick(Struct, frozen=True):
    """What somebody decides about texting a customer, beside something the customer said."""

    message_id: UUID
    choice: Notice
    by: str  # a Slack user id


@one_by_one
def decide_opt_out(tx: Transaction, click: OptOutClick) -> str:
    """Store a decision, and that the thread is to say so; return the customer it is about, "" if it does not count.

    It counts once, and only if it changes something.
    """
    about = next(iter(tx.ask(_ABOUT, id=click.message_id)), None)
    if about is None or not about.customer or not list(tx.ask(_LOCK, ids=[about.thread_id])):
        return ""
    now, choice, key = tx.now, click.choice, f"click:{click.message_id.hex}:{click.choice}"
    if tx.ask(KNOWN, keys=[key]).column() or not _decided(tx, about.customer, click):
        return ""
    gesture = Gesture(key, about.line, about.customer, None, inbound=True)
    seats = next_seats(tx, [gesture])
    if not seats:
        return ""
    wake(tx, [about.thread_id], Step.REPLY)
    ids = {"id": new_id(now), "thread_id": about.thread_id, "conversation_id": seats[key].conversation_id}
    said = {"direction": "note", "author": click.by, "text": "", "media": "", "said_at": now, "to_show": True}
    tx.each(_NEW, [ids | said | {"key": key, "seq": seats[key].seq, "notice": choice}])
    return str(about.customer)


def _decided(tx: Transaction, customer: str, click: OptOutClick) -> bool:
    """Return whether it changes what is known; to keep texting somebody does while they have not opted out."""
    if click.choice is Notice.KEPT:
        return not known_of(tx, customer).stands
    now, lifts = tx.now, click.choice is Notice.UNDONE
    before, after = change(
        tx, customer, lambda known: known.undone(now) if lifts else known.closed(now), why="click", by=click.by
    )
    return before.stands != after.stands


_ABOUT = Sql("""
    SELECT line, customer, messages.thread_id FROM messages
    JOIN conversations ON conversations.id = messages.conversation_id WHERE messages.id = :id
""")


def move_inbound(tx: Transaction, thread: Thread, channel: str) -> None:
    """Show elsewhere what is left to show of a thread whose place is gone; there the conversation goes on, too.

    That is the newest other thread of its that stands where somebody wrote, else a new one in this channel.

    Changes nothing if somebody else has taken the thread over. channel: "": none yet.
    """
    held = {"old": thread.id, "fence": thread.fence}
    stands = tx.ask(_STANDS, **held).value()
    if stands is not None:
        tx.do(_LEAVE, **held, thread_id=stands)
        tx.do(_TO_ANOTHER, **held, thread_id=stands)
        wake(tx, [stands], Step.REPLY)
        return
    first = next(iter(tx.ask(_FIRST_LEFT, **held)), None)
    new = None if first is None else new_id(tx.now)
    tx.do(_LEAVE, **held, thread_id=new)
    if first is not None:
        tx.do(_MOVE, old=thread.id, thread_id=new, root_id=first.id)
        open_threads(tx, [first._asdict() | {"thread_id": new, "channel": channel, "parent_id": None}])


def without_place(tx: Transaction) -> int:
    """Return how many threads wait for a channel."""
    return int(tx.ask(_WITHOUT_PLACE).value())


@one_by_one
def give_place(tx: Transaction, channel: str) -> int:
    """Show what waits for a channel in this one, also what another would not take; return how many threads that are."""
    return len(tx.ask(_GIVE_PLACE, channel=channel, now=tx.now).column())


_WITHOUT_PLACE = Sql("SELECT count(*) AS many FROM threads WHERE channel = '' AND closed = ''")
_GIVE_PLACE = Sql("""
    UPDATE threads SET channel = :channel, asked_in = :channel, due_at = :now
    WHERE closed = '' AND (channel = '' OR lane = 2 AND due_at IS NOT NULL AND posting IS NULL AND root_ts IS NULL
        AND channel <> :channel AND EXISTS (
            SELECT 1 FROM messages WHERE thread_id = threads.id AND seq = threads.seq AND direction = 'in'
        ))
    RETURNING id
""")
_HELD = "EXISTS (SELECT 1 FROM threads WHERE id = :old AND fence = :fence)"
_FIRST_LEFT = Sql(
    "SELECT id, conversation_id, seq FROM messages "
    f"WHERE thread_id = :old AND to_show AND direction = 'in' AND {_HELD} ORDER BY said_at, seq LIMIT 1"
)
_LEAVE = Sql(f"""
    UPDATE conversations SET thread_id = :thread_id
    WHERE id = (SELECT conversation_id FROM threads WHERE id = :old) AND thread_id = :old AND {_HELD}
""")
_MOVE = Sql("""
    UPDATE messages SET thread_id = :thread_id, showing = false, to_show = id <> :root_id
    WHERE thread_id = :old AND to_show
""")
_STANDS = Sql("""
    SELECT id FROM threads
    WHERE conversation_id = (SELECT conversation_id FROM threads WHERE id = :old AND fence = :fence) AND id <> :old
    AND closed = '' AND root_ts IS NOT NULL AND thread_ts IS NULL AND parent_id IS NULL AND channel = asked_in
    ORDER BY seq DESC LIMIT 1 {lock}
""")
_TO_ANOTHER = Sql(f"""
    UPDATE messages SET thread_id = :thread_id, showing = false WHERE thread_id = :old AND to_show AND {_HELD}
""")
