"""Whatever tells a machine or a person to run `python -m bot …` names a command there is."""

import json
import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bot.cli import main
from tests.deployment import ROOT

LINES = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
RUN = re.compile(r"python[\d.]* -m bot ([a-z]+)((?: --[a-z-]+)*)")
PLACES = ["Procfile", "Dockerfile", "docs/deploy.md", ".env.example", "app.json"]


@pytest.mark.parametrize("process", LINES)
def test_each_process_runs_a_command_there_is(process: str) -> None:
    python, minus_m, bot, *command = shlex.split(LINES[process])
    assert (python, minus_m, bot) == ("python", "-m", "bot")
    assert CliRunner().invoke(main, [*command, "--help"]).exit_code == 0


def test_the_release_migrates_and_the_web_process_serves() -> None:
    assert LINES["release"] == "python -m bot migrate"
    assert LINES["web"] == "python -m bot serve"


def test_there_is_a_worker_as_soon_as_there_is_work() -> None:
    assert ("worker" in LINES) == ("work" in main.commands)


def test_only_processes_there_are_are_scaled() -> None:
    formation = json.loads((ROOT / "app.json").read_text())["formation"]
    assert set(formation) <= set(LINES)
    assert formation["web"]["quantity"] == 1, "SQLite serves one process"


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
    assert found >= {"Procfile", "Dockerfile", "docs/deploy.md"}
