"""Reading beside a running service, which nobody who reads may keep from writing: many short transactions."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from bot.errors import UsageError
from bot.storage.database import open_database
from bot.storage.engine import Database, T, Transaction
from bot.storage.history import Filter, Listed, Place, next_page
from bot.storage.sqlite import sqlite3


class Reader:
    """Asks one database, without its lock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, question: Callable[[Transaction], T]) -> T:
        """Ask in a transaction of its own. A service that stores without a break lets us in at the next try."""
        for pause in (0.1, 0.2, 0.4, 0.8, 1.6):
            try:
                return self._database.read(question)
            except sqlite3.OperationalError as error:
                if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY:
                    raise
            time.sleep(pause)
        return self._database.read(question)

    def pages(self, wanted: Filter, *, newest_first: bool = False) -> Iterator[list[Listed]]:
        """Yield all wanted messages: from each thousand looked at, those that match. Memory stays flat."""
        place: Place | None = None
        while True:
            found, place = self.ask(partial(next_page, wanted=wanted, after=place, newest_first=newest_first))
            yield found
            if place is None:
                return


@contextmanager
def reading(url: str) -> Iterator[Reader]:
    """Open a database for questions. Raises UsageError: it cannot be read."""
    database = open_database(url)
    try:
        yield Reader(database)
    except database.error as error:
        raise UsageError(
            f"the database cannot be read ({type(error).__name__}): check DATABASE_URL; if it is new, run "
            "`python -m bot migrate` first"
        ) from None
    finally:
        database.close()
