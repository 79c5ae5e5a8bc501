"""The closing table: what all chaos tests of a run promised, and what happened."""

import pytest

from tests.chaos.promises import COLUMNS

_PRINTED = pytest.StashKey[bool]()


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
    terminalreporter.line("".join(f"{column.replace('_', ' '):>12}" for column in COLUMNS))
    for key in sorted(totals):
        terminalreporter.line("".join(f"{value:>12}" for value in (*key, *totals[key])))
