"""Opening the database, whichever of the two it is: an engine for the writer, one for readers, one clock."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from bot.domain.clock import Clock
from bot.errors import BadSettings
from bot.storage.sqlite import OneProcess, connect, sqlite3

_POSTGRESQL = frozenset({"postgres", "postgresql", "postgresql+psycopg"})


class Database:
    """One database.

    url: `sqlite:///relative.db`, `sqlite:////absolute.db`, or `postgres://…` as Heroku writes it. pool_size:
    connections for reading; one more writes. statement_timeout: seconds, on PostgreSQL.
    """

    def __init__(self, url: str, clock: Clock, *, pool_size: int = 4, statement_timeout: float = 5) -> None:
        self._clock = clock
        self._ahead = timedelta(0)  # of this process's clock, the database's
        self._lock: OneProcess | None = None
        parsed = database_url(url)
        if parsed.drivername == "sqlite":
            path = Path(parsed.database or "").absolute()
            self._lock = OneProcess(path)
            self.writing = _sqlite(path, read_only=False, connections=1)
            self.reading = _sqlite(path, read_only=True, connections=pool_size)
        else:
            reading = _postgresql(parsed, connections=pool_size, pool_pre_ping=True)
            self.reading = reading.execution_options(postgresql_readonly=True)
            self.writing = _postgresql(parsed, connections=1)
            _begin_at_checkout(self.writing, statement_timeout)

    @property
    def serves_one_process(self) -> bool:
        """Whether nobody else can be at work in it (SQLite)."""
        return self._lock is not None

    def take(self) -> None:
        """Become the one process that writes, where there may be one only (raises BadSettings if another is)."""
        if self._lock is not None:
            self._lock.take()

    def close(self) -> None:
        """Close every connection and let the next process in."""
        self.reading.dispose()
        self.writing.dispose()  # the last: it alone can fold a write-ahead log into the file
        if self._lock is not None:
            self._lock.release()

    def begin(self, connection: Connection) -> datetime:
        """Start a transaction's time: the database's own clock where several machines share it."""
        if self.serves_one_process:
            return self._clock()
        now: datetime = connection.info["now"]
        self._ahead = now - self._clock()
        return now

    def clock(self) -> datetime:
        """Return now, as the database sees it."""
        return self._clock() + self._ahead


def database_url(url: str) -> URL:
    """Read a database URL.

    Raises:
        BadSettings: neither SQLite nor PostgreSQL.
    """
    try:
        parsed = make_url(url)
    except Exception:  # noqa: BLE001 - SQLAlchemy's own message would repeat the password
        parsed = None
    if parsed is not None and parsed.drivername == "sqlite" and parsed.database:
        return parsed
    if parsed is not None and parsed.drivername in _POSTGRESQL:
        return parsed.set(drivername="postgresql+psycopg")
    raise BadSettings("DATABASE_URL must be like sqlite:///bluethread.db or postgres://user:password@host/name")


def _sqlite(path: Path, *, read_only: bool, connections: int) -> Engine:
    engine = _engine("sqlite://", connections, creator=lambda: connect(path, read_only=read_only), module=sqlite3)
    begin = "BEGIN" if read_only else "BEGIN IMMEDIATE"

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection, *_: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _postgresql(url: URL, *, connections: int, **options: Any) -> Engine:
    # A database that went away without a goodbye is noticed within the time Slack waits for an answer.
    impatient: dict[str, int | None] = {
        "connect_timeout": 2,
        "tcp_user_timeout": 2500,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
    }
    impatient["prepare_threshold"] = None  # a pooler hands each transaction to another connection
    return _engine(url, connections, connect_args=impatient, pool_recycle=1800, pool_timeout=2, **options)


def _begin_at_checkout(engine: Engine, statement_timeout: float) -> None:
    """Begin each transaction, set its limits, ask for the time and see whether the server is there, in one round trip.

    Good behind a pooler, too: nothing outlives the transaction.
    """
    limit = f"set_config('statement_timeout', '{int(statement_timeout * 1000)}', true)"
    begin = f"BEGIN; SELECT clock_timestamp(), {limit}"

    @event.listens_for(engine, "checkout")
    def _begin(raw: Any, record: ConnectionPoolEntry, _: Any) -> None:
        try:
            if not raw.autocommit:  # or the driver would send a BEGIN of its own, in a round trip of its own
                raw.autocommit = True
            cursor = raw.execute(begin)
        except engine.dialect.loaded_dbapi.OperationalError as error:  # it went away meanwhile: the pool tries another
            raise DisconnectionError from error
        cursor.nextset()
        record.info["now"] = cursor.fetchone()[0].astimezone(UTC)


def _engine(url: str | URL, connections: int, creator: Callable[[], Any] | None = None, **options: Any) -> Engine:
    if creator is not None:
        options["creator"] = creator
    return create_engine(
        url,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        hide_parameters=True,  # or texts and numbers would stand in error messages
        **options,
    )
