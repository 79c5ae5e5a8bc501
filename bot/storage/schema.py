"""Bringing a database up to the schema this code was written for."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

_MIGRATIONS = Path(__file__).with_name("migrations")


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Apply every migration that is missing, in the caller's transaction."""
    command.upgrade(_config(connection), revision)


def downgrade(connection: Connection, revision: str) -> None:
    """Take migrations back, in the caller's transaction."""
    command.downgrade(_config(connection), revision)


def missing(connection: Connection) -> str:
    """Return why this code cannot use the database as it is, or an empty string."""
    found = MigrationContext.configure(connection).get_current_revision()
    wanted = ScriptDirectory.from_config(_config(connection)).get_current_head()
    return (
        "" if found == wanted else f"schema {found or 'none'}, this version needs {wanted}: run `python -m bot migrate`"
    )


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
