"""What stands in the bot's database, read past the bot."""

from contextlib import closing
from typing import Any

import psycopg

# The bot's own: two copies of SQLite in one process do not see each other's locks, and the one that closes last for
# all it knows takes the write-ahead log away from under the other (sqlite.org/howtocorrupt.html, 2.2.1).
from bot.storage.sqlite import sqlite3


def ask(url: str, question: str) -> list[tuple[Any, ...]]:
    """Return the rows; the database may be either."""
    if url.startswith("sqlite"):
        path = url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as connection:
            return connection.execute(question).fetchall()
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(question.encode())
        return found.fetchall() if found.description else []


def at_rest(url: str) -> bool:
    """Whether every thread says all there is to say, and nothing waits to be sent or copied.

    A root whose edit had no answer is edited once more to be sure, long after it says all (`patient`, lane 0, -1). One
    that says a moment later how its conversation stands (`patient`, lane 0) does not say all yet.
    """
    count = "SELECT (SELECT count(*) FROM threads WHERE due_at IS NOT NULL "
    count += "AND NOT (patient AND lane = 0 AND shown_rev = -1)), "
    count += "(SELECT count(*) FROM sends WHERE send_at IS NOT NULL), "
    count += "(SELECT count(*) FROM attachments WHERE due_at IS NOT NULL)"
    return ask(url, count) == [(0, 0, 0)]


def unfinished(url: str) -> list[str]:
    """Return what the database says of texts that are not over: for the person who reads a failure."""
    columns = "substr(text, 1, 20), delivery, since, send_at, poll_at, polls, attempts, handle, closed, due_at, posting"
    question = f"SELECT {columns} FROM sends m JOIN threads t ON t.id = m.thread_id "
    question += "WHERE delivery < 50 OR due_at IS NOT NULL ORDER BY accepted_at LIMIT 20"
    files = "id, way, stage, due_at, failures, slack_file, awaited_until"
    asked = f"SELECT {files} FROM attachments WHERE due_at IS NOT NULL OR stage < 4 LIMIT 20"
    found = [columns, *ask(url, question), files, *ask(url, asked)]
    return [one if isinstance(one, str) else " ".join(map(str, one)) for one in found]
