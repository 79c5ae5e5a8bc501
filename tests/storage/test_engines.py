"""Both engines take every statement, give values back as they were, and fail the same."""

import importlib
import pkgutil
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

import bot.storage
from bot.domain.delivery import Delivery, HandleFrom, News, Service
from bot.domain.known import Report
from bot.domain.message import Origin
from bot.errors import BadSettings, MaybeStored
from bot.storage.database import open_database
from bot.storage.engine import Database, Transaction
from bot.storage.held import LOAD_TYPED, PLACE
from bot.storage.intake import NewMessage, Taken, accept_many
from bot.storage.postgresql import PostgresqlDatabase, PostgresqlTransaction, connection_info
from bot.storage.private_notes import _CLAIM
from bot.storage.replies import _KNOWN
from bot.storage.reports import Heard, apply_many
from bot.storage.rows import load_sends, load_threads
from bot.storage.schema import migrate
from bot.storage.sql import Sql as HouseSql
from bot.storage.sql import type_of
from bot.storage.threads import _OTHERS
from tests.making import a_new_message, a_send, changed
from tests.statements import Sql, asking, doing

NOON = datetime(2026, 1, 1, 12, 0, 0, 500, tzinfo=UTC)


def stored(tx: Transaction, count: int = 1) -> list[UUID]:
    """Store that many sends, each in a thread of its own."""
    news = []
    for number in range(count):
        thread_id = uuid4()
        text = a_send(uuid4(), thread_id, "+14155552671", "+15550100900", f"“{number}” \\ ' %s", NOON, NOON)
        news.append(a_new_message(Origin(f"key {number}", "T1", "C1", "U1"), text))
    assert [one.taken for one in accept_many(tx, news)] == [Taken.NEW] * count
    return [item.sends[0].id for item in news]


def every_statement() -> list[HouseSql]:
    for module in pkgutil.iter_modules(bot.storage.__path__, "bot.storage."):
        importlib.import_module(module.name)
    return list(HouseSql.every)


def test_there_are_statements() -> None:
    assert len(every_statement()) > 60


def test_every_statement_fits_the_schema(database: Database, engine: str) -> None:
    """PostgreSQL prepares it; SQLite explains it, which compiles it."""
    raw = database.connect()
    for sql in every_statement():
        if engine == "sqlite":
            names = dict.fromkeys(_names(sql.sqlite, ":"))
            raw.execute(f"EXPLAIN {sql.sqlite}", names).fetchall()
        else:
            numbered = _numbered(sql.postgresql)
            raw.execute("PREPARE statement AS " + numbered)
            raw.execute("DEALLOCATE statement")
    raw.close()


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_sqlite_compiles_what_runs_all_the_time_once(database: Database) -> None:
    raw, compiled = database.connect(), list[int]()
    raw.set_authorizer(lambda *what: compiled.append(what[0]) or 0)  # SQLite asks it while it compiles
    anew = Sql("SELECT id FROM threads WHERE channel = :channel").sqlite
    for text in [*(sql.sqlite for sql in (PLACE, LOAD_TYPED, _KNOWN, _OTHERS, _CLAIM)), anew]:
        for value in (1, 2):
            compiled.clear()
            raw.execute(f"EXPLAIN {text}", dict.fromkeys(_names(text, ":"), value)).fetchall()
        assert bool(compiled) is (text == anew), text
    raw.close()


def _names(text: str, mark: str) -> set[str]:
    return set(re.findall(rf"(?<![:\w]){mark}([a-z_]+)", text))


def _numbered(text: str) -> str:
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        if found[1] not in names:
            names.append(found[1])
        return f"${names.index(found[1]) + 1}"

    return re.sub(r"%\(([a-z_]+)\)s", number, text)


_TYPES = {"uuid": "uuid", "timestamp with time zone": "timestamptz", "boolean": "bool"}
_TYPES |= dict.fromkeys(("integer", "bigint", "smallint"), "int") | dict.fromkeys(("text", "character varying"), "text")


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_the_name_of_a_column_tells_its_type(database: Database) -> None:
    ours = "table_schema = current_schema() AND table_name <> 'alembic_version'"
    found = database.read(
        asking(f"SELECT table_name, column_name, data_type FROM information_schema.columns WHERE {ours}")
    )
    told = {(table, name): _TYPES[kind] for table, name, kind in found}
    assert len(told) > 60
    others = {("alarms", "told"): "bool", ("reports", "id"): "int"}  # read and written by hand
    assert told == {(table, name): type_of(name) for table, name in told} | others


def test_what_goes_in_comes_out(database: Database) -> None:
    [send_id] = database.write(stored)
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5)))
    columns = {
        "since": elsewhere,
        "service": Service.RCS,
        "told": News.SENT | News.READ,
        "handle": None,
        "picture_lost": True,
        "handle_from": HandleFrom.LIST,
        "try_number": 2,
        "delivery": Delivery.READ,
    }
    change = Sql("{update sends: since, service, told, handle, picture_lost, handle_from, try_number, delivery}")
    database.write(lambda tx: tx.each(change, [{"id": send_id, **columns}]))
    [send] = database.read(lambda tx: load_sends(tx, [send_id])).values()
    assert (send.known.since, send.known.since.utcoffset()) == (NOON, timedelta(0))
    assert send == changed(send, **{**columns, "since": NOON})
    assert send.known.delivery is Delivery.READ
    assert send.words.text == "“0” \\ ' %s"


def test_many_are_found_by_their_ids_in_one_statement_and_none_by_none(database: Database) -> None:
    def looked_for(tx: Transaction) -> None:
        ids = stored(tx, 40)
        assert set(load_sends(tx, ids)) == set(ids)
        assert set(load_sends(tx, [*ids[:2], uuid4()], lock=True)) == set(ids[:2])
        assert load_sends(tx, []) == {}
        threads = {send.thread_id for send in load_sends(tx, ids).values()}
        assert {thread.lead.id for thread in load_threads(tx, threads).values()} == set(ids)

    database.write(looked_for)


def test_each_row_gets_its_own_values(database: Database) -> None:
    ids = database.write(lambda tx: stored(tx, 3))
    change = Sql("{update sends: polls}")
    database.write(lambda tx: tx.each(change, [{"id": one, "polls": number} for number, one in enumerate(ids)]))
    found = database.read(lambda tx: load_sends(tx, ids))
    assert [found[one].schedule.polls for one in ids] == [0, 1, 2]


def test_of_what_is_there_already_nothing_is_stored_again(database: Database) -> None:
    values = "{values row.key, row.next_at}"
    insert = Sql(f"INSERT INTO pacing (key, next_at) {values} ON CONFLICT DO NOTHING RETURNING key")
    row = {"key": "C1", "next_at": NOON}
    later = [row | {"next_at": NOON + timedelta(1)}, {"key": "C2", "next_at": NOON}]
    assert database.write(lambda tx: tx.each(insert, [row]).column()) == ["C1"]
    assert database.write(lambda tx: tx.each(insert, later).column()) == ["C2"]
    assert database.read(asking("SELECT DISTINCT next_at FROM pacing")) == [(NOON,)]


def test_of_copies_of_a_gesture_taken_in_together_or_later_only_the_first_is_stored(database: Database) -> None:
    origin, customer, line = Origin("key", "T1", "C1", "U1"), "+14155552671", "+15550100900"
    copies = [
        a_new_message(origin, a_send(uuid4(), uuid4(), customer, line, text, NOON, NOON))
        for text in ("first", "second", "third")
    ]

    def taking(*items: NewMessage) -> list[Taken]:
        return [one.taken for one in database.write(lambda tx: accept_many(tx, items))]

    assert taking(*copies[:2]) == [Taken.NEW, Taken.KNOWN]
    assert taking(copies[2], copies[0]) == [Taken.KNOWN, Taken.KNOWN]
    assert database.read(asking("SELECT messages.text, sends.text FROM messages, sends")) == [("first", "first")]


def test_a_row_that_breaks_a_rule_takes_everything_back_and_its_values_stay_secret(database: Database) -> None:
    """Also where it fails in the middle of statements that nobody looks at."""

    def broken(tx: Transaction) -> None:
        [first, second] = stored(tx, 2)
        tx.each(Sql("{update sends: handle}"), [{"id": one, "handle": "+14155559999"} for one in (first, second)])
        tx.do(Sql("UPDATE threads SET rev = 7"))

    with pytest.raises(database.error) as failed:
        database.write(broken)
    assert not database.is_away(failed.value)
    assert not isinstance(failed.value, MaybeStored)
    assert database.write(asking("SELECT count(*) FROM sends")) == [(0,)]
    assert len(database.write(stored)) == 1


def test_an_error_of_ours_takes_everything_back(database: Database) -> None:
    def broken(tx: Transaction) -> None:
        stored(tx, 2)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.write(broken)
    assert database.read(asking("SELECT count(*) FROM sends")) == [(0,)]


def test_who_reads_cannot_write(database: Database) -> None:
    with pytest.raises(database.error):
        database.read(lambda tx: tx.ask(Sql("DELETE FROM pacing RETURNING key")).column())
    assert database.read(asking("SELECT count(*) FROM pacing")) == [(0,)]


def test_no_more_read_at_once_than_there_are_connections(database_url: str) -> None:
    database = open_database(database_url, pool_size=1)
    migrate(database)
    inside, leave = threading.Event(), threading.Event()

    def linger(tx: Transaction) -> None:
        assert list(tx.ask(Sql("SELECT 1 AS one"))) == [(1,)]
        inside.set()
        assert leave.wait(10)

    reading = threading.Thread(target=database.read, args=(linger,))
    reading.start()
    assert inside.wait(5)
    with pytest.raises(database.error) as failed:
        database.read(asking("SELECT 1 AS one"))
    assert database.is_away(failed.value)
    leave.set()
    reading.join()
    assert database.read(asking("SELECT 1 AS one")) == [(1,)]
    database.close()


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
class TestServer:
    def admin(self, url: str, statement: str, *values: Any) -> list[Any]:
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(statement, values)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def end_all_others(self, url: str) -> None:
        self.admin(
            url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )

    def end_what_waits(self, connection: psycopg.Connection) -> None:
        """As soon as one waits for a lock of this connection's."""
        waits, end = "pg_backend_pid() = ANY(pg_blocking_pids(pid))", time.monotonic() + 20
        while not connection.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {waits}").rowcount:
            assert time.monotonic() < end
            time.sleep(0.02)

    def test_connections_lost_between_two_transactions_are_not_noticed(
        self, database: Database, database_url: str
    ) -> None:
        database.write(stored)
        database.read(asking("SELECT 1 AS one"))
        self.end_all_others(database_url)
        assert database.write(lambda tx: tx.now) > NOON
        assert database.read(asking("SELECT count(*) FROM sends")) == [(1,)]

    def test_what_was_begun_on_a_lost_connection_is_done_once_on_a_new_one(
        self, database: Database, database_url: str
    ) -> None:
        database.write(asking("SELECT 1 AS one"))
        times = []

        def cut(tx: Transaction) -> int:
            stored(tx)
            times.append(1)
            if len(times) == 1:
                self.end_all_others(database_url)
            return len(load_sends(tx, [uuid4()]))

        assert database.write(cut) == 0
        assert (len(times), database.read(asking("SELECT count(*) FROM sends"))) == (2, [(1,)])

    def test_nobody_knows_what_became_of_a_commit_whose_connection_broke(
        self, database: Database, database_url: str
    ) -> None:
        database.write(asking("SELECT 1 AS one"))

        def waits(tx: Transaction) -> None:
            stored(tx)
            tx.do(Sql("SELECT pg_advisory_xact_lock(1)"))

        with psycopg.connect(database_url, autocommit=True) as other, ThreadPoolExecutor(1) as beside:
            other.execute("SELECT pg_advisory_lock(1)")
            ending = beside.submit(self.end_what_waits, other)
            with pytest.raises(MaybeStored):
                database.write(waits)
            ending.result(30)
        assert database.write(asking("SELECT count(*) FROM sends")) == [(0,)]

    def test_a_statement_that_takes_too_long_ends_and_its_limit_with_the_transaction(self, database_url: str) -> None:
        hasty = open_database(database_url, statement_timeout=0.2)
        with pytest.raises(psycopg.errors.QueryCanceled) as failed:
            hasty.write(doing("SELECT pg_sleep(5)"))
        assert hasty.is_away(failed.value)
        assert hasty.write(asking("SHOW statement_timeout")) == [("200ms",)]
        assert isinstance(hasty, PostgresqlDatabase)
        assert hasty._writing is not None
        assert hasty._writing.execute("SHOW statement_timeout").fetchone() == ("0",)
        hasty.close()

    def make_read_only(self, url: str, value: str) -> None:
        """Have new sessions read only, as on a server that was the primary; or end that."""
        name = conninfo_to_dict(url)["dbname"]
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = off")
            change = f"ALTER DATABASE {name} SET default_transaction_read_only = {value}"
            connection.execute(change)  # type: ignore[arg-type]

    def test_a_session_that_turned_read_only_is_left_for_one_that_is_not(
        self, database: Database, database_url: str
    ) -> None:
        """As after a failover: the server is there, answers, and takes nothing."""
        self.make_read_only(database_url, "on")
        self.end_all_others(database_url)
        assert database.write(asking("SELECT 1 AS one")) == [(1,)]  # a session of the old primary
        self.make_read_only(database_url, "off")
        assert len(database.write(stored)) == 1

    def test_while_there_is_only_a_read_only_server_nothing_is_stored_and_then_it_is(
        self, database: Database, database_url: str
    ) -> None:
        self.make_read_only(database_url, "on")
        self.end_all_others(database_url)
        for _ in range(2):
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                database.write(stored)
        self.make_read_only(database_url, "off")
        assert len(database.write(stored)) == 1

    def test_a_statement_is_prepared_under_a_name_of_its_own_text(self, database: Database) -> None:
        database.write(stored)
        names = {name for [name] in database.write(asking("SELECT name FROM pg_prepared_statements"))}
        assert len(names) > 3
        assert all(name.startswith("bluethread_") for name in names)

    def test_behind_a_pooler_that_loses_statements_none_is_prepared_any_more(self, database: Database) -> None:
        assert isinstance(database, PostgresqlDatabase)
        database.write(asking("SELECT count(*) FROM sends"))
        assert database._writing is not None
        database._writing.pgconn.exec_(b"DEALLOCATE ALL")  # another server's connection, behind the same name
        assert database.write(asking("SELECT count(*) FROM sends")) == [(0,)]
        assert database.write(asking("SELECT name FROM pg_prepared_statements")) == []

    def test_hanging_up_ends_a_wait_at_once(self, database: Database) -> None:
        failed: list[BaseException] = []

        def wait() -> None:
            try:
                database.write(asking("SELECT pg_sleep(4)"))
            except BaseException as error:  # noqa: BLE001
                failed.append(error)

        began, waiting = time.monotonic(), threading.Thread(target=wait)
        waiting.start()
        time.sleep(0.3)
        database.hang_up()
        waiting.join(3)
        assert not waiting.is_alive()
        assert failed
        assert time.monotonic() - began < 3

    def test_whoever_changes_a_message_waits_for_its_thread_first(self, database: Database, database_url: str) -> None:
        """Or two processes, one with the thread and one with the send, would wait for each other."""
        [send_id] = database.write(stored)
        with psycopg.connect(database_url) as other, ThreadPoolExecutor(1) as beside:
            other.execute("UPDATE threads SET rev = rev + 1")
            waiting = beside.submit(database.write, lambda tx: load_sends(tx, [send_id], lock=True))
            self.until_somebody_waits(database_url)
            other.execute("SET lock_timeout = '500ms'")
            other.execute("UPDATE sends SET polls = 7")
            other.commit()
            assert waiting.result(5)[send_id].schedule.polls == 7

    def until_somebody_waits(self, url: str) -> None:
        waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        while not self.admin(url, waiting):
            time.sleep(0.01)

    def test_a_part_that_another_process_is_claiming_is_not_said_to_be_stopped(
        self, database: Database, database_url: str
    ) -> None:
        thread_id = uuid4()
        parts = tuple(
            a_send(uuid4(), thread_id, "+14155552671", "+15550100900", "Words", NOON, NOON, part=part, parts=2)
            for part in (1, 2)
        )
        new = a_new_message(Origin("key", "T1", "C1", "U1"), *parts)
        assert [one.taken for one in database.write(lambda tx: accept_many(tx, [new]))] == [Taken.NEW]
        failed = Heard(parts[0].id, Report("bot", NOON, Delivery.FAILED), timedelta(1))
        with psycopg.connect(database_url) as other, ThreadPoolExecutor(1) as beside:
            other.execute("UPDATE sends SET delivery = %s WHERE part = 2", (Delivery.SENDING,))
            applying = beside.submit(database.write, lambda tx: apply_many(tx, [failed]))
            self.until_somebody_waits(database_url)
            other.commit()
            applying.result(5)
        told = database.read(asking("SELECT delivery FROM sends ORDER BY part"))
        assert told == [(Delivery.FAILED,), (Delivery.SENDING,)]

    def test_of_several_hosts_the_one_that_takes_writes_is_used(self, database_url: str) -> None:
        several = database_url.replace("?host=", "?host=/nowhere,")
        assert several != database_url
        database = open_database(several)
        assert connection_info(several)["target_session_attrs"] == "read-write"
        assert len(database.write(stored)) == 1
        database.close()


def test_who_waits_for_the_time_of_a_stuck_connection_keeps_nobody_else_from_theirs() -> None:
    """A `cached_property` would: before Python 3.12 it has one lock for all transactions."""
    database = open_database("postgres://nowhere/x")
    assert isinstance(database, PostgresqlDatabase)
    waits, answers = threading.Event(), threading.Event()

    def begun(time_of: Callable[[], datetime]) -> PostgresqlTransaction:
        cursor = SimpleNamespace(fetchone=lambda: (time_of(), ""))
        connection: Any = SimpleNamespace(execute=lambda *_, **__: cursor)
        return PostgresqlTransaction(connection, "BEGIN", database)

    def late() -> datetime:
        waits.set()
        assert answers.wait(10)
        return NOON

    with ThreadPoolExecutor(2) as threads:
        stuck = threads.submit(lambda: begun(late).now)
        assert waits.wait(5)
        other = threads.submit(lambda: begun(lambda: NOON).now)
        try:
            assert other.result(2) == NOON
        finally:
            answers.set()
        assert stuck.result(5) == NOON


@pytest.mark.parametrize("url", ["postgres://[::1/x", "postgresql://h/x?nonsense=1", "mysql://h/x"])
def test_a_url_that_cannot_be_read_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(BadSettings) as refused:
        open_database(url)
    assert "DATABASE_URL" in str(refused.value)
    assert url not in str(refused.value)
