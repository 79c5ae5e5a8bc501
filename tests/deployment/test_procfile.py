"""Whatever tells a machine or a person to run `python -m bot …` names a command there is."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import click
import httpx
import psycopg
import pytest
from click.testing import CliRunner

from bot.app import database_of
from bot.cli import main
from bot.errors import BadSettings
from bot.settings import load_settings
from bot.storage.schema import probe
from tests.conftest import free_port
from tests.deployment import FILLED_IN, ROOT

LINES = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
RUN = re.compile(r"python[\d.]* -m bot ([a-z]+)((?: --[a-z-]+)*)")
PLACES = ["Procfile", "Dockerfile", "compose.yml", "app.json", ".env.example", "README.md", "CHANGELOG.md"]
PLACES += ["docs/deploy.md", "docs/operate.md", "docs/security.md", "docs/settings.md"]


@pytest.mark.parametrize("process", LINES)
def test_each_process_runs_a_command_there_is(process: str) -> None:
    python, minus_m, bot, *command = shlex.split(LINES[process])
    assert (python, minus_m, bot) == ("python", "-m", "bot")
    assert CliRunner().invoke(main, [*command, "--help"]).exit_code == 0


def test_the_release_migrates_and_the_web_process_serves() -> None:
    assert LINES["release"] == "python -m bot migrate"
    assert LINES["web"] == "python -m bot serve"


def test_the_worker_works() -> None:
    assert LINES["worker"] == "python -m bot work"


def test_one_web_process_is_enough_to_begin_with_and_workers_can_be_added() -> None:
    formation = json.loads((ROOT / "app.json").read_text())["formation"]
    assert {name: process["quantity"] for name, process in formation.items()} == {"web": 1, "worker": 0}
    assert set(formation) | {"release"} == set(LINES)


def test_the_lines_work_in_their_order_as_on_a_dyno(
    postgresql: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On an empty PostgreSQL: nothing starts before the release, everything after it, and a stop is in order."""
    name = f"procfile_{uuid4().hex}"
    with psycopg.connect(postgresql.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    settings = FILLED_IN | {"DYNO": "web.1", "HOST": "127.0.0.1", "PORT": str(free_port()), "WEB_ALSO_WORKS": "false"}
    settings |= {"DATABASE_URL": postgresql.get_uri(name).replace("postgresql://", "postgres://", 1)}
    for setting, value in settings.items():
        monkeypatch.setenv(setting, value)

    with pytest.raises(BadSettings, match="run `python -m bot migrate`"):
        probe(database_of(load_settings()))
    assert CliRunner().invoke(main, shlex.split(LINES["release"])[3:]).exit_code == 0
    with _started("web", tmp_path) as web, _started("worker", tmp_path) as worker:
        try:
            checks = _ready(f"http://127.0.0.1:{settings['PORT']}")
            assert set(checks.values()) == {"ok"}
            assert "scheduler" not in checks, "the worker has it"
            assert worker.stderr is not None
            assert '"working": true' in worker.stderr.readline()
        finally:
            for process in (web, worker):
                process.terminate()
                process.wait(15)
    assert (web.returncode, worker.returncode) == (-signal.SIGTERM, 0)


def _started(process: str, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, *shlex.split(LINES[process])[1:]]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "LOG_FORMAT": "json"}
    return subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)


def _ready(url: str) -> Any:
    end = time.monotonic() + 30
    with httpx.Client(base_url=url, trust_env=False) as client:
        while True:
            try:
                return client.get("/readyz").json()["checks"]
            except httpx.ConnectError:
                assert time.monotonic() < end
                time.sleep(0.05)


@pytest.mark.parametrize("place", PLACES)
def test_every_command_that_is_written_down_exists(place: str) -> None:
    for name, options in RUN.findall(_as_typed(ROOT / place)):
        assert name in main.commands, f"{place}: python -m bot {name}"
        known = {option for parameter in main.commands[name].params for option in _spellings(parameter)}
        assert set(options.split()) <= known, f"{place}: python -m bot {name}{options}"


def _as_typed(place: Path) -> str:
    """The text with `["python", "-m", "bot", "serve"]` spelt as one would type it."""
    return re.sub(r"\[(\"[^\]]*)\]", lambda match: match[1].replace('", "', " ").strip('"'), place.read_text())


def _spellings(parameter: click.Parameter) -> list[str]:
    return [*parameter.opts, *parameter.secondary_opts]


def test_the_places_do_name_commands() -> None:
    found = {place for place in PLACES if RUN.search(_as_typed(ROOT / place))}
    assert found >= {"Procfile", "Dockerfile", "compose.yml", "README.md", "docs/deploy.md", "docs/settings.md"}
