"""A database, whichever of the two it is: transactions, one that writes and several that read, and one clock."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache, cached_property, wraps
from typing import Any, ClassVar, TypeVar

from bot.domain.clock import Clock
from bot.storage.sql import Shape, Sql

T = TypeVar("T")
Item = TypeVar("Item")
Result = TypeVar("Result")


class Rows:
    """What a statement returned. It is waited for when it is looked at, so that several can be under way."""

    def __init__(self, fetch: Callable[[], tuple[Shape, Sequence[Sequence[Any]]]]) -> None:
        self._fetch = cache(fetch)

    def __iter__(self) -> Iterator[Any]:
        """Yield rows whose values have the names of their columns."""
        shape, rows = self._fetch()
        return (shape.row(shape.read(row)) for row in rows)

    def of(self, kind: Callable[..., T]) -> list[T]:
        """Return a value of this kind for each row; its fields are named as the columns."""
        shape, rows = self._fetch()
        return [kind(**dict(zip(shape.names, shape.read(row), strict=True))) for row in rows]

    def column(self) -> list[Any]:
        """Return the first value of each row."""
        return [row[0] for row in self]

    def value(self) -> Any:
        """Return the first value of the first row, None where there is no row."""
        return next(iter(self.column()), None)


class Transaction(ABC):
    """A transaction under way. The engine commits it, or takes it back when something is raised in it."""

    alone: ClassVar[bool]
    """Whether nobody else can be in one that writes (SQLite)."""

    changes = False  # whether it changes anything, so that there is something to commit

    @cached_property
    def now(self) -> datetime:
        """When it began, by the one clock of all who use the database."""
        return self._began_at()

    @abstractmethod
    def _began_at(self) -> datetime: ...

    @property
    def estimate(self) -> datetime:
        """About now, where nothing depends on it: not worth a question of its own to a server some way off."""
        return self.now

    @abstractmethod
    def ask(self, sql: Sql, **values: Any) -> Rows:
        """Run a statement that returns rows. It runs in its turn even if nobody looks at them."""

    @abstractmethod
    def do(self, sql: Sql, **values: Any) -> None:
        """Run a statement for what it changes."""

    @abstractmethod
    def each(self, sql: Sql, rows: Sequence[Mapping[str, Any]], **values: Any) -> Rows:
        """Run a statement with `{insert}` or `{update}` for many rows; values: the same for all of them."""

    @abstractmethod
    def run(self, text: str) -> None:
        """Run a statement as it is written: for the schema, not for values."""


def one_by_one(work: Callable[[Transaction, Item], Result]) -> Callable[[Transaction, Sequence[Item]], list[Result]]:
    """Return work for many items, as the writer wants it, that does each by itself."""

    @wraps(work)
    def many(tx: Transaction, items: Sequence[Item]) -> list[Result]:
        return [work(tx, item) for item in items]

    return many


class Database(ABC):
    """One database. Writing is for one thread at a time, reading for any number."""

    one_process: ClassVar[bool]
    """Whether nobody else can be at work in it (SQLite)."""

    error: ClassVar[type[Exception]]
    """The root of all that its driver raises."""

    dialect: ClassVar[str]
    """What SQLAlchemy calls it, for the migrations."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def clock(self) -> datetime:
        """Return now, as the database sees it."""
        return self._clock()

    @abstractmethod
    def connect(self) -> Any:
        """Return a connection of its own, as the driver has it. Raises Database.error."""

    @abstractmethod
    def check(self) -> None:
        """Raise BadSettings if it is damaged, where that can be seen (a SQLite file), or something else."""

    @abstractmethod
    def take(self) -> None:
        """Become the one process that writes, where there may be one only (raises BadSettings if another is)."""

    @abstractmethod
    def write(self, work: Callable[[Transaction], T]) -> T:
        """Do something in a transaction. Does it anew when a connection turns out to have been lost before.

        Raises:
            MaybeStored: the connection broke while the commit was under way.
            Database.error: nothing was changed.
        """

    @abstractmethod
    def read(self, question: Callable[[Transaction], T]) -> T:
        """Ask something in a transaction that can change nothing. Raises Database.error."""

    @abstractmethod
    def is_away(self, error: Exception) -> bool:
        """Whether an error is the database's fault, not the statement's: then nothing else would be stored either."""

    @abstractmethod
    def is_passing(self, error: Exception) -> bool:
        """Whether two processes were in each other's way, and the same may go well a moment later."""

    @abstractmethod
    def hang_up(self) -> None:
        """Break off whatever is under way, from another thread: it fails at once instead of waiting for an answer."""

    @abstractmethod
    def erase(self) -> None:
        """Leave nothing in its files of what was overwritten or removed. Raises Database.error."""

    @abstractmethod
    def close(self) -> None:
        """Close every connection and let the next process in."""
