"""The commands an operator types."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli import main
from bot.domain.clock import steady_clock
from bot.storage.database import Database
from tests.conftest import CALLBACK, KEY, LINE, SECRET, SIGNING, TOKEN

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    values = {
        "SLACK_BOT_TOKEN": TOKEN,
        "SLACK_SIGNING_SECRET": SIGNING,
        "SENDBLUE_API_KEY_ID": KEY,
        "SENDBLUE_API_SECRET_KEY": SECRET,
        "SENDBLUE_FROM_NUMBER": LINE,
        "PUBLIC_URL": "https://bot.example.com",
        "CALLBACK_SECRET": CALLBACK,
        "DATABASE_URL": f"sqlite:///{tmp_path / 'bluethread.db'}",
        "HOST": "127.0.0.1",
        "PORT": "0",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return values


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, arguments)
    return result.exit_code, result.output


def test_a_start_without_settings_says_what_is_missing_in_a_line_each() -> None:
    code, said = run("serve")
    assert code == 2
    assert "  - SLACK_BOT_TOKEN is not set" in said
    assert "  - PUBLIC_URL is not set" in said
    assert "Traceback" not in said


@pytest.mark.usefixtures("environment")
def test_migrate_makes_the_database_and_may_be_repeated() -> None:
    assert run("migrate") == (0, "The database is up to date.\n")
    assert run("migrate") == (0, "The database is up to date.\n")


def test_a_second_process_on_the_same_file_is_refused_with_a_sentence(environment: dict[str, str]) -> None:
    database = Database(environment["DATABASE_URL"], steady_clock())
    database.take()
    for command in ("serve", "migrate"):
        code, said = run(command)
        assert code == 2
        assert "another Bluethread process is using" in said
    database.close()


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
            if "Uvicorn running on" in line:
                break
        process.send_signal(how)
        said += process.stderr.read()
        process.wait(10)
    assert process.returncode in (0, -how)
    assert "Traceback" not in said
    assert [json.loads(line)["event"] for line in said.splitlines() if '"closing"' in line] == ["closing"]
