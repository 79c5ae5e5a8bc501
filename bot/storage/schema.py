"""Bringing a database up to the schema this code was written for."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select

from bot.errors import BadSettings

_MIGRATIONS = Path(__file__).with_name("migrations")


_LOCK = 0xB10E7EAD  # any number, as long as it is always the same


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Apply every migration that is missing, in the caller's transaction; two at once take turns."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    command.upgrade(_config(connection), revision)


def downgrade(connection: Connection, revision: str) -> None:
    """Take migrations back, in the caller's transaction."""
    command.downgrade(_config(connection), revision)


def problem(connection: Connection) -> str:
    """Return why this code cannot use the database as it is, or an empty string.

    Raises:
        BadSettings: the database is newer than this code, and no migration can help.
    """
    found = MigrationContext.configure(connection).get_current_revision()
    script = ScriptDirectory.from_config(_config(connection))
    wanted = script.get_current_head()
    if found is not None and found not in {revision.revision for revision in script.walk_revisions()}:
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


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
