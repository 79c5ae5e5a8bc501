"""Where the results stand: between two marks in docs/performance.md, with the machine and the day."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bot.storage.sqlite import journal_mode, sqlite3

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
_PACKAGES = ("slack-bolt", "starlette", "uvicorn", "uvloop", "SQLAlchemy", "psycopg")


def machine() -> str:
    """Return what the figures were measured on, in one sentence per kind of fact."""
    model = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), ":unknown")
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return (
        f"Measured {datetime.now(UTC):%Y-%m-%d %H:%M} UTC on {model.partition(':')[2].strip()}, "
        f"{len(os.sched_getaffinity(0))} cores, Linux {platform.release()}; load average before: {load}.\n"
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version} ({journal_mode()} journal), {versions}."
    )


def results(where: str, figures: str, notes: Sequence[str]) -> str:
    """Return everything that stands between the marks."""
    listed = "".join(f"- {note}\n" for note in notes)
    return f"{where}\n\n{figures}\n{listed}"


def between_marks(page: str, name: str, inside: str) -> str:
    """Return the page with everything between its marks `<!-- name -->` and `<!-- /name -->` replaced.

    Raises:
        ValueError: the page has no such marks.
    """
    before, opened, rest = page.partition(f"<!-- {name} -->")
    _, closed, after = rest.partition(f"<!-- /{name} -->")
    if not (opened and closed):
        raise ValueError(f"the page has no marks <!-- {name} --> … <!-- /{name} -->")
    return f"{before}{opened}\n{inside.strip()}\n{closed}{after}"
