"""SQLite as a server's database: a version that loses nothing, the right journal, one process per file."""

import fcntl
import os
from pathlib import Path
from typing import IO

from bot.errors import BadSettings

try:  # a wheel that brings its own SQLite, newer than Python's own
    from pysqlite3 import dbapi2 as sqlite3
except ImportError:  # no wheel for this machine
    import sqlite3

__all__ = ["OneProcess", "connect", "journal_mode", "sqlite3"]

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
    """Open a connection whose transactions begin where SQLAlchemy says (isolation_level None)."""
    if not read_only and not path.exists():
        path.touch(mode=0o600)  # people's texts are in it
    url = path.as_uri() + ("?mode=ro" if read_only else "")
    connection = sqlite3.connect(url, uri=True, timeout=0.9, isolation_level=None, check_same_thread=False)
    if not read_only:
        connection.execute(f"PRAGMA journal_mode={journal_mode()}")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA cache_size=-8000")  # KiB: a page that is read again while it is written costs time
    return connection


class OneProcess:
    """An advisory lock beside a SQLite file: two services on one file would starve each other."""

    def __init__(self, database: Path) -> None:
        try:
            database = database.resolve()  # whichever symlink leads to it
        except (OSError, RuntimeError):
            raise BadSettings(f"DATABASE_URL: {database} is a link that leads nowhere") from None
        self._path = database.with_name(database.name + ".lock")
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Hold the lock until `release` or the end of the process.

        Raises:
            BadSettings: another process holds it, or the folder cannot be written.
        """
        try:
            self._file = self._path.open("a+")
        except OSError as error:
            raise BadSettings(f"DATABASE_URL: cannot write in {self._path.parent} ({error.strerror})") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.release()
            raise BadSettings(
                f"DATABASE_URL: another Bluethread process is using {self._path.with_suffix('')}; "
                "stop it first, SQLite serves one process"
            ) from None
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        """Let the next process in."""
        if self._file is not None:
            self._file.close()
            self._file = None
