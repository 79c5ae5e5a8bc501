"""Which database a URL names."""

from pathlib import Path

from bot.domain.clock import Clock, steady_clock
from bot.errors import BadSettings
from bot.storage.engine import Database
from bot.storage.sqlite import SqliteDatabase


def open_database(
    url: str, clock: Clock | None = None, *, pool_size: int = 4, statement_timeout: float = 5
) -> Database:
    """Return the database of a URL, not connected yet. pool_size: of those that read. statement_timeout: seconds."""
    clock = clock or steady_clock()
    if (file := sqlite_file(url)) is not None:
        return SqliteDatabase(file, clock, pool_size=pool_size)
    from bot.storage.postgresql import PostgresqlDatabase  # noqa: PLC0415 - its driver is for those who use it

    return PostgresqlDatabase(url, clock, pool_size=pool_size, statement_timeout=statement_timeout)


def sqlite_file(url: str) -> Path | None:
    """Return where a SQLite database is; None for PostgreSQL. Raises BadSettings: neither of the two."""
    kind, _, rest = url.partition("://")  # `sqlite:///relative.db`, `sqlite:////absolute.db`, Heroku's `postgres://…`
    if kind == "sqlite" and (path := rest.partition("?")[0].removeprefix("/")):
        return Path(path).absolute()
    if kind in ("postgres", "postgresql", "postgresql+psycopg"):
        return None
    raise BadSettings("DATABASE_URL must be like sqlite:///bluethread.db or postgres://user:password@host/name")


def identity(url: str) -> bytes:
    """Return what is the same for all who use this database, and different for all others; no secret in it.

    PostgreSQL: its address and name; users and passwords change. SQLite: the file itself, whatever path leads to
    it; before there is one, the path.
    """
    file = sqlite_file(url)
    if file is None:
        from bot.storage.postgresql import connection_info  # noqa: PLC0415 - as above

        found = {"host": "", "port": "5432", "dbname": ""} | connection_info(url)
        return f"{found['host'].lower()}:{found['port']}/{found['dbname']}".encode()
    try:
        seen = file.stat()
    except OSError:
        return str(file).encode()
    return f"{seen.st_dev}:{seen.st_ino}".encode()
