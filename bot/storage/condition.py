"""The state a database is in, for whoever looks after it. Changes nothing."""

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, text

from bot.errors import BadSettings
from bot.storage import schema
from bot.storage.database import database_url
from bot.storage.sqlite import connect, journal_mode, sqlite3


@dataclass(frozen=True, slots=True)
class Condition:
    """engine: in words. now: its own clock (aware), where it has one. schema: see `schema.problem`."""

    engine: str
    now: datetime | None
    schema: str


def condition(connection: Connection) -> Condition:
    """Look at a database. Raises as `schema.problem`."""
    wrong = schema.problem(connection)
    if connection.dialect.name == "sqlite":
        return Condition(_sqlite(), None, wrong)
    ask = text("SELECT current_setting('server_version') AS version, clock_timestamp() AS now")
    row = connection.execute(ask).one()
    return Condition(f"PostgreSQL {row.version}", row.now, wrong)


def _sqlite() -> str:
    mode = journal_mode()
    why = "" if mode == "WAL" else ", because write-ahead logging can corrupt the file before 3.51.3"
    return f"SQLite {sqlite3.sqlite_version}, journal {mode}{why}"


def sqlite_file(url: str) -> Path | None:
    """Return where a SQLite database is; None for PostgreSQL. Raises as `database_url`."""
    parsed = database_url(url)
    return Path(parsed.database or "").absolute() if parsed.drivername == "sqlite" else None


_LARGEST_CHECKED = 64 * 1024 * 1024
"""Bytes. A larger file would hold up the start for seconds."""


def check_file(file: Path) -> None:
    """Look whether a SQLite file is one and is whole.

    Raises:
        BadSettings: it is damaged, or something else.
    """
    if not file.exists():
        return
    if not is_there(file):
        raise BadSettings(f"DATABASE_URL: {file} is no file")
    if file.stat().st_size == 0:
        return
    try:
        with closing(connect(file, read_only=True)) as connection:
            whole = file.stat().st_size > _LARGEST_CHECKED
            found = "ok" if whole else connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):  # in use, or no right to read it: not the file's fault
            return
        found = str(error)
    if found != "ok":
        raise BadSettings(
            f"DATABASE_URL: {file} is damaged or is not a SQLite database; restore a backup (docs/deploy.md, Back up)"
        )


def is_there(file: Path) -> bool:
    """Whether we may see that there is such a file."""
    try:
        return file.is_file()
    except OSError:  # a folder that is not ours
        return False


def identity(url: str) -> bytes:
    """Return what is the same for all who use this database, and different for all others; no secret in it.

    PostgreSQL: its address and name; users and passwords change. SQLite: the file itself, whatever path leads to
    it; before there is one, the path.
    """
    file = sqlite_file(url)
    if file is None:
        parsed = database_url(url)
        host = parsed.host or str(parsed.query.get("host", ""))
        return f"{host.lower()}:{parsed.port or 5432}/{parsed.database}".encode()
    try:
        seen = file.stat()
    except OSError:
        return str(file).encode()
    return f"{seen.st_dev}:{seen.st_ino}".encode()
