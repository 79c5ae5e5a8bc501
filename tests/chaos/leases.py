"""Moving the times in the database, so that nobody waits for minutes."""

from contextlib import closing

import psycopg

from bot.storage.sqlite import sqlite3

_THREADS = """
UPDATE threads SET due_at = clock_timestamp()
WHERE due_at > clock_timestamp() + %(soon)s::interval
AND due_at < clock_timestamp() + interval '60 seconds' - %(age)s::interval
"""
_NOTES = """
UPDATE private_notes SET due_at = clock_timestamp()
WHERE due_at > clock_timestamp() + %(soon)s::interval
AND due_at < clock_timestamp() + interval '60 seconds' - %(age)s::interval
"""
_SENDS = """
UPDATE sends SET send_at = clock_timestamp()
WHERE delivery = 10 AND send_at > clock_timestamp() AND attempted_at < clock_timestamp() - %(age)s::interval
"""
_FILES = """
UPDATE attachments SET due_at = clock_timestamp()
WHERE due_at > clock_timestamp() AND fence > 0 AND failures = 0
AND due_at < clock_timestamp() + interval '15 seconds' - %(age)s::interval
"""


def end_of_lease(url: str, *, age: float = 0, soon: float = 0) -> int:
    """End the leases that are older than `age` seconds, as waiting would; return how many that were.

    On SQLite a start takes over at once what the process before it held: it was the only one. On PostgreSQL nobody
    can know who is dead, so a claim comes back when its lease ends: 60 s for announcing, SENDBLUE_TIMEOUT + 15 s for
    sending, 15 s for copying a file. Moving the rows' times instead of waiting changes nothing that the bot can see,
    since it compares them with the database's clock only. While other processes live, age must be longer than any call
    of theirs takes here, or work that is being done would be given to somebody else. soon: threads that are due within
    so many seconds anyway are left alone.
    """
    seconds = {"age": f"{age} seconds", "soon": f"{soon} seconds"}
    with psycopg.connect(url, autocommit=True) as connection:
        return sum(connection.execute(statement, seconds).rowcount for statement in (_THREADS, _SENDS, _NOTES, _FILES))


def end_of_silence(url: str) -> None:
    """Make Sendblue be asked now about every text that is not over; no process may be alive on SQLite.

    A poll whose process dies counts as made, and the next one waits twice as long: after hundreds of kills that is
    minutes, for texts that had bad luck several times in a row.
    """
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
            connection.execute("UPDATE sends SET poll_at = accepted_at WHERE poll_at IS NOT NULL")
    else:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("UPDATE sends SET poll_at = accepted_at WHERE poll_at IS NOT NULL")
