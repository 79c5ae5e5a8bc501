"""`make audit`: vulnerabilities fail it, and silence of the advisory services cannot be taken for a pass."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.deployment import ROOT

FOUND = "Found 1 known vulnerability in 1 package"
CLEAN = "No known vulnerabilities found"
SILENT = "WARNING: aiohttp: Dependency not found on PyPI and could not be audited: aiohttp (3.14.5)\n" + CLEAN


def _audit(folder: Path, says: str, code: int, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the target with a pip-audit that says this and ends so."""
    (folder / "said").write_text(says + "\n")
    program = folder / "pip-audit"
    program.write_text(f"#!/bin/sh\ncat {folder / 'said'}\nexit {code}\n")
    program.chmod(0o755)
    given = {name: value for name, value in os.environ.items() if name != "CI" and not name.startswith("MAKE")}
    return subprocess.run(
        ["make", "-f", ROOT / "Makefile", "-o", ".venv/dev-ready", "audit", f"BIN={folder}"],
        cwd=folder,
        env=given | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("ci", [{}, {"CI": "true"}])
def test_a_vulnerability_fails(tmp_path: Path, ci: dict[str, str]) -> None:
    ended = _audit(tmp_path, FOUND, 1, **ci)
    assert ended.returncode != 0
    assert FOUND in ended.stdout


@pytest.mark.parametrize("ci", [{}, {"CI": "true"}])
def test_nothing_found_is_said_in_one_line(tmp_path: Path, ci: dict[str, str]) -> None:
    ended = _audit(tmp_path, CLEAN, 0, **ci)
    assert ended.returncode == 0
    assert ended.stdout == CLEAN + "\n"


@pytest.mark.parametrize(("says", "code"), [(SILENT, 0), ("requests.exceptions.ConnectionError", 1)])
def test_an_unanswered_audit_is_a_block_in_ci_and_a_line_elsewhere(tmp_path: Path, says: str, code: int) -> None:
    at_a_desk = _audit(tmp_path, says, code)
    assert at_a_desk.returncode == 0
    assert at_a_desk.stdout.startswith("!!! ")
    assert at_a_desk.stdout.count("\n") == 1
    in_ci = _audit(tmp_path, says, code, CI="true")
    assert in_ci.returncode == 0, "a machine may have no network"
    lines = in_ci.stdout.splitlines()
    assert len(lines) >= 4
    assert all(line.startswith("!!!") for line in lines)
    assert "no advisory service answered" in in_ci.stdout


def test_it_leaves_no_file_behind(tmp_path: Path) -> None:
    for says, code in ((FOUND, 1), (CLEAN, 0), (SILENT, 0)):
        _audit(tmp_path, says, code)
        assert not (tmp_path / ".audit").exists()
