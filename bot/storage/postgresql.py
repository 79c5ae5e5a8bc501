"""PostgreSQL, for any number of processes: statements are prepared once, and several are under way at a time."""

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from operator import methodcaller
from typing import Any

import psycopg
import structlog
from psycopg import Connection
from psycopg._preparing import Prepare, PrepareManager
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool, PoolTimeout

from bot.domain.clock import Clock, elapsed
from bot.errors import BadSettings, MaybeStored
from bot.storage.engine import NO_ROWS, Database, Rows, T, Transaction
from bot.storage.sql import Read, Sql, reads

log = structlog.get_logger(__name__)

_PATIENCE = 2.0  # seconds to wait for a connection
_OLDEST = 1800.0  # seconds after which a connection is replaced by a new one

# A database that went away without a goodbye is noticed within the time Slack waits for an answer.
_IMPATIENT = {"connect_timeout": "2", "tcp_user_timeout": "2500", "keepalives_idle": "5", "keepalives_interval": "2"}

# Beginnings of codes that say the connection leads to a server that cannot store (any more), as after a failover.
_SERVER_AT_FAULT = ("08", "57P0", "25006")
_IN_EACH_OTHERS_WAY = frozenset({"40P01", "40001"})
# What a pooler answers that hands each transaction to another connection and does not keep track of statements.
_NOT_PREPARED = frozenset({"26000", "42P05"})
# These end with the transaction: good behind a pooler, too. A plan is made once and kept, whatever the values: making
# one takes longer than most statements. One for an empty table would read all of it when it is full, so none does while
# an index would do. Where none does, all is read nevertheless, and not compiled first.
_BEGUN = (
    "SELECT clock_timestamp(), set_config('statement_timeout', %(limit)s, true), "
    "set_config('plan_cache_mode', 'force_generic_plan', true), "
    "set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)"
)


def connection_info(url: str) -> dict[str, str]:
    """Read a database URL, or raise BadSettings. Of several hosts the one that takes writes is used."""
    try:
        found = conninfo_to_dict("postgresql" + url[url.index("://") :])
    except (psycopg.Error, ValueError):
        raise BadSettings("DATABASE_URL: cannot be used: check its host, its name and what follows a ?") from None
    several = "," in str(found.get("host", ""))
    given = {name: str(value) for name, value in found.items() if value is not None}
    return _IMPATIENT | ({"target_session_attrs": "read-write"} if several else {}) | given


class _NamesThatTell(PrepareManager):
    """Names a prepared statement by its text. psycopg counts: behind a pooler its third may be another process's."""

    def get(self, query: Any, prepare: bool | None = None) -> tuple[Prepare, bytes]:  # noqa: FBT001 - psycopg's own
        decision, name = super().get(query, prepare)
        if decision is Prepare.SHOULD:
            name = b"bluethread_" + sha256(repr(self.key(query)).encode()).hexdigest()[:40].encode()
        return decision, name


def _prepare_by_text(connection: Connection[Any]) -> None:
    connection.autocommit = True  # transactions begin where we say
    connection._prepared = _NamesThatTell()  # noqa: SLF001 - psycopg offers no other way; a test looks at the names
    connection.prepared_max = 500


_in_utc = methodcaller("astimezone", UTC)


@cache
def _reads(columns: tuple[str, ...]) -> Read:
    return reads(columns, {"timestamptz": _in_utc})  # times come in the server's zone


class PostgresqlTransaction(Transaction):
    """Statements are handed over as they come, and waited for when somebody looks at what they return."""

    alone = False

    def __init__(self, connection: Connection[Any], begin: str, database: "PostgresqlDatabase") -> None:
        self._connection, self._database, self._prepare = connection, database, database.prepare
        self._asked_at = database.own_clock()
        connection.execute(begin, prepare=False)
        self._begun = connection.execute(_BEGUN, {"limit": database.limit}, prepare=self._prepare, binary=True)
        self._now: datetime | None = None  # a cached_property has one lock for all transactions before Python 3.12

    @property
    def now(self) -> datetime:
        if self._now is None:
            self._now = _in_utc(self._begun.fetchone()[0])  # type: ignore[index]
            self._database.heard(self._now, self._asked_at)
        return self._now

    @property
    def estimate(self) -> datetime:
        return self._database.clock()

    def ask(self, sql: Sql, **values: Any) -> Rows:
        self.changes |= sql.changes
        cursor = self._connection.execute(sql.postgresql, values, prepare=self._prepare, binary=True)
        # In this order: the columns come with the rows.
        return Rows(lambda: (cursor.fetchall(), _reads(tuple(column.name for column in cursor.description or ()))))

    def each(self, sql: Sql, rows: Sequence[Mapping[str, Any]], **values: Any) -> Rows:
        if not rows:
            return NO_ROWS
        return self.ask(sql, **{name: [row[name] for row in rows] for name in rows[0]}, **values)


class PostgresqlDatabase(Database):
    one_process = False
    error = psycopg.Error

    def __init__(self, url: str, clock: Clock, *, pool_size: int, statement_timeout: float) -> None:
        super().__init__(clock)
        self._info = make_conninfo(**connection_info(url))
        self.limit = str(int(statement_timeout * 1000))
        self._ahead = timedelta(0)  # of this process's clock, the database's
        self.prepare = True
        self._writing: Connection[Any] | None = None
        self._connected_at = 0.0
        self._hung_up = False
        self._reading: set[Connection[Any]] = set()
        self._readers = ConnectionPool(
            self._info,
            configure=_prepare_by_text,
            check=ConnectionPool.check_connection,
            min_size=0,
            max_size=pool_size,
            max_lifetime=_OLDEST,
            reconnect_timeout=0,  # or tries in the background, further and further apart, would keep others from trying
            timeout=_PATIENCE,
            num_workers=1,
            open=False,
        )

    def clock(self) -> datetime:
        return self.own_clock() + self._ahead

    def heard(self, at: datetime, asked_at: datetime) -> None:
        """Note what the server's clock said at some time since we asked."""
        self._ahead = min(max(self._ahead, at - self.own_clock()), at - asked_at)

    def connect(self) -> Connection[Any]:
        return psycopg.connect(self._info)

    def write(self, work: Callable[[Transaction], T]) -> T:
        while True:
            known, connection = self._writing, self._connected()
            try:
                return self._transact(connection, "BEGIN", work)
            except psycopg.Error as error:
                was_lost = connection is known and connection.closed
                if not self._can_do_without_preparing(error) and not was_lost:
                    raise

    def read(self, question: Callable[[Transaction], T]) -> T:
        self._readers.open()
        try:
            with self._readers.connection() as connection:
                self._reading.add(connection)
                try:
                    return self._transact(connection, "BEGIN READ ONLY", question)
                finally:
                    self._reading.discard(connection)
        except PoolTimeout:
            raise psycopg.OperationalError("no connection") from None
        except psycopg.Error as error:
            if not self._can_do_without_preparing(error):
                raise
        return self.read(question)

    def _connected(self) -> Connection[Any]:
        """Return the connection that writes, a new one where there is none or it is too old."""
        if self._hung_up:
            raise psycopg.OperationalError("closing")
        if self._writing is not None and not self._writing.closed and elapsed() - self._connected_at < _OLDEST:
            return self._writing
        if self._writing is not None:
            self._writing.close()
        self._writing, self._connected_at = self.connect(), elapsed()
        _prepare_by_text(self._writing)
        return self._writing

    def _can_do_without_preparing(self, error: psycopg.Error) -> bool:
        if error.sqlstate not in _NOT_PREPARED or not self.prepare:
            return False
        self.prepare = False
        log.warning("statements_are_not_prepared", why="a pooler in front of the database loses them")
        return True

    def _transact(self, connection: Connection[Any], begin: str, work: Callable[[Transaction], T]) -> T:
        """Do work with as few round trips as it has questions that depend on each other's answers."""
        committing = False
        try:
            with connection.pipeline():
                result = work(PostgresqlTransaction(connection, begin, self))
                committing = begin == "BEGIN"
                committed = connection.execute("COMMIT", prepare=False)
            if committed.statusmessage != "COMMIT":
                raise psycopg.OperationalError("the transaction was taken back")  # noqa: TRY301
        except BaseException as error:
            lost = connection.broken
            _clean(connection, error)
            if committing and lost:
                raise MaybeStored(type(error).__name__) from error
            raise
        return result

    def is_away(self, error: Exception) -> bool:
        return isinstance(error, psycopg.OperationalError) and not self.is_passing(error)

    def is_passing(self, error: Exception) -> bool:
        return isinstance(error, psycopg.Error) and error.sqlstate in _IN_EACH_OTHERS_WAY

    def hang_up(self) -> None:
        self._hung_up = True
        for connection in [self._writing, *list(self._reading)]:
            if connection is not None and not connection.closed:
                with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as line:
                    line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._readers.close(timeout=0.2)
        if self._writing is not None:
            self._writing.close()


def _clean(connection: Connection[Any], error: BaseException) -> None:
    """Take back what was begun. Close a connection that cannot, or whose server is at fault: a new one leads on."""
    code = getattr(error, "sqlstate", None) or ""
    at_fault = code.startswith(_SERVER_AT_FAULT) or code in _NOT_PREPARED
    with suppress(psycopg.Error):
        if not at_fault and connection.info.transaction_status != TransactionStatus.IDLE:
            connection.execute("ROLLBACK", prepare=False)
    if at_fault or connection.info.transaction_status != TransactionStatus.IDLE:
        connection.close()
