"""Migrations and the tables say the same, with data in them."""

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import StaticPool, create_engine

from bot.storage import migrations, schema
from bot.storage.database import open_database
from bot.storage.engine import Database
from bot.storage.migrations.tables import metadata
from bot.storage.sqlite import journal_mode
from tests.statements import asking, doing


@pytest.fixture
def database(empty_url: str):
    opened = open_database(empty_url)
    yield opened
    opened.close()


def test_the_migrations_make_exactly_the_tables(database: Database) -> None:
    migrations.upgrade(database)
    dialect = "sqlite" if database.one_process else "postgresql+psycopg"
    engine = create_engine(f"{dialect}://", creator=database.connect, poolclass=StaticPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_an_old_or_empty_database_is_recognised(database: Database) -> None:
    assert "run `python -m bot migrate`" in database.write(schema.problem)
    migrations.upgrade(database, "0002")
    assert "the schema is 0002" in database.write(schema.problem)
    migrations.upgrade(database)
    assert database.write(schema.problem) == ""


def test_the_newest_migration_is_the_one_that_is_asked_for() -> None:
    script = ScriptDirectory.from_config(migrations._config(None))
    assert schema._KNOWN[-1] == script.get_current_head()
    assert set(schema._KNOWN) == {revision.revision for revision in script.walk_revisions()}


def test_the_tables_that_are_asked_for_are_the_ones_there_are() -> None:
    assert set(metadata.tables) == schema._OURS


def test_what_refers_to_another_row_is_found_by_an_index() -> None:
    """Or removing the other row would read the whole table."""
    for table in metadata.tables.values():
        first = {next(iter(index.columns)).name for index in table.indexes if not index.dialect_kwargs}
        assert {key.parent.name for key in table.foreign_keys} <= first


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_nothing_is_noted_of_how_large_new_tables_are(database: Database) -> None:
    """Or plans for empty tables would be kept while they fill: each command would read all that are stored."""
    migrations.upgrade(database)
    counted = asking("SELECT relname FROM pg_class WHERE relname IN ('messages', 'sends') AND reltuples >= 0")
    assert database.read(counted) == []


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_a_plan_for_an_empty_table_is_good_when_it_is_full(database: Database) -> None:
    migrations.upgrade(database)
    found = "SELECT 1 FROM threads JOIN sends ON sends.thread_id = threads.id WHERE sends.id {among ids}"
    plan = asking(f"EXPLAIN {found}", ids=[UUID(int=number) for number in range(30)])
    for lines in (database.write(plan), database.read(plan)):
        assert not [line for (line,) in lines if "Seq Scan" in line]


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_a_migration_may_take_longer_than_a_text(database: Database, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER DATABASE " + connection.info.dbname + " SET statement_timeout = 300")
    with psycopg.connect(database_url) as other:  # whoever is at it already
        other.execute("SELECT pg_advisory_xact_lock(%s)", [migrations._LOCK])
        waiting = ThreadPoolExecutor().submit(migrations.upgrade, database)
        time.sleep(0.6)
        assert not waiting.done()
    waiting.result(20)
    assert database.write(schema.problem) == ""


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    migrations.upgrade(database)
    database.write(doing("INSERT INTO pacing VALUES ('C1', '2026-01-01 00:00:00')"))
    migrations.upgrade(database)
    assert database.read(asking("SELECT key FROM pacing")) == [("C1",)]


def test_data_outlives_every_migration(database: Database) -> None:
    migrations.upgrade(database, "0001")
    texts = ("team", "channel", "asked_in", "sender", "answer_url", "aside", "closed")
    numbers = ("replies", "rev", "shown_rev", "looked", "lane", "fence", "failures")
    database.write(
        doing(
            f"INSERT INTO threads (id, key, created_at, {', '.join(texts + numbers)}) VALUES "
            f"('{'0' * 31}1', 'k', '2026-01-01 12:00:00.000000', {', '.join(['0'] * 14)})"
        )
    )
    for revision, question in (
        ("0002", "SELECT key, created_at FROM threads"),
        ("0006", "SELECT key, created_at FROM threads"),
        ("head", "SELECT key, said_at FROM messages JOIN threads ON threads.id = thread_id"),
    ):
        migrations.upgrade(database, revision)
        [[key, at]] = database.read(asking(question))
        assert (key, at.isoformat()) == ("k", "2026-01-01T12:00:00+00:00")
    assert database.write(schema.problem) == ""


def test_commits_are_flushed_to_disk_in_the_safe_journal_mode(database: Database, engine: str) -> None:
    if engine != "sqlite":
        assert database.write(asking("SHOW synchronous_commit")) == [("on",)]
        return
    assert database.write(asking("PRAGMA synchronous")) == [(2,)]  # FULL
    assert database.write(asking("PRAGMA foreign_keys")) == [(1,)]
    assert database.write(asking("PRAGMA journal_mode")) == [(journal_mode().lower(),)]
