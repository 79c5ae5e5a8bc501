"""Looking back, beside a running service: which messages there were, and the whole story of one.

Everything here reads for a moment only: on SQLite whoever reads for long keeps the service from writing.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from functools import cache, partial
from typing import Any, TypeAlias
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict

from bot.domain.known import Report
from bot.domain.message import Message
from bot.domain.thread import Thread
from bot.domain.timeline import Noted
from bot.errors import UsageError
from bot.storage.database import open_database
from bot.storage.engine import Database, T, Transaction
from bot.storage.rows import MESSAGE, load_threads, message_of
from bot.storage.sql import Sql
from bot.storage.sqlite import sqlite3

Place: TypeAlias = tuple[datetime, int, UUID]  # where a message stands among all: accepted_at, part, id

PAGE = 1000  # messages looked at in one transaction


class Filter(Struct, frozen=True):
    """Which messages: all that is set must hold."""

    number: str | None = None  # E.164
    sender: str | None = None
    since: datetime | None = None  # accepted no earlier
    until: datetime | None = None  # accepted no later
    only_open: bool = False
    only_failed: bool = False
    limit: int = 20  # how many, newest first


class Listed(Struct, frozen=True):
    """A message, who asked for it and where: ids of a Slack user and a conversation."""

    message: Message
    sender: str
    channel: str


class Story(Struct, frozen=True):
    message: Message
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
# What takes a look at each message: 50 is Delivery.FAILED, 40 SENT.
_LOOKED_AT = {
    "sender": "threads.sender = :sender",
    "only_failed": "delivery = 50",
    "only_open": "NOT unconfirmed AND (delivery < 40 OR delivery = 40 AND service <> 'SMS')",
}
_PLACE = "messages.accepted_at, messages.part, messages.id"
_LISTED = f"{MESSAGE}, threads.sender, threads.asked_in AS channel"


@cache
def _statement(what: str, conditions: tuple[str, ...], rest: str = "") -> Sql:
    """Put a statement together: what a filter leaves open is no condition, or no index could be used."""
    where = " AND ".join(conditions) or "true"
    return Sql(f"SELECT {what} FROM messages JOIN threads ON threads.id = messages.thread_id WHERE {where} {rest}")


def _conditions(wanted: Filter, *kinds: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(condition for kind in kinds for name, condition in kind.items() if getattr(wanted, name))


def find_messages(tx: Transaction, wanted: Filter) -> list[Message]:
    """Return messages, newest first."""
    conditions = _conditions(wanted, _INDEXED, _LOOKED_AT)
    rest = "ORDER BY messages.accepted_at DESC, messages.part DESC LIMIT :limit"
    return tx.ask(_statement(MESSAGE, conditions, rest), **asdict(wanted)).of(message_of)


def extent(tx: Transaction, wanted: Filter) -> tuple[int, datetime | None]:
    """Return how many messages must be looked at to find these, and when the newest of them was accepted."""
    what = "count(*) AS many, max(messages.accepted_at) AS accepted_at"
    [row] = tx.ask(_statement(what, _conditions(wanted, _INDEXED)), **asdict(wanted))
    return row.many, row.accepted_at


def pages(database: Database, wanted: Filter, *, newest_first: bool = False) -> Iterator[list[Listed]]:
    """Yield all wanted messages: from each thousand looked at, those that match. Memory stays flat."""
    place: Place | None = None
    while True:
        found, place = ask(database, partial(_next_page, wanted=wanted, after=place, newest_first=newest_first))
        yield found
        if place is None:
            return


def _next_page(
    tx: Transaction, *, wanted: Filter, after: Place | None, newest_first: bool
) -> tuple[list[Listed], Place | None]:
    """Look at the next PAGE messages; return those among them that are wanted, and where to go on (None: done)."""
    ahead, back, order = ("<", ">=", " DESC") if newest_first else (">", "<=", "")
    in_order = "ORDER BY " + ", ".join(f"{column}{order}" for column in _PLACE.split(", "))
    conditions, values = _conditions(wanted, _INDEXED), asdict(wanted)
    if after is not None:
        conditions += (f"({_PLACE}) {ahead} (:after_at, :after_part, :after_id)",)
        values |= {"after_at": after[0], "after_part": after[1], "after_id": after[2]}
    last = tx.ask(_statement(_PLACE, conditions, f"{in_order} LIMIT 1 OFFSET :offset"), offset=PAGE - 1, **values)
    place: Place | None = next(iter(last), None)
    if place is not None:
        conditions += (f"({_PLACE}) {back} (:last_at, :last_part, :last_id)",)
        values |= {"last_at": place[0], "last_part": place[1], "last_id": place[2]}
    page = tx.ask(_statement(_LISTED, conditions + _conditions(wanted, _LOOKED_AT), in_order), **values)
    return page.of(_listed), place


def _listed(sender: str, channel: str, **fields: Any) -> Listed:
    return Listed(message_of(**fields), sender, channel)


_THREAD_OF = Sql("SELECT thread_id FROM messages WHERE id = :message_id")
_REPORTS = Sql(
    "SELECT source, at, delivery, word, service, error_code, error_text, received_at "
    "FROM reports WHERE message_id = :message_id ORDER BY id"
)


def story_of(tx: Transaction, message_id: UUID) -> Story | None:
    """Return a message with its thread and every report about it, or None when there is no such message."""
    thread_id = tx.ask(_THREAD_OF, message_id=message_id).value()
    if thread_id is None:
        return None
    thread = load_threads(tx, [thread_id])[thread_id]
    [message] = [message for message in thread.messages if message.id == message_id]
    return Story(message, thread, tx.ask(_REPORTS, message_id=message_id).of(_noted))


def _noted(received_at: datetime, **fields: Any) -> Noted:
    return Noted(Report(**fields), received_at)
