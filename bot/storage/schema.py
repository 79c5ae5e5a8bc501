"""Whether a database has the schema this code was written for, and bringing it there."""

from pathlib import Path

from bot.errors import BadSettings
from bot.storage.engine import Transaction
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

    Raises:
        BadSettings: the database is newer than this code, and no migration can help.
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
