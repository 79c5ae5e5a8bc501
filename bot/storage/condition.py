"""The state a database is in, for whoever looks after it. Changes nothing."""

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.errors import BadSettings
from bot.storage import schema
from bot.storage.engine import Transaction
from bot.storage.sql import Sql
from bot.storage.sqlite import connect, journal_mode, sqlite3


@dataclass(frozen=True, slots=True)
class Condition:
    """engine: in words. now: its own clock (aware), where it has one. schema: see `schema.problem`."""

    engine: str
    now: datetime | None
    schema: str


_VERSION = Sql("SELECT current_setting('server_version') AS version", sqlite="SELECT sqlite_version() AS version")


def condition(tx: Transaction) -> Condition:
    """Look at a database. Raises as `schema.problem`."""
    wrong, version = schema.problem(tx), tx.ask(_VERSION).value()
    if not tx.alone:
        return Condition(f"PostgreSQL {version}", tx.now, wrong)
    mode = journal_mode()
    why = "" if mode == "WAL" else ", because write-ahead logging can corrupt the file before 3.51.3"
    return Condition(f"SQLite {version}, journal {mode}{why}", None, wrong)


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
