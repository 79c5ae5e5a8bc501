"""What state a database is in: whether it has the schema this code was written for, and bringing it there."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from bot.errors import BadSettings, NotStored
from bot.storage.engine import Database, Transaction
from bot.storage.sql import Sql
from bot.storage.sqlite import journal_mode

_MIGRATIONS = Path(__file__).with_name("migrations")
_KNOWN = sorted(path.name.partition("_")[0] for path in _MIGRATIONS.glob("versions/[0-9]*.py"))
_OURS = frozenset(
    {"conversations", "threads", "messages", "sends", "reports", "progress", "keys", "opt_outs", "private_notes"}
    | {"alarms", "pacing", "channels", "attachments"}
)

_TABLES = Sql(
    "SELECT tablename AS name FROM pg_catalog.pg_tables WHERE schemaname = current_schema()",
    sqlite="SELECT name FROM sqlite_master WHERE type = 'table'",
)
_FOUND = Sql("SELECT version_num FROM alembic_version")
_VERSION = Sql("SELECT current_setting('server_version') AS version", sqlite="SELECT sqlite_version() AS version")


def problem(tx: Transaction) -> str:
    """Return why this code cannot use the database as it is, or "". Raises BadSettings where no migration can help."""
    wanted = _KNOWN[-1]
    there = set(tx.ask(_TABLES).column())
    versions = tx.ask(_FOUND).column() if "alembic_version" in there else []
    found = versions[0] if versions else None
    ours = there & _OURS
    if (found is not None and not found.isdecimal()) or (there and not ours and tx.alone):
        raise BadSettings("DATABASE_URL: the database belongs to another program; use one of the bot's own")
    if len(versions) > 1 or (found == wanted and len(ours) < len(_OURS)) or (found is None and ours):
        raise BadSettings("DATABASE_URL: the database is only half there; restore a backup (docs/deploy.md, Back up)")
    if found is not None and found not in _KNOWN:
        raise BadSettings(
            f"DATABASE_URL: the database is newer ({found}) than this version ({wanted}): update the code"
        )
    if found == wanted:
        return ""
    return f"the schema is {found or 'missing'}, this version needs {wanted}: run `python -m bot migrate`"


def missing(tx: Transaction) -> str:
    """The same while running: a newer database is a deployment under way, and old code goes on until it is replaced."""
    try:
        return problem(tx)
    except BadSettings:
        return ""


def condition(tx: Transaction) -> tuple[str, datetime | None, str]:
    """Return the engine in words, its own clock where it has one, and `problem`, which see."""
    wrong, version = problem(tx), tx.ask(_VERSION).value()
    if not tx.alone:
        return f"PostgreSQL {version}", tx.now, wrong
    mode = journal_mode()
    why = "" if mode == "WAL" else ", because write-ahead logging can corrupt the file before 3.51.3"
    return f"SQLite {version}, journal {mode}{why}", None, wrong


def migrate(database: Database) -> None:
    """Bring a database, whose lock we have, up to this code's schema. Raises as `problem`; NotStored: out of reach."""
    with _named(database.error):
        if not database.write(problem):
            return
    from bot.storage.migrations import SQLAlchemyError, upgrade  # noqa: PLC0415 - 20 MiB that few starts need

    with _named(SQLAlchemyError):
        upgrade(database)


def bring_up(database: Database) -> None:
    """Bring a database up to date, as whoever owns it, and close it. Raises as `migrate`."""
    database.take()
    with closing(database):
        database.check()
        migrate(database)


def probe(database: Database) -> None:
    """Bring a SQLite file up to date, look whether PostgreSQL is, and close it: raise now what `migrate` would."""
    if database.one_process:
        bring_up(database)
        return
    with closing(database), _named(database.error):
        if wrong := database.write(problem):
            raise BadSettings(f"DATABASE_URL: {wrong}")


@contextmanager
def _named(errors: type[Exception]) -> Iterator[None]:
    """Name the kind of failure, without the address and password that its message may repeat."""
    try:
        yield
    except errors as error:
        kind = type(getattr(error, "orig", None) or error).__name__  # SQLAlchemy's contain the driver's
        raise NotStored(f"the database cannot be used ({kind}): check DATABASE_URL, or try again") from None
