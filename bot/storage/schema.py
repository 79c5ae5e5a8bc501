"""Whether a database has the schema this code was written for, and bringing it there."""

from pathlib import Path

from bot.errors import BadSettings, NotStored
from bot.storage.engine import Database, Transaction
from bot.storage.sql import Sql

_MIGRATIONS = Path(__file__).with_name("migrations")
_KNOWN = sorted(path.name.partition("_")[0] for path in _MIGRATIONS.glob("versions/[0-9]*.py"))
_OURS = frozenset({"threads", "messages", "reports", "alarms", "pacing"})

_TABLES = Sql(
    "SELECT tablename AS name FROM pg_catalog.pg_tables WHERE schemaname = current_schema()",
    sqlite="SELECT name FROM sqlite_master WHERE type = 'table'",
)
_FOUND = Sql("SELECT version_num FROM alembic_version")


def problem(tx: Transaction) -> str:
    """Return why this code cannot use the database as it is, or an empty string.

    Raises BadSettings: the database is newer than this code, and no migration can help.
    """
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


def migrate(database: Database) -> None:
    """Bring the database up to this code's schema. Needs the database's lock.

    Raises:
        BadSettings: the database is newer than this code, or damaged.
        NotStored: it cannot be reached or used.
    """
    try:
        if not database.write(problem):
            return
    except database.error as error:
        raise _unusable(error) from None
    from bot.storage.migrations import SQLAlchemyError, upgrade  # noqa: PLC0415 - 20 MiB that few starts need

    try:
        upgrade(database)
    except SQLAlchemyError as error:
        raise _unusable(getattr(error, "orig", None) or error) from None


def bring_up(database: Database) -> None:
    """Bring a database up to date, as whoever owns it, and close it. Raises as `migrate`."""
    database.take()
    try:
        database.check()
        migrate(database)
    finally:
        database.close()


def probe(database: Database) -> None:
    """Bring a SQLite file up to date, look whether PostgreSQL is; raise now what would be a traceback later.

    Closes the database. Raises as `migrate`.
    """
    if database.one_process:
        bring_up(database)
        return
    try:
        if wrong := database.write(problem):
            raise BadSettings(f"DATABASE_URL: {wrong}")
    except database.error as error:
        raise _unusable(error) from None
    finally:
        database.close()


def _unusable(error: BaseException) -> NotStored:
    """Name the kind of failure, without the address and password that its message may repeat."""
    return NotStored(f"the database cannot be used ({type(error).__name__}): check DATABASE_URL, or try again")
