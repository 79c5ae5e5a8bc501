"""A database, whichever of the two it is: transactions, one that writes and several that read, and one clock."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import wraps
from typing import Any, ClassVar, TypeVar

from bot.domain.clock import Clock
from bot.storage.sql import Read, Sql

T = TypeVar("T")
Item = TypeVar("Item")
Result = TypeVar("Result")


class Rows:
    """What a statement returned. It is waited for when it is looked at, so that several can be under way."""

    def __init__(self, fetch: Callable[[], tuple[Sequence[Sequence[Any]], Read]]) -> None:
        self._fetch = fetch
        self._found: tuple[Sequence[Sequence[Any]], Read] | None = None

    def __iter__(self) -> Iterator[Any]:
        """Yield rows whose values have the names of their columns."""
        if self._found is None:
            self._found = self._fetch()
        rows, read = self._found
        return map(read, rows)

    def of(self, kind: Callable[..., T]) -> list[T]:
        """Return a value of this kind for each row; its fields are named as the columns."""
        return [kind(**row._asdict()) for row in self]

    def column(self) -> list[Any]:
        """Return the first value of each row."""
        return [row[0] for row in self]

    def value(self) -> Any:
        """Return the first value of the first row, None where there is no row."""
        return next(iter(self.column()), None)


NO_ROWS = Rows(lambda: ((), tuple))


class Transaction(ABC):
    """A transaction under way. The engine commits it, or takes it back when something is raised in it."""

    alone: ClassVar[bool]  # whether nobody else can be in one that writes (SQLite)
    changes = False  # whether it changes anything, so that there is something to commit

    @property
    @abstractmethod
    def now(self) -> datetime:
        """When it began, by the one clock of all who use the database."""

    @property
    def estimate(self) -> datetime:
        """About now, where nothing depends on it: not worth a question of its own to a server some way off."""
        return self.now

    @abstractmethod
    def ask(self, sql: Sql, **values: Any) -> Rows:
        """Run a statement that returns rows. It runs in its turn even if nobody looks at them."""

    def do(self, sql: Sql, **values: Any) -> None:
        self.ask(sql, **values)

    @abstractmethod
    def each(self, sql: Sql, rows: Sequence[Mapping[str, Any]], **values: Any) -> Rows:
        """Run a statement with `{values}`, `{update}` or `{from}` for many rows; values: the same for all of them."""


def one_by_one(work: Callable[[Transaction, Item], Result]) -> Callable[[Transaction, Sequence[Item]], list[Result]]:
    """Return work for many items, as the writer wants it, that does each by itself."""

    @wraps(work)
    def many(tx: Transaction, items: Sequence[Item]) -> list[Result]:
        return [work(tx, item) for item in items]

    return many


class Database(ABC):
    """One database. Writing is for one thread at a time, reading for any number."""

    one_process: ClassVar[bool]  # whether nobody else can be at work in it (SQLite)
    error: ClassVar[type[Exception]]  # the root of all that its driver raises

    def __init__(self, clock: Clock) -> None:
        self.own_clock = clock

    def clock(self) -> datetime:
        """Return now, as the database sees it."""
        return self.own_clock()

    @abstractmethod
    def connect(self) -> Any:
        """Return a connection of its own, as the driver has it. Raises Database.error."""

    def check(self) -> None:  # noqa: B027 - a server looks after its files
        """Raise BadSettings if it is damaged or something else, where that can be seen (a SQLite file)."""

    def take(self) -> None:  # noqa: B027 - any number of processes may write to a server
        """Become the one process that writes, where there may be one only (raises BadSettings if another is)."""

    @abstractmethod
    def write(self, work: Callable[[Transaction], T]) -> T:
        """Do something in a transaction. Does it anew when a connection turns out to have been lost before.

        Raises MaybeStored: the connection broke while the commit was under way. Database.error: nothing was changed.
        """

    @abstractmethod
    def read(self, question: Callable[[Transaction], T]) -> T:
        """Ask something in a transaction that can change nothing. Raises Database.error."""

    @abstractmethod
    def is_away(self, error: Exception) -> bool:
        """Whether an error is the database's fault, not the statement's: then nothing else would be stored either."""

    def is_passing(self, error: Exception) -> bool:
        """Whether two processes were in each other's way, and the same may go well a moment later."""
        return False

    @abstractmethod
    def hang_up(self) -> None:
        """Break off whatever is under way, from another thread: it fails at once instead of waiting for an answer."""

    def erase(self) -> None:  # noqa: B027 - a server's autovacuum does, in its time
        """Leave nothing in its files of what was overwritten or removed. Raises Database.error."""

    @abstractmethod
    def close(self) -> None:
        """Close every connection and let the next process in."""
