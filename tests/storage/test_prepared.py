"""Statements run without SQLAlchemy give and take the same as with it, and fail the same."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import Connection, bindparam, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from bot.domain.clock import steady_clock
from bot.domain.delivery import Delivery, News, Service
from bot.domain.message import Message, Origin
from bot.domain.thread import Lane
from bot.house import migrate
from bot.storage.database import Database
from bot.storage.messages import NewThread, accept_many
from bot.storage.prepared import Prepared, among, insert_each, update_each
from bot.storage.rows import MESSAGE, load_messages, message_of
from bot.storage.tables import messages, pacing, threads

NOON = datetime(2026, 1, 1, 12, 0, 0, 500, tzinfo=UTC)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url, steady_clock())
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.writing.begin() as connection:
        yield connection


def stored(connection: Connection, count: int = 1) -> list[UUID]:
    """Store that many messages, each in a thread of its own."""
    now, news = NOON, []
    for number in range(count):
        thread_id = uuid4()
        text = Message(uuid4(), thread_id, "+14155552671", "+15550100900", f"“{number}” \\ ' %s", now, now)
        news.append(NewThread(thread_id, Origin(f"key {number}", "T1", "C1", "U1"), (text,)))
    assert accept_many(connection, now, news) == [True] * count
    return [item.messages[0].id for item in news]


def test_what_goes_in_comes_out_by_either_way(connection: Connection) -> None:
    [message_id] = stored(connection)
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5)))
    columns = {"since": elsewhere, "service": Service.RCS, "told": News.SENT | News.READ, "handle": None}
    update_each(messages, *columns, "delivery").each(
        connection, [{"row_id": message_id, "delivery": Delivery.READ, **columns}]
    )
    by_sqlalchemy = message_of(connection.execute(select(*MESSAGE)).one())
    assert load_messages(connection, [message_id]) == {message_id: by_sqlalchemy}
    assert (by_sqlalchemy.since, by_sqlalchemy.since.utcoffset()) == (NOON, timedelta(0))
    assert by_sqlalchemy.service is Service.RCS
    assert by_sqlalchemy.delivery is Delivery.READ
    assert by_sqlalchemy.told == News.SENT | News.READ
    assert by_sqlalchemy.text == "“0” \\ ' %s"


def test_many_are_found_by_their_ids_in_one_statement_and_none_by_none(connection: Connection) -> None:
    ids = stored(connection, 40)
    assert set(load_messages(connection, ids)) == set(ids)
    assert set(load_messages(connection, [*ids[:2], uuid4()], lock=True)) == set(ids[:2])
    assert load_messages(connection, []) == {}


def test_each_row_gets_its_own_values(connection: Connection) -> None:
    ids = stored(connection, 3)
    rows = [{"row_id": row_id, "polls": number} for number, row_id in enumerate(ids)]
    update_each(messages, "polls").each(connection, rows)
    assert [load_messages(connection, [row_id])[row_id].polls for row_id in ids] == [0, 1, 2]


def test_of_what_is_there_already_nothing_is_stored_again(connection: Connection) -> None:
    insert = insert_each(pacing, pacing.c.key)
    row = {"key": "C1", "next_at": NOON}
    assert [tuple(found) for found in insert.each(connection, [row])] == [("C1",)]
    again = insert.each(connection, [row | {"next_at": NOON + timedelta(1)}, {"key": "C2", "next_at": NOON}])
    assert [tuple(found) for found in again] == [("C2",)]
    assert [tuple(found) for found in connection.execute(select(pacing.c.next_at).distinct())] == [(NOON,)]


def test_a_value_of_the_statement_itself_needs_none_from_outside(connection: Connection) -> None:
    stored(connection, 2)
    lane = Prepared(update(threads).where(threads.c.lane == Lane.POST).values(lane=Lane.EDIT, due_at=bindparam("now")))
    assert lane.rows(connection, now=None) == []
    assert connection.scalars(select(threads.c.lane).distinct()).all() == [Lane.EDIT]


def test_a_row_that_breaks_a_rule_fails_as_with_sqlalchemy_and_its_values_stay_secret(connection: Connection) -> None:
    [first, second] = stored(connection, 2)
    handle = update_each(messages, "handle")
    with pytest.raises(IntegrityError) as failed:
        handle.each(connection, [{"row_id": one, "handle": "+14155559999"} for one in (first, second)])
    assert failed.value.connection_invalidated is False
    assert failed.value.params is None


def test_a_connection_that_was_lost_is_given_up(database: Database) -> None:
    asking = Prepared(select(messages.c.id).where(among(messages.c.id)))
    with database.reading.connect() as connection:
        connection.connection.dbapi_connection.close()  # type: ignore[union-attr]
        with pytest.raises(DBAPIError) as failed:
            asking.rows(connection, among=[])
        assert failed.value.connection_invalidated
        assert connection.invalidated
    with database.reading.connect() as connection:
        assert asking.rows(connection, among=[]) == []


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
class TestServerThatGoesAway:
    def end_all_others(self, url: str) -> None:
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    def test_between_two_transactions_nobody_notices(self, database: Database, database_url: str) -> None:
        with database.writing.begin() as connection:
            stored(connection)
        self.end_all_others(database_url)
        with database.writing.begin() as connection:
            assert database.begin(connection) > NOON
            assert len(connection.execute(select(messages.c.id)).all()) == 1

    def test_within_one_its_connection_is_used_no_more(self, database: Database, database_url: str) -> None:
        with database.writing.connect() as connection:
            stored(connection)
            self.end_all_others(database_url)
            with pytest.raises(OperationalError) as failed:
                load_messages(connection, [uuid4()])
        assert failed.value.connection_invalidated
        with database.writing.begin() as connection:
            assert connection.execute(select(messages.c.id)).all() == []

    def test_a_transaction_ends_with_its_limits(self, database: Database) -> None:
        for _ in range(2):
            with database.writing.begin() as connection:
                assert connection.scalar(text("SHOW statement_timeout")) == "5s"
                assert connection.scalar(text("SELECT now() < clock_timestamp()")) is True
        raw = database.writing.raw_connection()
        raw.rollback()
        assert raw.dbapi_connection.execute("SHOW statement_timeout").fetchone() == ("0",)  # type: ignore[union-attr]
        raw.close()
