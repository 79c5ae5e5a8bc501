"""Statements of tests: beside those of the app, which `Sql.every` lists."""

from collections.abc import Callable
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
