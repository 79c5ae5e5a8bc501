"""Statements of tests: beside those of the app, which `Sql.every` lists."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from bot.storage import sql
from bot.storage.engine import Transaction


class Sql(sql.Sql):
    every: ClassVar[list[sql.Sql]] = []


def asking(text: str, **values: Any) -> Callable[[Transaction], list[Any]]:
    """Return a question to a database: its rows."""
    return lambda tx: list(tx.ask(Sql(text), **values))


def doing(text: str, **values: Any) -> Callable[[Transaction], None]:
    """Return work in a database."""
    return lambda tx: tx.do(Sql(text), **values)


def by_writer(work: Callable[[Transaction], None]) -> Callable[[Transaction, Sequence[None]], list[None]]:
    """Return work for a running service's own writer, which alone may write on its connection."""
    return lambda tx, items: [work(tx) for _ in items]
