"""Looking back, beside a running service: which sends there were, and the whole story of one.

Everything here reads for a moment only: on SQLite whoever reads for long keeps the service from writing.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import cache, partial
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

Place: TypeAlias = tuple[datetime, int, UUID]  # where a send stands among all: accepted_at, part, id

PAGE = 1000  # sends looked at in one transaction


class Filter(Struct, frozen=True):
    """Which sends: all that is set must hold."""

    number: str | None = None  # E.164
    author: str | None = None
    since: datetime = datetime.min.replace(tzinfo=UTC)  # accepted no earlier; a bound always, or no index is used
    until: datetime | None = None  # accepted no later
    only_open: bool = False
    only_failed: bool = False
    limit: int = 20  # how many, newest first


class Listed(Struct, frozen=True):
    """A send, its message, and the Slack channel where that was typed."""

    send: Send
    message: Message
    channel: str


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
    """Ask in a transaction of its own. A service that stores without a break lets us in at the next try."""
    for pause in (0.1, 0.2, 0.4, 0.8, 1.6):
        try:
            return database.read(question)
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY:
                raise
        time.sleep(pause)
    return database.read(question)


# What an index answers.
_INDEXED = {"number": "recipient = :number", "since": "accepted_at >= :since", "until": "accepted_at <= :until"}
# What takes a look at each send: 50 is Delivery.FAILED, 40 SENT.
_LOOKED_AT = {
    "author": "messages.author = :author",
    "only_failed": "delivery = 50",
    "only_open": "NOT unconfirmed AND (delivery < 40 OR delivery = 40 AND service <> 'SMS')",
}
_PLACE = "sends.accepted_at, sends.part, sends.id"
_LISTED = f"{SEND}, {MESSAGE}, threads.asked_in AS channel"


_SENDS = "sends"
_MESSAGES = f"{_SENDS} JOIN messages ON messages.id = sends.message_id"
_THREADS = f"{_MESSAGES} JOIN threads ON threads.id = sends.thread_id"


@cache
def _statement(what: str, tables: str, conditions: tuple[str, ...], rest: str = "") -> Sql:
    """Put a statement together: what a filter leaves open is no condition, or no index could be used."""
    return Sql(f"SELECT {what} FROM {tables} WHERE {' AND '.join(conditions)} {rest}")


def _conditions(wanted: Filter, *kinds: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(condition for kind in kinds for name, condition in kind.items() if getattr(wanted, name))


def find_sends(tx: Transaction, wanted: Filter) -> list[Send]:
    """Return sends, newest first."""
    conditions = _conditions(wanted, _INDEXED, _LOOKED_AT)
    when = "messages.said_at" if wanted.author else "sends.accepted_at"  # as the index has it
    rest = f"ORDER BY {when} DESC, sends.part DESC, sends.try_number DESC LIMIT :limit"
    return tx.ask(_statement(SEND, _MESSAGES, conditions, rest), **asdict(wanted)).of(send_of)


def extent(tx: Transaction, wanted: Filter) -> tuple[int, datetime | None]:
    """Return how many sends must be looked at to find these, and when the newest of them was accepted."""
    what = "count(*) AS many, max(sends.accepted_at) AS accepted_at"
    [row] = tx.ask(_statement(what, _SENDS, _conditions(wanted, _INDEXED)), **asdict(wanted))
    return row.many, row.accepted_at


def pages(database: Database, wanted: Filter, *, newest_first: bool = False) -> Iterator[list[Listed]]:
    """Yield all wanted sends: from each thousand looked at, those that match. Memory stays flat."""
    place: Place | None = None
    while True:
        found, place = ask(database, partial(_next_page, wanted=wanted, after=place, newest_first=newest_first))
        yield found
        if place is None:
            return


def _next_page(
    tx: Transaction, *, wanted: Filter, after: Place | None, newest_first: bool
) -> tuple[list[Listed], Place | None]:
    """Look at the next PAGE sends; return those among them that are wanted, and where to go on (None: done)."""
    ahead, back, order = ("<", ">=", " DESC") if newest_first else (">", "<=", "")
    in_order = "ORDER BY " + ", ".join(f"{column}{order}" for column in _PLACE.split(", "))
    conditions, values = _conditions(wanted, _INDEXED), asdict(wanted)
    if after is not None:
        conditions += (f"({_PLACE}) {ahead} (:after_at, :after_part, :after_id)",)
        values |= {"after_at": after[0], "after_part": after[1], "after_id": after[2]}
    end = _statement(_PLACE, _SENDS, conditions, f"{in_order} LIMIT 1 OFFSET {PAGE - 1}")
    place: Place | None = next(iter(tx.ask(end, **values)), None)
    if place is not None:
        conditions += (f"({_PLACE}) {back} (:last_at, :last_part, :last_id)",)
        values |= {"last_at": place[0], "last_part": place[1], "last_id": place[2]}
    page = tx.ask(_statement(_LISTED, _THREADS, conditions + _conditions(wanted, _LOOKED_AT), in_order), **values)
    return page.of(_listed), place


def _listed(channel: str, **fields: Any) -> Listed:
    return Listed(*send_and_message(**fields), channel)


_OF = Sql(f"SELECT {_LISTED} FROM {_THREADS} WHERE sends.id = :id OR sends.message_id = :id ORDER BY {IN_ORDER}")
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
