"""The code that is released, as it stands in the project's history, at work beside the code of today."""

import io
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from tests.chaos.processes import PROJECT, Bot

COMMIT = "a97870cdae4f"
"""The newest commit whose schema is 0005: before conversations, messages and sends."""


@pytest.fixture
def released(tmp_path: Path, database_url: str) -> Path:
    """Return the folder of its code, beside an empty database. A checkout without history cannot try an upgrade."""
    command = ["git", "archive", COMMIT, "bot", "handlers"]
    packed = subprocess.run(command, cwd=PROJECT, check=False, capture_output=True)
    if packed.returncode:
        pytest.skip(f"this checkout has no commit {COMMIT}")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(tmp_path / "released", filter="data")
    if database_url.startswith("postgres"):
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return tmp_path / "released"


class _Process:
    """What `Bot` asks of its process."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: Path, log: Path) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(command, env=environment, cwd=folder, stdout=output, stderr=output)
        self.pid = self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def join(self, timeout: float) -> None:
        self._process.wait(timeout)

    def close(self) -> None:
        pass


@dataclass(eq=False)
class ReleasedBot(Bot):
    """`python -m bot serve` of the released code, kept in the folder `code`."""

    code: Path = field(default_factory=Path)

    @classmethod
    def of(cls, bot: Bot, code: Path) -> "ReleasedBot":
        """Return it with the settings and the place of a bot of today's code."""
        return cls(bot.settings | {"PYTHONPATH": str(code)}, bot.folder, bot.log, bot.url, bot.command, code=code)

    def launch(self) -> None:
        assert not self.alive
        command = [sys.executable, "-P", "-m", "bot", *self.command]
        self.process = _Process(command, self._environment, self.folder, self.log)  # type: ignore[assignment]

    def migrate(self) -> None:
        """Bring the database to its schema."""
        command = [sys.executable, "-P", "-m", "bot", "migrate"]
        subprocess.run(command, env=self._environment, cwd=self.folder, check=True, capture_output=True)

    @property
    def _environment(self) -> dict[str, str]:
        return {"HOME": os.environ["HOME"], **self.settings}
