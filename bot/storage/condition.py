"""The state a database is in, for whoever looks after it. Changes nothing."""

from dataclasses import dataclass
from datetime import datetime

from bot.storage import schema
from bot.storage.engine import Transaction
from bot.storage.sql import Sql
from bot.storage.sqlite import journal_mode


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
