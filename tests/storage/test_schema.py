"""Migrations and the tables say the same, up and down, with data in them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, select, text

from bot.domain.clock import steady_clock
from bot.storage import schema
from bot.storage.database import Database
from bot.storage.sqlite import journal_mode
from bot.storage.tables import alarms, metadata, pacing, threads


@pytest.fixture
def database(database_url: str) -> Iterator[Engine]:
    """An empty one."""
    opened = Database(database_url, steady_clock())
    with opened.writing.begin() as connection:
        if not opened.serves_one_process:
            schema.downgrade(connection, "base")
    yield opened.writing
    opened.close()


def test_the_migrations_make_exactly_the_tables(database: Engine) -> None:
    with database.begin() as connection:
        schema.upgrade(connection)
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_an_old_or_empty_database_is_recognised(database: Engine) -> None:
    with database.begin() as connection:
        assert "run `python -m bot migrate`" in schema.problem(connection)
        schema.upgrade(connection)
        assert schema.problem(connection) == ""


def test_the_newest_migration_is_the_one_that_is_asked_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(schema._MIGRATIONS))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    assert schema._KNOWN[-1] == script.get_current_head()
    assert set(schema._KNOWN) == {revision.revision for revision in script.walk_revisions()}


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_a_migration_may_take_longer_than_a_text(database_url: str) -> None:
    hasty = Database(database_url, steady_clock(), statement_timeout=0.2)
    with hasty.writing.begin() as connection:
        schema.downgrade(connection, "base")
        schema.upgrade(connection)
        connection.execute(text("SELECT pg_sleep(0.3)"))
    hasty.close()


def test_upgrading_twice_changes_nothing(database: Engine) -> None:
    with database.begin() as connection:
        schema.upgrade(connection)
        connection.execute(pacing.insert().values(key="C1", next_at=datetime(2026, 1, 1, tzinfo=UTC)))
        schema.upgrade(connection)
        assert connection.scalar(text("SELECT count(*) FROM pacing")) == 1


def test_every_migration_can_be_taken_back(database: Engine) -> None:
    with database.begin() as connection:
        schema.upgrade(connection)
        schema.downgrade(connection, "base")
        assert _tables(connection) <= {"alembic_version"}
        schema.upgrade(connection)


def test_data_outlives_every_migration_up_and_down(database: Engine) -> None:
    when = datetime(2026, 1, 1, 12, tzinfo=UTC)
    numbers = dict.fromkeys(("replies", "rev", "shown_rev", "looked", "lane", "fence", "failures"), 0)
    words = dict.fromkeys(("team", "channel", "asked_in", "sender", "answer_url", "aside", "closed"), "x")
    thread = {"id": UUID(int=1), "key": "k", "created_at": when, **numbers, **words}

    def kept(connection: Connection) -> list[tuple[UUID, datetime]]:
        return [tuple(row) for row in connection.execute(select(threads.c.id, threads.c.created_at))]

    with database.begin() as connection:
        schema.upgrade(connection, "0001")
        connection.execute(threads.insert().values(thread))
        for revision in ("0002", "head"):
            schema.upgrade(connection, revision)
            assert kept(connection) == [(UUID(int=1), when)]
        connection.execute(alarms.insert().values(key="a", standing=True, told=False, since=when, due_at=when, fence=0))
        schema.downgrade(connection, "0001")
        assert kept(connection) == [(UUID(int=1), when)]
        schema.upgrade(connection)
        assert schema.problem(connection) == ""
        assert connection.scalar(text("SELECT count(*) FROM alarms")) == 0


def test_commits_are_flushed_to_disk_in_the_safe_journal_mode(database: Engine, engine: str) -> None:
    if engine != "sqlite":
        with database.begin() as connection:
            assert connection.scalar(text("SHOW synchronous_commit")) == "on"
        return
    with database.begin() as connection:
        assert connection.scalar(text("PRAGMA synchronous")) == 2  # FULL
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
        assert connection.scalar(text("PRAGMA journal_mode")) == journal_mode().lower()


def _tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())
