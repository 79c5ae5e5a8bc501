"""Bringing a database up to the schema this code was written for.

SQLAlchemy and Alembic live here alone, and are imported when there is something to bring up: they take 20 MiB and a
fifth of a second.
"""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, StaticPool, create_engine, event, func, select, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from bot.storage.engine import Database

__all__ = ["SQLAlchemyError", "upgrade"]

_ATTEMPTS, _DEADLOCK = 5, "40P01"
_LOCK = 0xB10E7EAD  # any number, as long as it is always the same


def upgrade(database: Database, revision: str = "head") -> None:
    """Apply every migration that is missing, in one transaction; two at once take turns. Raises SQLAlchemyError.

    A process of an older version may be at work meanwhile and lock the same tables in another order: then it is
    repeated.
    """
    for left in reversed(range(_ATTEMPTS)):
        try:
            _upgrade(database, revision)
        except OperationalError as error:
            if not left or getattr(error.orig, "sqlstate", "") != _DEADLOCK:
                raise
        else:
            return


def _upgrade(database: Database, revision: str) -> None:
    url = "sqlite://" if database.one_process else "postgresql+psycopg://"
    engine = create_engine(url, creator=database.connect, poolclass=StaticPool, hide_parameters=True)
    if database.one_process:
        # A table that is made anew is gone for a moment (https://www.sqlite.org/lang_altertable.html, 7).
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys=OFF"))
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.begin() as connection:
            if not database.one_process:  # an index over millions of rows is not made in seconds
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            command.upgrade(_config(connection), revision)
    finally:
        engine.dispose()


def _config(connection: Connection) -> Any:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
