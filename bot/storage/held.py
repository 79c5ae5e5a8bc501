"""Words typed in a thread that are not on their way yet: what they wait for, and how they get their place in the order.

A typed text is a thread of its own, as every later text is (decision 13): its root are the person's own words, which
stand in the customer's thread already. It waits there until its author is admitted. Words that are held have no place
in the order; they get it when they are let go.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from bot.domain.attention import Attention
from bot.domain.ids import new_id
from bot.domain.known import Known
from bot.domain.rules import Replies
from bot.domain.send import Send, Words
from bot.domain.splitting import split_text
from bot.domain.thread import Step
from bot.storage.attachments import carry, without_files
from bot.storage.conversations import Gesture, Seat, let_out, next_seats, opted_out
from bot.storage.engine import Transaction, one_by_one
from bot.storage.intake import WROTE_THERE, insert_sends
from bot.storage.private_notes import PrivateNote, owe_notes
from bot.storage.sql import Sql
from bot.storage.waking import wake, wake_cards


class Terms(Struct, frozen=True):
    """What holds for all that is typed."""

    lines: tuple[str, ...]  # ours, E.164
    rule: Replies  # of channels that have none of their own
    held_for: timedelta
    send_within: timedelta  # what is older is asked about
    new_thread_after: timedelta
    longest: int  # characters in one send
    largest_file: int  # bytes


class Heed(StrEnum):
    """What became of something typed. Any other word is why it cannot be sent, and its author is told."""

    STRANGE = "strange"  # not in a thread of ours, or nothing changed
    KNOWN = "known"  # a copy, which changes nothing
    KEPT = "kept"  # a note, or nothing any more
    HELD = "held"
    GOING = "going"
    LATE = "late"  # the customer has the words already


class Place(Attention, frozen=True, kw_only=True):
    """The thread that something was typed in, its conversation, and where that goes on."""

    thread_id: UUID
    conversation_id: UUID
    channel: str
    asked_in: str
    line: str
    customer: str
    kind: str
    closed: str
    rule: Replies | None
    set_at: datetime | None  # when that was
    usual_rule: str | None  # of channels that have none of their own
    usual_at: datetime | None  # since when
    opted_out: bool
    current_id: UUID | None
    current_channel: str | None
    current_private: bool | None
    current_closed: str | None

    def why_not(self, terms: Terms) -> str:
        """Return why nothing can be sent from here, whoever writes; "" if it can."""
        reasons = {
            "thread_over": bool(self.closed),
            "group": self.kind == "group",
            "forgotten": not self.customer,
            "no_number": not self.customer.startswith("+"),
            "not_our_line": self.line not in terms.lines,
            "opted_out": self.opted_out,
        }
        return next((reason for reason, holds in reasons.items() if holds), "")

    def leaves(self, terms: Terms, now: datetime) -> bool:
        """Whether words from here take the conversation out of a private place where it goes on now."""
        standing = self.current_closed == "" and bool(self.current_channel) and self.current_id != self.thread_id
        recent = self.last_at is not None and self.last_at > now - terms.new_thread_after
        elsewhere = self.current_channel != self.channel and self.current_private is not False
        return standing and recent and elsewhere


_OF_PLACE = f"""
    SELECT threads.id AS thread_id, threads.conversation_id, threads.channel, threads.asked_in, line, customer, kind,
        threads.closed, channels.rule, channels.set_at, usual.rule AS usual_rule, usual.set_at AS usual_at,
        {opted_out("customer")} AS opted_out, last_at, author, author_at, burst_at,
        current.id AS current_id, current.channel AS current_channel, current.private AS current_private,
        current.closed AS current_closed
    FROM threads JOIN conversations ON conversations.id = threads.conversation_id
    LEFT JOIN channels ON channels.channel = threads.channel LEFT JOIN channels AS usual ON usual.channel = ''
    LEFT JOIN threads AS current ON current.id = conversations.thread_id
"""
# Threads are locked before conversations, as everywhere.
PLACE = Sql(f"""{_OF_PLACE}
    WHERE threads.root_ts = :thread_ts AND threads.channel = CAST(:channel AS text) AND threads.typed_ts IS NULL
    AND threads.parent_id IS NULL {{lock of threads}}
""")
PARENT = Sql(f"""{_OF_PLACE}
    WHERE threads.id = (SELECT coalesce(parent_id, id) FROM threads AS its WHERE its.id = :thread_id)
    {{lock of threads}}
""")
NEW_MESSAGE = Sql("""
    INSERT INTO messages
        (id, thread_id, conversation_id, seq, key, direction, origin, team, author, answer_url, text, files, said_at,
        held_until, held_why, to_show, showing, notice, calls)
    VALUES (:id, :thread_id, :conversation_id, -1, :key, :direction, :origin, :team, :author, '', :text, :files,
        :said_at, :held_until, :held_why, false, false, '', '')
""")


class Held(Struct, frozen=True):
    """A typed message, and the thread it is the root of."""

    id: UUID
    thread_id: UUID
    conversation_id: UUID
    seq: int  # -1: it has no place in the order
    direction: str
    origin: str
    author: str
    text: str
    files: str  # the name of each, a line each
    held_until: datetime | None
    channel: str
    typed_ts: str | None
    root_ts: str | None  # None: its author is not admitted yet


MESSAGE = """
    SELECT messages.id, threads.id AS thread_id, threads.conversation_id, messages.seq, direction, origin, author,
        text, files, held_until, channel, typed_ts, root_ts
    FROM messages JOIN threads ON threads.id = messages.thread_id
"""
# Both are locked, or who waited for the thread would see the message as it was before.
LOAD = Sql(f"{MESSAGE} WHERE messages.id = :id {{lock of threads, messages}}")
LOAD_TYPED = Sql(f"""{MESSAGE}
    WHERE threads.channel = CAST(:channel AS text) AND typed_ts = :ts AND messages.seq = threads.seq
    {{lock of threads, messages}}
""")


def let_go_or_say(tx: Transaction, message: Held, terms: Terms, place: Place | None = None) -> str:
    """Let a message go to the customer, or keep it and have its author told why."""
    if not (why_not := let_go(tx, message, terms, place)):
        return Heed.GOING
    wipe(tx, message.id)
    owe(tx, message.id, message.author, why_not)
    return why_not


def let_go(tx: Transaction, message: Held, terms: Terms, place: Place | None = None) -> str:
    """Give held words their place in the order, from where they leave once their author is admitted.

    place: where they were typed, if that was read in this transaction already. Returns why they cannot be sent, "" if
    they can. Once its author is admitted, its thread is the current one.
    """
    place = place or next(iter(tx.ask(PARENT, thread_id=message.thread_id).of(Place)), None)
    if place is None:  # it was removed, as what is old is
        return "thread_over"
    if why_not := place.why_not(terms):
        return why_not
    if place.leaves(terms, tx.now):
        there = {"key": "", "author": message.author, "conversation_id": place.conversation_id}
        if not tx.each(WROTE_THERE, [there | {"channel": place.current_channel}]).column():
            return "private"
    thread_id, author = (place.thread_id, message.author) if message.root_ts else (None, None)
    if thread_id is not None:
        goes_on(tx, place)
    gesture = Gesture(f"go:{message.id.hex}", place.line, place.customer, thread_id, author=author)
    seat = next_seats(tx, [gesture]).get(gesture.key)
    if seat is None:
        return "opted_out"
    seat = seat if message.seq < 0 else Seat(seat.conversation_id, message.seq)
    tx.do(_GOES, id=message.id, seq=seat.seq)
    tx.do(_ITS_THREAD_GOES, id=message.thread_id, seq=seat.seq)
    sends = [
        Send(new_id(tx.now), message.id, message.thread_id, words, Known(tx.now))
        for words in _parts(message, place, tx.now, terms.longest)
    ]
    insert_sends(tx, [(one, seat) for one in sends])
    if message.root_ts:  # else whoever admits its author does all three
        carry(tx, message.id)
        let_out(tx, [message.thread_id])
        wake_cards(tx, [message.thread_id])
    return ""


def _parts(message: Held, place: Place, now: datetime, longest: int) -> list[Words]:
    """Return what is sent of a message: its words in parts, the last of these with the first file, and the others."""
    texts = split_text(message.text, longest)
    texts += [""] * (len(message.files.splitlines()) - 1)
    return [
        Words(place.customer, place.line, text, now, part, len(texts), quiet=True)
        for part, text in enumerate(texts, start=1)
    ]


def goes_on(tx: Transaction, place: Place) -> None:
    """Have the root of the thread that was the current one say that the conversation goes on in this one."""
    if place.current_id not in (None, place.thread_id):
        wake(tx, [one for one in [place.current_id] if one is not None], Step.EDIT)


_GOES = Sql("UPDATE messages SET direction = 'out', seq = :seq, held_until = NULL, origin = 'typed' WHERE id = :id")
_ITS_THREAD_GOES = Sql("UPDATE threads SET seq = :seq WHERE id = :id")


def wipe(tx: Transaction, message_id: UUID) -> None:
    """Keep of words only that they were no text to the customer."""
    tx.do(_WIPE, id=message_id)
    without_files(tx, message_id)


_WIPE = Sql("UPDATE messages SET direction = 'note', text = '', files = '', held_until = NULL WHERE id = :id")


@one_by_one
def expire_replies(tx: Transaction, _: None) -> int:
    """Wipe held words whose time is over, and have their authors told; return how many, 100 at most."""
    over = tx.ask(_EXPIRED, now=tx.now).of(Held)
    for message in over:
        wipe(tx, message.id)
        if message.origin != "correction":
            owe(tx, message.id, message.author, "expired")
            wake(tx, [message.thread_id], Step.MARK)
    return len(over)


# Chosen first: for 100 in the order of threads PostgreSQL would look at every message there is.
_EXPIRED = Sql(f"""{MESSAGE}
    WHERE messages.id IN (SELECT id FROM messages WHERE held_until <= :now ORDER BY held_until LIMIT 100)
    AND held_until <= :now ORDER BY threads.id {{lock of threads, messages skip locked}}
""")


def owe(tx: Transaction, message_id: UUID, person: str, says: str) -> None:
    owe_notes(tx, [PrivateNote(f"reply:{message_id.hex}:{says}"[:80], person, "", f"reply:{says}", message_id)])
