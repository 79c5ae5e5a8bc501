"""What one durable commit costs here by itself: no intake can be faster than its flush, whatever stands in front."""

import time
from contextlib import closing
from pathlib import Path
from statistics import median

from bot.storage.sqlite import sqlite3

_COMMITS = 200


def measure(folder: Path) -> list[str]:
    """Return one sentence about each of SQLite's two journals, full synchronisation on."""
    return [f"One row in one durable commit, SQLite {mode}: {_milliseconds(folder, mode):.2f} ms." for mode in _MODES]


_MODES = ("TRUNCATE", "WAL")


def _milliseconds(folder: Path, mode: str) -> float:
    with closing(sqlite3.connect(folder / f"flush-{mode}.db", isolation_level=None)) as connection:
        for statement in (f"PRAGMA journal_mode={mode}", "PRAGMA synchronous=FULL", "CREATE TABLE rows (value)"):
            connection.execute(statement)
        return median(_commit(connection) for _ in range(_COMMITS))


def _commit(connection: sqlite3.Connection) -> float:
    started = time.perf_counter()
    connection.execute("INSERT INTO rows VALUES (1)")
    return 1000 * (time.perf_counter() - started)
