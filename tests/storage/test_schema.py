"""Migrations and the tables say the same, up and down, with data in them."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, text

from bot.storage import schema
from bot.storage.database import Database, journal_mode
from bot.storage.tables import metadata


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Database(f"sqlite:///{tmp_path / 'm.db'}").writing


def test_the_migrations_make_exactly_the_tables(engine: Engine) -> None:
    with engine.begin() as connection:
        schema.upgrade(connection)
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_an_old_or_empty_database_is_recognised(engine: Engine) -> None:
    with engine.begin() as connection:
        assert "run `python -m bot migrate`" in schema.missing(connection)
        schema.upgrade(connection)
        assert schema.missing(connection) == ""


def test_upgrading_twice_changes_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        schema.upgrade(connection)
        connection.execute(text("INSERT INTO pacing VALUES ('C1', '2026-01-01 00:00:00')"))
        schema.upgrade(connection)
        assert connection.scalar(text("SELECT count(*) FROM pacing")) == 1


def test_every_migration_can_be_taken_back(engine: Engine) -> None:
    with engine.begin() as connection:
        schema.upgrade(connection)
        schema.downgrade(connection, "base")
        assert _tables(connection) <= {"alembic_version"}
        schema.upgrade(connection)


def test_commits_are_flushed_to_disk_in_the_safe_journal_mode(engine: Engine) -> None:
    with engine.begin() as connection:
        assert connection.scalar(text("PRAGMA synchronous")) == 2  # FULL
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
        assert connection.scalar(text("PRAGMA journal_mode")) == journal_mode().lower()


def _tables(connection: Connection) -> set[str]:
    return set(connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")))
