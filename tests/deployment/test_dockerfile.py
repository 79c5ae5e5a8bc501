"""The image: read line by line, and run without Docker from exactly the files it would hold."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bot.storage.database import open_database
from bot.storage.schema import migrate
from tests.conftest import free_port, settings_for
from tests.deployment import FILLED_IN, ROOT

SOURCE = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", "")
STEPS = [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in SOURCE.splitlines() if line)]
COPIES = [rest.split() for word, rest in STEPS if word == "COPY"]
ENV = dict(pair.split("=", 1) for word, rest in STEPS if word == "ENV" for pair in rest.split())
IGNORED = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]


def _only(word: str) -> str:
    [rest] = [rest for step, rest in STEPS if step == word]
    return rest


def test_it_builds_on_one_slim_python_and_no_later_one_of_the_same_name() -> None:
    assert re.fullmatch(r"python:3\.13-slim@sha256:[0-9a-f]{64}", _only("FROM"))
    above = (ROOT / "Dockerfile").read_text().split("\nFROM ")[0]
    assert "docker buildx imagetools inspect python:3.13-slim" in above, "say how to renew the digest"


def test_it_runs_as_a_user_without_rights_made_before() -> None:
    words = [word for word, _ in STEPS]
    assert _only("USER") not in ("root", "0")
    made = next(n for n, (word, rest) in enumerate(STEPS) if word == "RUN" and "useradd" in rest)
    assert f" {_only('USER')}" in STEPS[made][1]
    assert made < words.index("USER") < words.index("CMD")
    assert not [rest for word, rest in STEPS[words.index("USER") :] if word in ("RUN", "COPY", "ADD")]


def test_it_installs_only_what_is_locked() -> None:
    [install] = [rest for word, rest in STEPS if word == "RUN" and "pip install" in rest]
    assert "--require-hashes" in install
    assert re.search(r"-r \S*/requirements\.txt\b", install)
    assert install.count(" -r ") == 1
    assert "${HEIC:+-r /tmp/requirements-heic.txt}" in install, "and that only if asked for"
    assert "requirements-dev" not in SOURCE


def test_it_copies_only_what_exists_and_the_build_may_see() -> None:
    assert [word for word, _ in STEPS if word == "ADD"] == []
    sources = {source for *given, _ in COPIES for source in given}
    assert {source for source in sources if not (ROOT / source).exists()} == set()
    assert IGNORED[0] == "*"
    assert {pattern.removeprefix("!") for pattern in IGNORED if pattern.startswith("!")} == sources


def test_the_database_lies_in_the_volume_that_the_user_owns() -> None:
    volume = _only("VOLUME")
    assert ENV["DATABASE_URL"].startswith(f"sqlite:///{volume}/")
    assert re.search(rf"--owner {_only('USER')} .*--mode 0700 {volume}\b", SOURCE)


def test_it_listens_where_it_says() -> None:
    assert (ENV["HOST"], ENV["PORT"]) == ("0.0.0.0", _only("EXPOSE"))


@pytest.mark.parametrize("mask", [0o000, 0o022])
def test_nobody_else_may_read_the_database(tmp_path: Path, mask: int) -> None:
    settings = settings_for(tmp_path)
    before = os.umask(mask)
    try:
        database = open_database(settings.database_url)
        migrate(database)
        database.close()
    finally:
        os.umask(before)
    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.glob("bluethread.db*")}
    assert modes["bluethread.db"] == 0o600
    assert not any(mode & 0o077 for mode in modes.values())


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The files the image would hold in its working folder."""
    folder = tmp_path / "app"
    folder.mkdir()
    for *sources, target in COPIES:
        if target.startswith("/"):
            continue  # not the working folder
        for source in sources:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, folder / target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / source, folder / target)
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What the image and `--env-file` would set, on a port and a file of this test."""
    here = {"HOST": "127.0.0.1", "PORT": str(free_port()), "DATABASE_URL": f"sqlite:///{tmp_path / 'bluethread.db'}"}
    return {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"} | ENV | FILLED_IN | here


def _command(step: str) -> list[str]:
    """An exec-form command, run by this Python."""
    python, *rest = json.loads(step)
    assert python == "python"
    return [sys.executable, *rest]


@pytest.fixture
def container(image: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(_command(_only("CMD")), cwd=image, env=environment, stderr=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_what_is_copied_is_enough_to_serve_and_its_health_check_tells_so(
    image: Path, environment: dict[str, str], container: subprocess.Popen[bytes]
) -> None:
    check = _command(_only("HEALTHCHECK").partition(" CMD ")[2])

    def healthy() -> bool:
        return subprocess.run(check, cwd=image, env=environment, capture_output=True, check=False).returncode == 0

    end = time.monotonic() + 20
    while not healthy():
        assert container.poll() is None, container.stderr and container.stderr.read().decode()
        assert time.monotonic() < end
    with httpx.Client(base_url=f"http://127.0.0.1:{environment['PORT']}", trust_env=False) as client:
        assert client.get("/readyz").json()["ready"] is True
    container.terminate()
    assert container.wait(10) is not None
    assert not healthy()
