"""Bringing a database up to the schema this code was written for.

Alembic is imported when there is something to bring up only: it takes eight MiB and a fifth of a second.
"""

from pathlib import Path

from sqlalchemy import Connection, column, func, inspect, select, table, text

from bot.errors import BadSettings
from bot.storage.tables import metadata

_MIGRATIONS = Path(__file__).with_name("migrations")
_KNOWN = sorted(path.name.partition("_")[0] for path in _MIGRATIONS.glob("versions/[0-9]*.py"))
_FOUND = select(table("alembic_version", column("version_num")).c.version_num)

_LOCK = 0xB10E7EAD  # any number, as long as it is always the same


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Apply every migration that is missing, in the caller's transaction; two at once take turns."""
    if connection.dialect.name == "postgresql":
        take_your_time(connection)
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    _alembic("upgrade", connection, revision)


def take_your_time(connection: Connection) -> None:
    """Lift the limit that PostgreSQL has for a statement: an index over millions of rows is not made in seconds."""
    connection.execute(text("SET LOCAL statement_timeout = 0"))


def downgrade(connection: Connection, revision: str) -> None:
    """Take migrations back, in the caller's transaction."""
    _alembic("downgrade", connection, revision)


def problem(connection: Connection) -> str:
    """Return why this code cannot use the database as it is, or an empty string.

    Raises:
        BadSettings: the database is newer than this code, and no migration can help.
    """
    wanted = _KNOWN[-1]
    there = set(inspect(connection).get_table_names())
    versions = list(connection.scalars(_FOUND)) if "alembic_version" in there else []
    found = versions[0] if versions else None
    ours = there & set(metadata.tables)
    if (found is not None and not found.isdecimal()) or (there and not ours and connection.dialect.name == "sqlite"):
        raise BadSettings("DATABASE_URL: the database belongs to another program; use one of the bot's own")
    if len(versions) > 1 or (found == wanted and len(ours) < len(metadata.tables)) or (found is None and ours):
        raise BadSettings("DATABASE_URL: the database is only half there; restore a backup (docs/deploy.md, Back up)")
    if found is not None and found not in _KNOWN:
        raise BadSettings(
            f"DATABASE_URL: the database is newer ({found}) than this version ({wanted}): update the code"
        )
    if found == wanted:
        return ""
    return f"the schema is {found or 'missing'}, this version needs {wanted}: run `python -m bot migrate`"


def missing(connection: Connection) -> str:
    """The same while running: a newer database is a deployment under way, and old code goes on until it is replaced."""
    try:
        return problem(connection)
    except BadSettings:
        return ""


def _alembic(command: str, connection: Connection, revision: str) -> None:
    from alembic import command as commands  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    getattr(commands, command)(config, revision)
