"""Looking back, and counting what waits, reads what is asked for, not all there is."""

import re
from datetime import UTC, datetime
from uuid import UUID

import pytest

from bot.storage import history
from bot.storage.backlog import _UNSHOWN
from bot.storage.engine import Database, Transaction
from bot.storage.held import _EXPIRED
from bot.storage.history import Filter, entries, extent
from bot.storage.postgresql import PostgresqlTransaction
from bot.storage.replies import _NOTED_BEFORE
from bot.storage.sql import Sql as HouseSql
from bot.storage.sqlite import SqliteTransaction
from tests.conftest import CUSTOMER
from tests.statements import Sql

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def plan(tx: Transaction, sql: HouseSql) -> str:
    """How the engine reads it."""
    if isinstance(tx, SqliteTransaction):
        names = dict.fromkeys(re.findall(r"(?<![:\w]):([a-z_]+)", sql.sqlite))
        return "\n".join(row[-1] for row in tx._cursor.execute(f"EXPLAIN QUERY PLAN {sql.sqlite}", names))
    ids = {"conversation_id": UUID(int=1), "parent_id": UUID(int=2)}
    values = {"number": CUSTOMER, "since": NOON, "until": NOON, **ids}
    explained = Sql("EXPLAIN " + re.sub(r"%\(([a-z_]+)\)s", r":\1", sql.postgresql))
    return "\n".join(tx.ask(explained, **values).column())


@pytest.mark.parametrize(
    ("wanted", "sends", "messages"),
    [
        (Filter(), "sends_accepted", "messages_inbound"),
        (Filter(since=NOON, until=NOON), "sends_accepted", "messages_inbound"),
        (Filter(number=CUSTOMER), "sends_recipient", "conversations_customer"),
        (Filter(number=CUSTOMER, since=NOON, only_open=True), "sends_recipient", "conversations_customer"),
    ],
)
def test_what_is_listed_is_found_by_an_index(database: Database, wanted: Filter, sends: str, messages: str) -> None:
    history._statement.cache_clear()
    before = len(HouseSql.every)
    list(entries(database, wanted))
    list(entries(database, wanted, newest_first=True))
    database.read(lambda tx: extent(tx, wanted))
    statements = HouseSql.every[before:]
    assert len(statements) == 10  # of each kind: a page's end and the page, both ways, and how many there are
    for sql in statements:
        found = database.read(lambda tx, sql=sql: plan(tx, sql))  # type: ignore[misc]
        assert (messages if "direction = 'in'" in sql.sqlite else sends) in found
        assert not re.search(r"SCAN|Seq Scan", found), found


def test_what_waits_to_be_shown_is_counted_by_indexes_of_what_waits(database: Database) -> None:
    found = database.read(lambda tx: plan(tx, _UNSHOWN))
    for index in ("messages_to_show", "threads_queues", "threads_others", "threads_without_place"):
        assert index in found
    assert not re.search(r"SCAN threads(?! USING INDEX threads_)|Seq Scan", found), found


def test_a_note_is_the_first_of_its_author_by_indexes_of_the_conversation(database: Database) -> None:
    found = database.read(lambda tx: plan(tx, _NOTED_BEFORE))
    assert re.findall(r"using (?:index )?(\w+)", found, re.IGNORECASE) == ["threads_conversation", "messages_thread"]


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_what_expires_is_found_without_looking_at_all_that_was_said(database: Database) -> None:
    def kept_plan(tx: Transaction) -> str:
        assert isinstance(tx, PostgresqlTransaction)
        prepared = "PREPARE expired (timestamptz) AS " + _EXPIRED.postgresql.replace("%(now)s", "$1")
        tx._connection.execute(prepared, prepare=False)
        explained = tx._connection.execute("EXPLAIN EXECUTE expired (now())", prepare=False)
        return "\n".join(row[0] for row in explained)

    found = database.write(kept_plan)
    assert "messages_held_until" in found
    assert not re.search(r"messages_thread|Seq Scan|Merge Join", found), found
