"""SQLite as a server's database: a version that loses nothing, the right journal, one process per file."""

import fcntl
import os
import queue
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from functools import cache, cached_property, lru_cache
from hashlib import sha256
from operator import attrgetter
from pathlib import Path
from typing import Any
from uuid import UUID

from msgspec import convert, json

from bot.domain.clock import Clock
from bot.errors import BadSettings
from bot.storage.engine import NO_ROWS, Database, Rows, T, Transaction
from bot.storage.sql import CODED, PARAMETER, Read, Sql, reads

try:  # a wheel that brings its own SQLite, newer than Python's own
    from pysqlite3 import dbapi2 as sqlite3
except ImportError:  # no wheel for this machine
    import sqlite3

__all__ = ["SqliteDatabase", "connect", "journal_mode", "sqlite3"]

_PATIENCE = 2.0  # seconds to wait for a connection
_LARGEST_CHECKED = 64 * 1024 * 1024  # bytes; a larger file would hold up the start for seconds
_SAFE_BACKPORTS = {(3, 44): 6, (3, 50): 7}
_SAFE_SINCE = (3, 51, 3)


def journal_mode(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> str:
    """Return the fastest journal mode that cannot lose data with this SQLite.

    Write-ahead logging in 3.7.0 to 3.51.2 can corrupt the file when two connections write or checkpoint at a bad
    moment (the WAL-reset bug; fixed in 3.51.3, 3.50.7 and 3.44.6). Source: sqlite.org/wal.html.
    """
    major, minor, patch = version[:3]
    safe = (major, minor, patch) >= _SAFE_SINCE or patch >= _SAFE_BACKPORTS.get((major, minor), patch + 1)
    return "WAL" if safe else "TRUNCATE"


def connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Open a connection whose transactions begin where we say (isolation_level None)."""
    new = not read_only and not path.exists()
    if new:
        path.touch(mode=0o600)  # people's texts are in it
    url = path.as_uri() + ("?mode=ro" if read_only else "")
    connection = sqlite3.connect(
        url, uri=True, timeout=0.9, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    add_digest(connection)
    if new:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # takes effect before there is a table only
    if not read_only:
        connection.execute("PRAGMA secure_delete=ON")  # what is overwritten or removed is not left in the file
        connection.execute(f"PRAGMA journal_mode={journal_mode()}")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA cache_size=-8000")  # KiB: a page that is read again while it is written costs time
    return connection


def add_digest(connection: sqlite3.Connection) -> None:
    """Teach a connection what `{digest}` calls (see `bot.storage.sql`)."""
    connection.create_function("digest", 1, lambda text: sha256(text.encode()).hexdigest(), deterministic=True)


@lru_cache(64)  # now is spelled several times
def _spelled(time: datetime) -> str:
    """SQLite has no times: UTC as text, which sorts as the times do."""
    return time.astimezone(UTC).isoformat(" ", "microseconds").removesuffix("+00:00")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


def _uuid(text: str) -> UUID:
    return convert(text, UUID)  # as UUID(text), in a third of its time


_JSON = json.Encoder(uuid_format="hex")

sqlite3.register_adapter(datetime, _spelled)
sqlite3.register_adapter(UUID, lambda one: one.int.to_bytes(16).hex())  # as UUID.hex, in a third of its time
sqlite3.register_adapter(list, lambda values: _JSON.encode(values).decode())  # of UUIDs, or of texts
# Else SQLite's module looks for other ways first, slowly.
sqlite3.register_adapter(bool, int)
for code in CODED.values():
    sqlite3.register_adapter(code, attrgetter("_value_"))


@cache
def _reads(columns: tuple[str, ...]) -> Read:
    return reads(columns, {"timestamptz": _time, "uuid": _uuid, "bool": bool})  # SQLite has numbers and texts only


@cache
def _numbered(sql: Sql) -> tuple[str, Sequence[str]]:
    """Return a statement and its parameters in order: SQLite's module binds those with names in twice the time."""
    names = list(dict.fromkeys(PARAMETER.findall(sql.sqlite)))
    return PARAMETER.sub(lambda found: f"?{names.index(found[1]) + 1}", sql.sqlite), names


class SqliteTransaction(Transaction):
    alone = True

    def __init__(self, connection: Any, clock: Clock) -> None:
        self._cursor, self._clock = connection.cursor(), clock

    @cached_property
    def now(self) -> datetime:
        return self._clock()

    def ask(self, sql: Sql, **values: Any) -> Rows:
        self.changes |= sql.changes
        text, names = _numbered(sql)
        return self._rows(self._cursor.execute(text, [values[name] for name in names]).fetchall())

    def each(self, sql: Sql, rows: Sequence[Mapping[str, Any]], **values: Any) -> Rows:
        self.changes |= sql.changes and bool(rows)
        if values:  # the same for all of them, so each is adapted once
            same = {name: sqlite3.adapt(value, sqlite3.PrepareProtocol, value) for name, value in values.items()}
            rows = [{**row, **same} for row in rows]
        text, names = _numbered(sql)
        given = [[row[name] for name in names] for row in rows]
        if not sql.returns_rows:
            self._cursor.executemany(text, given)
            return NO_ROWS
        found = list[Sequence[Any]]()
        for one in given:
            found += self._cursor.execute(text, one).fetchall()  # before the next: one in use would be compiled again
        return self._rows(found)

    def _rows(self, found: Sequence[Sequence[Any]]) -> Rows:
        if not found:
            return NO_ROWS
        columns = tuple(column[0] for column in self._cursor.description)
        return Rows(lambda: (found, _reads(columns)))


class SqliteDatabase(Database):
    one_process = True
    error = sqlite3.Error

    def __init__(self, path: Path, clock: Clock, *, pool_size: int) -> None:
        super().__init__(clock)
        self.path = path
        try:
            file = path.resolve()  # whichever symlink leads to it
        except (OSError, RuntimeError):
            raise BadSettings(f"DATABASE_URL: {path} is a link that leads nowhere") from None
        self._lock_file, self._lock = file.with_name(file.name + ".lock"), ExitStack()
        self._writing: Any = None
        self._hung_up = False
        self._readers: queue.LifoQueue[Any] = queue.LifoQueue()
        for _ in range(pool_size):
            self._readers.put(None)  # a place; its connection is opened when it is needed first

    def connect(self) -> Any:
        return connect(self.path, read_only=False)

    def check(self) -> None:
        file = self.path
        if not file.exists():
            return
        if not file.is_file():
            raise BadSettings(f"DATABASE_URL: {file} is no file")
        if (size := file.stat().st_size) == 0:
            return
        try:
            with closing(connect(file, read_only=True)) as connection:
                large = size > _LARGEST_CHECKED
                found = "ok" if large else connection.execute("PRAGMA quick_check(1)").fetchone()[0]
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:  # in use, or no right to read it: not the file's fault
            return
        except sqlite3.DatabaseError:
            found = "something else"
        if found != "ok":
            why = "is damaged or is not a SQLite database; restore a backup (docs/deploy.md, Back up)"
            raise BadSettings(f"DATABASE_URL: {file} {why}")

    def take(self) -> None:
        """Hold an advisory lock beside the file: two services on one file would starve each other."""
        try:
            file = self._lock.enter_context(self._lock_file.open("a+"))
        except OSError as error:
            raise BadSettings(f"DATABASE_URL: cannot write in {self._lock_file.parent} ({error.strerror})") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise BadSettings(
                f"DATABASE_URL: another Bluethread process is using {self._lock_file.with_suffix('')}; "
                "stop it first, SQLite serves one process"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()

    def write(self, work: Callable[[Transaction], T]) -> T:
        if self._writing is None:
            self._writing = self.connect()
        with within(self._writing, "BEGIN IMMEDIATE"):
            return work(SqliteTransaction(self._writing, self.own_clock))

    def read(self, question: Callable[[Transaction], T]) -> T:
        try:
            connection = self._readers.get(timeout=_PATIENCE)
        except queue.Empty:
            raise sqlite3.OperationalError("too many are reading") from None
        try:
            connection = connection or connect(self.path, read_only=True)
            with within(connection, "BEGIN"):
                return question(SqliteTransaction(connection, self.own_clock))
        finally:
            self._readers.put(connection)

    def is_away(self, error: Exception) -> bool:
        return isinstance(error, sqlite3.OperationalError)

    def hang_up(self) -> None:
        self._hung_up = True  # a file answers or fails; only to give room back takes long

    def erase(self) -> None:
        with closing(self.connect()) as connection:
            shrinks = connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)  # incremental; older files have none
            while shrinks and not self._hung_up and connection.execute("PRAGMA freelist_count").fetchone() != (0,):
                connection.execute("PRAGMA incremental_vacuum(100)").fetchall()
                time.sleep(0.1)  # whoever waits to write looks again only so often
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        readers = [self._readers.get() for _ in range(self._readers.qsize())]
        for connection in [*readers, self._writing]:  # the writer last: it alone can fold a write-ahead log in
            if connection is not None:
                connection.close()
        for _ in readers:
            self._readers.put(None)
        self._writing = None
        self._lock.close()


@contextmanager
def within(connection: Any, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite ends it by itself after some errors, such as a full disk
            connection.execute("ROLLBACK")
        raise
