"""Looking back, beside a running service: what was said, both ways, and the whole story of one send or answer.

Everything here reads for a moment only: on SQLite whoever reads for long keeps the service from writing.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import cache, partial
from heapq import merge
from itertools import chain
from typing import Any, TypeAlias
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict

from bot.domain.known import Report
from bot.domain.message import Message
from bot.domain.send import Send
from bot.domain.thread import Thread
from bot.domain.timeline import Noted
from bot.errors import UsageError
from bot.storage.database import open_database
from bot.storage.engine import Database, T, Transaction
from bot.storage.rows import IN_ORDER, MESSAGE, SEND, load_threads, send_and_message, send_of
from bot.storage.sql import Sql
from bot.storage.sqlite import sqlite3

Place: TypeAlias = tuple[datetime, int, UUID]  # where one stands among all: when, part or seq, id

PAGE = 1000  # sends, or customers' messages, looked at in one transaction


class Filter(Struct, frozen=True):
    """Which sends and customers' messages: all that is set must hold."""

    number: str | None = None  # the customer's, in E.164
    author: str | None = None  # no customer's message has one
    since: datetime = datetime.min.replace(tzinfo=UTC)  # said no earlier; a bound always, or no index is used
    until: datetime | None = None  # said no later
    only_open: bool = False  # sends that are not over, customers' messages that are not shown
    only_failed: bool = False  # no customer's message does
    limit: int = 20  # how many, newest first


class Listed(Struct, frozen=True):
    """A send, its message, and the Slack channel where that was typed."""

    send: Send
    message: Message
    channel: str


class Received(Struct, frozen=True):
    """What a customer said, and where it is shown."""

    message: Message
    key: str
    line: str
    customer: str  # "" once the words are forgotten
    thread_id: UUID
    channel: str  # "" while there is no place for it
    thread_ts: str | None  # of the Slack thread that shows it, once that is open
    waits: bool  # to be shown

    @property
    def handle(self) -> str:
        """Sendblue's name for it. After that, `Inbound.key` names a part and an edit."""
        return re.sub(r"(:\d+)?(:[0-9a-f]{16})?$", "", self.key.removeprefix("in:"))

    @property
    def stored_at(self) -> datetime:
        return datetime.fromtimestamp((self.message.id.int >> 80) / 1000, UTC)  # as `ids.new_id` has it


Entry: TypeAlias = Listed | Received


class Story(Listed, frozen=True):
    thread: Thread
    noted: list[Noted]  # oldest first


@contextmanager
def reading(url: str) -> Iterator[Database]:
    """Open a database for questions, without its lock. Raises UsageError: it cannot be read."""
    with closing(open_database(url)) as database:
        try:
            yield database
        except database.error as error:
            todo = "check DATABASE_URL; if it is new, run `python -m bot migrate` first"
            raise UsageError(f"the database cannot be read ({type(error).__name__}): {todo}") from None


def ask(database: Database, question: Callable[[Transaction], T]) -> T:
    """Ask in a transaction of its own."""
    return once_free(database.read, question)


def once_free(transact: Callable[[Callable[[Transaction], T]], T], work: Callable[[Transaction], T]) -> T:
    """Do something in a transaction. A service that stores without a break lets us in at the next try."""
    for pause in (0.1, 0.2, 0.4, 0.8, 1.6):
        try:
            return transact(work)
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY:
                raise
        time.sleep(pause)
    return transact(work)


class _Kind(Struct, frozen=True):
    """How one kind of what was said is found, in the order it was said."""

    place: str  # columns of a Place
    tables: str  # in which it is looked for
    indexed: Mapping[str, str]  # conditions that an index answers
    whole: str  # tables with all there is to say
    listed: str  # that, as columns
    looked_at: Mapping[str, str]  # conditions that take a look at each
    entry: Callable[..., Any]  # made of a row


@cache
def _statement(what: str, tables: str, conditions: tuple[str, ...], rest: str = "") -> Sql:
    """Put a statement together: what a filter leaves open is no condition, or no index could be used."""
    return Sql(f"SELECT {what} FROM {tables} WHERE {' AND '.join(conditions)} {rest}")


def _conditions(wanted: Filter, *kinds: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(condition for kind in kinds for name, condition in kind.items() if getattr(wanted, name))


def _listed(channel: str, **fields: Any) -> Listed:
    return Listed(*send_and_message(**fields), channel)


def _received(**fields: Any) -> Received:
    return Received(Message(*(fields.pop(f"its_{name}") for name in Message.__struct_fields__)), **fields)


_MESSAGES = "sends JOIN messages ON messages.id = sends.message_id"
# 50 is Delivery.FAILED, 40 SENT.
_SENDS = _Kind(
    "sends.accepted_at, sends.part, sends.id",
    "sends",
    {"number": "recipient = :number", "since": "accepted_at >= :since", "until": "accepted_at <= :until"},
    f"{_MESSAGES} JOIN threads ON threads.id = sends.thread_id",
    f"{SEND}, {MESSAGE}, threads.asked_in AS channel",
    {
        "author": "messages.author = :author",
        "only_failed": "delivery = 50",
        "only_open": "NOT unconfirmed AND (delivery < 40 OR delivery = 40 AND service <> 'SMS')",
    },
    _listed,
)
_THREADS = """
    messages JOIN threads ON threads.id = messages.thread_id
    JOIN conversations ON conversations.id = threads.conversation_id
"""
_WAITS = "(messages.to_show OR threads.root_ts IS NULL AND threads.seq = messages.seq)"
_RECEIVED = _Kind(
    "messages.said_at, messages.seq, messages.id",
    _THREADS,
    {
        "since": "direction = 'in' AND said_at >= :since",
        "until": "said_at <= :until",
        "number": "customer = :number AND customer <> '' AND text <> ''",  # of forgotten words nobody is known
    },
    _THREADS,
    f"{MESSAGE}, messages.key, line, CASE WHEN text = '' THEN '' ELSE customer END AS customer, "
    "threads.id AS thread_id, threads.channel, coalesce(threads.thread_ts, threads.root_ts) AS thread_ts, "
    f"{_WAITS} AS waits",
    {"only_open": _WAITS},
    _received,
)


def _kinds(wanted: Filter) -> list[_Kind]:
    return [_SENDS] if wanted.only_failed or wanted.author else [_SENDS, _RECEIVED]


def find_sends(tx: Transaction, wanted: Filter) -> list[Send]:
    """Return sends, newest first."""
    conditions = _conditions(wanted, _SENDS.indexed, _SENDS.looked_at)
    when = "messages.said_at" if wanted.author else "sends.accepted_at"  # as the index has it
    rest = f"ORDER BY {when} DESC, sends.part DESC, sends.try_number DESC LIMIT :limit"
    return tx.ask(_statement(SEND, _MESSAGES, conditions, rest), **asdict(wanted)).of(send_of)


def extent(tx: Transaction, wanted: Filter) -> tuple[int, datetime | None]:
    """Return how many must be looked at to find what is wanted, and when the newest of them was said."""
    many, newest = 0, list[datetime]()
    for kind in _kinds(wanted):
        what = f"count(*) AS many, max({kind.place.partition(',')[0]}) AS at"
        [row] = tx.ask(_statement(what, kind.tables, _conditions(wanted, kind.indexed)), **asdict(wanted))
        many += row.many
        newest += [row.at] if row.many else []
    return many, max(newest, default=None)


def entries(
    database: Database, wanted: Filter, *, newest_first: bool = False, looked: Callable[[int], object] = lambda _: None
) -> Iterator[Entry]:
    """Yield all that is wanted in the order it was said. Memory stays flat. looked: told how many were looked at."""
    how = partial(_pages, database, wanted, newest_first=newest_first, looked=looked)
    return merge(*map(chain.from_iterable, map(how, _kinds(wanted))), key=_place, reverse=newest_first)


def _place(entry: Entry) -> Place:
    if isinstance(entry, Received):
        return entry.message.said_at, entry.message.seq, entry.message.id
    return entry.send.words.accepted_at, entry.send.words.part, entry.send.id


def _pages(
    database: Database, wanted: Filter, kind: _Kind, *, newest_first: bool, looked: Callable[[int], object]
) -> Iterator[list[Entry]]:
    """Yield, from each thousand looked at, those that are wanted."""
    place: Place | None = None
    while True:
        next_page = partial(_next_page, kind=kind, wanted=wanted, after=place, newest_first=newest_first)
        found, place = ask(database, next_page)
        yield found
        looked(PAGE)
        if place is None:
            return


def _next_page(
    tx: Transaction, *, kind: _Kind, wanted: Filter, after: Place | None, newest_first: bool
) -> tuple[list[Entry], Place | None]:
    """Look at the next PAGE of a kind; return those among them that are wanted, and where to go on (None: done)."""
    ahead, back, order = ("<", ">=", " DESC") if newest_first else (">", "<=", "")
    in_order = "ORDER BY " + ", ".join(f"{column}{order}" for column in kind.place.split(", "))
    conditions, values = _conditions(wanted, kind.indexed), asdict(wanted)
    if after is not None:
        conditions += (f"({kind.place}) {ahead} (:after_at, :after_part, :after_id)",)
        values |= {"after_at": after[0], "after_part": after[1], "after_id": after[2]}
    end = _statement(kind.place, kind.tables, conditions, f"{in_order} LIMIT 1 OFFSET {PAGE - 1}")
    place: Place | None = next(iter(tx.ask(end, **values)), None)
    if place is not None:
        conditions += (f"({kind.place}) {back} (:last_at, :last_part, :last_id)",)
        values |= {"last_at": place[0], "last_part": place[1], "last_id": place[2]}
    found = _statement(kind.listed, kind.whole, conditions + _conditions(wanted, kind.looked_at), in_order)
    return tx.ask(found, **values).of(kind.entry), place


_OF = Sql(
    f"SELECT {_SENDS.listed} FROM {_SENDS.whole} WHERE sends.id = :id OR sends.message_id = :id ORDER BY {IN_ORDER}"
)
_REPORTS = Sql(
    "SELECT source, at, delivery, word, service, error_code, error_text, received_at "
    "FROM reports WHERE send_id = :send_id ORDER BY id"
)


def stories_of(tx: Transaction, wanted: UUID) -> list[Story]:
    """Return a send, or all sends of a message, each with its thread and every report about it; none: no such id."""
    found = tx.ask(_OF, id=wanted).of(_listed)
    threads = load_threads(tx, {listed.send.thread_id for listed in found})
    return [
        Story(one.send, one.message, one.channel, thread, tx.ask(_REPORTS, send_id=one.send.id).of(_noted))
        for one in found
        if (thread := threads.get(one.send.thread_id)) is not None
    ]


def _noted(received_at: datetime, **fields: Any) -> Noted:
    return Noted(Report(**fields), received_at)


_ANSWER = Sql(f"SELECT {_RECEIVED.listed} FROM {_RECEIVED.tables} WHERE messages.id = :id AND direction = 'in'")
_BELONGS = Sql(f"""
    SELECT {MESSAGE} FROM threads JOIN messages ON messages.thread_id = threads.id
    WHERE threads.conversation_id = :conversation_id AND messages.id <> :id AND (
        key = :key OR substr(key, 1, length(:key) + 1) = :key || ':' OR substr(key, 1, length(:click)) = :click
    ) ORDER BY messages.seq
""")


def answer_of(tx: Transaction, wanted: UUID) -> tuple[Received, list[Message]] | None:
    """Return what a customer said, and what belongs to it: its other parts, edits, clicks. None: no such id."""
    for one in tx.ask(_ANSWER, id=wanted).of(_received):
        keys = {"key": f"in:{one.handle}", "click": f"click:{wanted.hex}:"}  # as `inbound.decide_opt_out` has it
        rows = tx.ask(_BELONGS, id=wanted, conversation_id=one.message.conversation_id, **keys)
        return one, [Message(*row) for row in rows]
    return None
