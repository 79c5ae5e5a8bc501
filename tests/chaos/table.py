"""The closing table: what all chaos tests of a run promised, and what happened."""

import os
import random
import subprocess

import pytest

from tests.chaos.processes import PROJECT
from tests.chaos.promises import COLUMNS

_PRINTED = pytest.StashKey[bool]()


def pytest_configure() -> None:
    """Draw one seed for the run, unless one is given; test processes inherit it."""
    os.environ.setdefault("CHAOS_SEED", str(random.randrange(2**32)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print one row for each engine and number of processes.

    `tests/conftest.py` imports this hook too: the one that prints, with xdist, does not read this folder's conftest.
    """
    totals: dict[tuple[str, int], list[int]] = {}
    reports = [one for kind in ("passed", "failed", "xfailed", "xpassed") for one in terminalreporter.getreports(kind)]
    for row in [value for one in reports for name, value in one.user_properties if name == "chaos"]:
        engine, processes, *counts = (row[column] for column in COLUMNS)
        known = totals.get((engine, processes), [0] * len(counts))
        totals[engine, processes] = [sum(pair) for pair in zip(known, counts, strict=True)]
    if not totals or terminalreporter.config.stash.get(_PRINTED, False):
        return
    terminalreporter.config.stash[_PRINTED] = True
    terminalreporter.section("chaos: what was promised, and what happened")
    terminalreporter.line(f"commit {_commit()}, {_command(terminalreporter.config)}")
    terminalreporter.line("".join(f"{column.replace('_', ' '):>12}" for column in COLUMNS))
    for key in sorted(totals):
        terminalreporter.line("".join(f"{value:>12}" for value in (*key, *totals[key])))


def _commit() -> str:
    command = ("git", "describe", "--always", "--dirty=, changed since")
    try:
        return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _command(config: pytest.Config) -> str:
    """Return what repeats the run."""
    given = " ".join(
        f"{name}={os.environ[name]}" for name in ("CHAOS", "CHAOS_KILLS", "CHAOS_SEED") if name in os.environ
    )
    return f"{given} python -m pytest {' '.join(map(str, config.invocation_params.args))}"
