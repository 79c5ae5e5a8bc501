"""Everything here is tested on both databases."""

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from bot.storage.database import open_database
from bot.storage.engine import Database
from bot.storage.postgresql import PostgresqlTransaction
from bot.storage.schema import migrate
from bot.storage.store import Store
from tests.storage.desk import Desk, Hand


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    """Which database."""
    return str(request.param)


@pytest.fixture
def empty_url(engine: str, database_url: str) -> str:
    """The URL of a database without a schema."""
    if engine == "postgresql":
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return database_url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """One with the schema."""
    opened = open_database(database_url)
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture
async def desk(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    clock = Hand()
    database = open_database(database_url, clock)
    monkeypatch.setattr(PostgresqlTransaction, "now", property(lambda _: clock()))  # it would be the server's clock
    migrate(database)
    store = Store(database)
    await store.open()
    yield Desk(store, clock)
    await store.close()
