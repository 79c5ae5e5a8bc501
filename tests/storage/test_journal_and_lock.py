"""The SQLite file: no journal mode that can lose data, and one process at a time."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.errors import BadSettings
from bot.storage.database import open_database
from bot.storage.sqlite import journal_mode, sqlite3
from tests.statements import asking, doing


@pytest.mark.parametrize(
    ("version", "mode"),
    [
        ((3, 6, 23), "TRUNCATE"),
        ((3, 7, 0), "TRUNCATE"),
        ((3, 40, 1), "TRUNCATE"),
        ((3, 43, 99), "TRUNCATE"),
        ((3, 44, 5), "TRUNCATE"),
        ((3, 44, 6), "WAL"),
        ((3, 44, 9), "WAL"),
        ((3, 45, 0), "TRUNCATE"),
        ((3, 45, 9), "TRUNCATE"),
        ((3, 49, 2), "TRUNCATE"),
        ((3, 50, 6), "TRUNCATE"),
        ((3, 50, 7), "WAL"),
        ((3, 51, 0), "TRUNCATE"),
        ((3, 51, 2), "TRUNCATE"),
        ((3, 51, 3), "WAL"),
        ((3, 52, 0), "WAL"),
        ((4, 0, 0), "WAL"),
        ((4, 44, 0), "WAL"),
        ((2, 44, 6), "TRUNCATE"),
    ],
)
def test_write_ahead_logging_is_used_only_where_it_cannot_corrupt_the_file(version, mode):
    assert journal_mode(version) == mode


def test_this_machine_s_sqlite_is_looked_at():
    assert journal_mode() in ("WAL", "TRUNCATE")


# -- one process


def file_database(path):
    return open_database(f"sqlite:///{path}")


def test_a_second_process_is_refused_with_what_to_do(tmp_path):
    first, second = file_database(tmp_path / "bluethread.db"), file_database(tmp_path / "bluethread.db")
    first.take()
    with pytest.raises(BadSettings) as refused:
        second.take()
    assert str(refused.value).startswith("DATABASE_URL: another Bluethread process is using ")
    assert f"{tmp_path / 'bluethread.db'};" in str(refused.value)
    assert "stop it first" in str(refused.value)
    first.close()
    second.take()
    second.close()


@pytest.mark.parametrize("linked", ["file", "folder"])
def test_a_second_process_is_refused_through_a_symlink_too(tmp_path, linked):
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / "bluethread.db"
    file.touch()
    through = tmp_path / ("other.db" if linked == "file" else "link/bluethread.db")
    (through if linked == "file" else through.parent).symlink_to(file if linked == "file" else file.parent)
    first, second = file_database(file), file_database(through)
    first.take()
    with pytest.raises(BadSettings):
        second.take()
    first.close()


def test_another_file_is_another_matter(tmp_path):
    locks = [file_database(tmp_path / name) for name in ("a.db", "b.db")]
    for lock in locks:
        lock.take()
    for lock in locks:
        lock.close()


def test_the_lock_says_who_holds_it(tmp_path):
    lock = file_database(tmp_path / "a.db")
    lock.take()
    assert (tmp_path / "a.db.lock").read_text() == str(os.getpid())
    lock.close()


def test_a_refused_process_leaves_the_holder_s_name(tmp_path):
    lock = file_database(tmp_path / "a.db")
    lock.take()
    with pytest.raises(BadSettings):
        file_database(tmp_path / "a.db").take()
    assert (tmp_path / "a.db.lock").read_text() == str(os.getpid())
    lock.close()


def test_letting_go_twice_does_no_harm(tmp_path):
    lock = file_database(tmp_path / "a.db")
    lock.close()
    lock.take()
    lock.close()
    lock.close()


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadSettings, match=r"^DATABASE_URL: cannot write in .*/nowhere "):
        file_database(tmp_path / "nowhere" / "a.db").take()


def test_a_killed_process_leaves_no_lock_behind(tmp_path):
    program = (
        "import sys, time; from bot.storage.database import open_database; "
        "lock = open_database(f'sqlite:///{sys.argv[1]}'); lock.take(); print('held', flush=True); time.sleep(60)"
    )
    house = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "a.db")], stdout=subprocess.PIPE, text=True, cwd=house
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        lock = file_database(tmp_path / "a.db")
        with pytest.raises(BadSettings):
            lock.take()
        other.send_signal(signal.SIGKILL)
        other.wait()
    lock.take()
    lock.close()


# -- the connections


@pytest.fixture
def database(tmp_path):
    database = file_database(tmp_path / "a.db")
    database.take()
    yield database
    database.close()


def test_what_is_committed_is_on_the_disk(database):
    for pragma, wanted in (("synchronous", 2), ("foreign_keys", 1), ("journal_mode", journal_mode().lower())):
        assert database.write(asking(f"PRAGMA {pragma}")) == [(wanted,)]


def test_a_reader_cannot_write(database):
    database.write(doing("CREATE TABLE t (n INTEGER)"))
    assert database.read(asking("SELECT count(*) FROM t")) == [(0,)]
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        database.read(doing("INSERT INTO t VALUES (1)"))


def test_a_writer_holds_the_file_from_its_first_statement(database):
    """BEGIN IMMEDIATE: a transaction that reads before it writes cannot find the file taken in between."""
    other = sqlite3.connect(database.path, timeout=0)

    def locked(tx):
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("CREATE TABLE t (n INTEGER)")

    database.write(locked)
    other.close()


def test_an_error_shows_no_value(database):
    with pytest.raises(sqlite3.OperationalError) as failed:
        database.write(doing("INSERT INTO nowhere VALUES (:number)", number="+14155552671"))
    assert "4155" not in str(failed.value)


def test_a_second_process_on_the_same_file_is_refused_until_the_first_closes(tmp_path, database):
    second = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    with pytest.raises(BadSettings):
        second.take()
    database.close()
    second.take()
    second.close()


def test_a_relative_path_is_one_from_here(tmp_path):
    database = open_database("sqlite:///here.db")
    database.take()
    database.write(doing("CREATE TABLE t (n INTEGER)"))
    database.close()
    assert (tmp_path / "here.db").exists()


def test_a_closed_database_is_one_file_that_can_be_copied(tmp_path):
    path = tmp_path / "bluethread.db"
    database = open_database(f"sqlite:///{path}")
    database.write(doing("CREATE TABLE t (a)"))
    database.write(doing("INSERT INTO t VALUES (1)"))
    assert database.read(asking("SELECT a FROM t")) == [(1,)]
    database.close()
    copy = tmp_path / "copy.db"
    copy.write_bytes(path.read_bytes())
    database = open_database(f"sqlite:///{copy}")
    assert database.read(asking("SELECT a FROM t")) == [(1,)]
    database.close()
