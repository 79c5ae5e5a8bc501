"""The commands an operator types."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli import main
from bot.storage.database import open_database
from bot.storage.sqlite import sqlite3

PROJECT = Path(__file__).resolve().parents[1]


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, arguments)
    assert isinstance(result.exception, SystemExit | None), result.exception  # anything else would be a traceback
    return result.exit_code, result.output


def test_a_start_without_settings_says_what_is_missing_in_a_line_each() -> None:
    code, said = run("serve")
    assert code == 2
    assert "  - SLACK_BOT_TOKEN is not set" in said
    assert "  - PUBLIC_URL is not set" in said
    assert "Traceback" not in said


def test_a_number_that_is_too_large_is_refused_with_a_sentence() -> None:
    code, said = run("messages", "--limit", "99999999999999999999")
    assert code == 2
    assert "is not in the range 1<=x<=1000000" in said


def test_whoever_reads_no_further_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def enough() -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr("bot.cli.load_settings", enough)
    assert run("migrate") == (1, "")


@pytest.mark.usefixtures("environment")
def test_migrate_makes_the_database_and_may_be_repeated() -> None:
    assert run("migrate") == (0, "The database is up to date.\n")
    assert run("migrate") == (0, "The database is up to date.\n")


def test_a_second_process_on_the_same_file_is_refused_with_a_sentence(environment: dict[str, str]) -> None:
    database = open_database(environment["DATABASE_URL"])
    database.take()
    for command in ("serve", "migrate"):
        code, said = run(command)
        assert code == 2
        assert "another Bluethread process is using" in said
    database.close()


def without_a_traceback(environment: dict[str, str], *arguments: str, **changes: str) -> tuple[int, str]:
    """Run a command as a process of its own; return how it ended and what it said."""
    ended = subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT), **environment, **changes},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    said = ended.stdout + ended.stderr
    assert "Traceback" not in said
    return ended.returncode, said


CANNOT_START = {
    "a SOCKS proxy": ({"ALL_PROXY": "socks5://127.0.0.1:9"}, "ALL_PROXY"),
    "a proxy in lower case": ({"https_proxy": "socks5h://127.0.0.1:9"}, "https_proxy"),
    "a proxy that is no address": ({"HTTPS_PROXY": "http://[::1"}, "HTTPS_PROXY"),
    "no certificates there": ({"SSL_CERT_FILE": "/nonexistent"}, "SSL_CERT_FILE"),
    "no certificates in it": ({"SSL_CERT_FILE": __file__}, "SSL_CERT_FILE"),
    "no folder of certificates": ({"SSL_CERT_DIR": "/nonexistent"}, "SSL_CERT_DIR"),
    "a password with a bracket": ({"DATABASE_URL": "postgres://u:pa[ss@127.0.0.1/n"}, "DATABASE_URL"),
    "a database nobody serves": ({"DATABASE_URL": "postgres://u:hush@127.0.0.1:9/n"}, "DATABASE_URL"),
    "a host that cannot be": ({"DATABASE_URL": "postgres://u:p@db..example.com/x"}, "DATABASE_URL"),
    "a proxy with an invisible character": ({"HTTPS_PROXY": "http://pro\u200bxy.example.com:3128"}, "HTTPS_PROXY"),
    "a folder that is not there": ({"DATABASE_URL": "sqlite:////nonexistent/x.db"}, "DATABASE_URL"),
    "an invisible character in a key": ({"SENDBLUE_API_KEY_ID": "key\u200bid"}, "SENDBLUE_API_KEY_ID"),
    "a key that is not ASCII": ({"SENDBLUE_API_SECRET_KEY": "schlüssel"}, "SENDBLUE_API_SECRET_KEY"),
}


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("command", ["serve", "work", "migrate", "doctor"])
@pytest.mark.parametrize("what", CANNOT_START)
def test_what_cannot_start_says_so_in_a_sentence(monkeypatch: pytest.MonkeyPatch, what: str, command: str) -> None:
    changes, named = CANNOT_START[what]
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(main, [command])
    assert isinstance(result.exception, SystemExit), result.exception  # anything else would be a traceback
    assert result.exit_code in (1, 2)
    assert named in result.output
    assert "hush" not in result.output


@pytest.mark.parametrize("what", ["a SOCKS proxy", "an invisible character in a key"])
def test_so_does_the_process_itself(environment: dict[str, str], what: str) -> None:
    changes, named = CANNOT_START[what]
    code, said = without_a_traceback(environment, "serve", **changes)
    assert code == 2
    assert named in said


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("command", ["serve", "work", "migrate", "doctor"])
def test_a_file_of_settings_in_another_encoding_is_named(command: str) -> None:
    Path(".env").write_bytes(b"HOST=b\xfcro\n")
    code, said = run(command)
    assert code in (1, 2)
    assert ".env: is not UTF-8 text" in said


def test_a_port_that_is_taken_is_named_before_anything_is_done(environment: dict[str, str], tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        code, said = without_a_traceback(environment, "serve", PORT=str(other.getsockname()[1]))
    assert code == 2
    assert "PORT: cannot listen on 127.0.0.1" in said
    assert not list(tmp_path.glob("*.db*"))


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1", "a..b", "x" * 70])
def test_a_host_that_is_not_this_machine_is_named(environment: dict[str, str], host: str) -> None:
    code, said = without_a_traceback(environment, "serve", HOST=host)
    assert code == 2
    assert "HOST: " in said


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("command", ["serve", "migrate"])
@pytest.mark.parametrize("damage", [b"not a database at all, but long enough to be taken for one" * 40, b"whole"])
def test_a_damaged_file_is_named(tmp_path: Path, damage: bytes, command: str) -> None:
    file = tmp_path / "bluethread.db"
    if damage == b"whole":  # a real one, with a page overwritten
        assert run("migrate")[0] == 0
        with file.open("r+b") as opened:
            opened.seek(4096)
            opened.write(b"\xff" * 4096)
    else:
        file.write_bytes(damage)
    code, said = run(command)
    assert code == 2
    assert f"{file} is damaged or is not a SQLite database" in said


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_a_schema_newer_than_the_code_is_refused(tmp_path: Path, command: str) -> None:
    assert run("migrate")[0] == 0
    with closing(sqlite3.connect(tmp_path / "bluethread.db")) as newer, newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
    code, said = run(command)
    assert code == 2
    assert "the database is newer (9999) than this version" in said


@pytest.mark.usefixtures("environment")
def test_a_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / "bluethread.db").symlink_to(tmp_path / "bluethread.db")
    for command in ("serve", "migrate"):
        code, said = run(command)
        assert code == 2
        assert "is a link that leads nowhere" in said


SCHEMAS = {
    "CREATE TABLE users (id INTEGER)": "belongs to another program",
    "CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('abc123')": "another program",
    "CREATE TABLE messages (id INTEGER)": "is only half there",
    "CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('0001'), ('0002')": "another",
}


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("command", ["serve", "migrate"])
@pytest.mark.parametrize("made", SCHEMAS)
def test_a_database_of_another_kind_is_left_alone(tmp_path: Path, made: str, command: str) -> None:
    with closing(sqlite3.connect(tmp_path / "bluethread.db")) as other, other:
        other.executescript(made)
    code, said = run(command)
    assert code == 2
    assert SCHEMAS[made] in said


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_a_database_that_was_restored_by_halves_is_refused(tmp_path: Path, command: str) -> None:
    assert run("migrate")[0] == 0
    with closing(sqlite3.connect(tmp_path / "bluethread.db")) as half, half:
        half.execute("DROP TABLE pacing")
    code, said = run(command)
    assert code == 2
    assert "is only half there" in said


def test_without_its_packages_the_bot_says_how_to_get_them(tmp_path: Path) -> None:
    nothing = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT)}
    base = [getattr(sys, "_base_executable", sys.executable), "-I", "-S", "-c"]
    start = f"import runpy, sys; sys.path.insert(0, {str(PROJECT)!r}); runpy.run_module('bot', run_name='__main__')"
    ended = subprocess.run([*base, start], env=nothing, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "make install" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_the_process_starts_answers_and_stops_in_order(environment: dict[str, str], how: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "serve"],
        cwd=PROJECT,
        env=os.environ | environment | {"LOG_FORMAT": "json"},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        said = ""
        for line in process.stderr:
            said += line
            if '"listening"' in line:
                break
        process.send_signal(how)
        said += process.stderr.read()
        process.wait(10)
    assert process.returncode in (0, -how)
    assert "Traceback" not in said
    assert [json.loads(line)["event"] for line in said.splitlines() if '"closing"' in line] == ["closing"]
