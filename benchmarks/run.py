"""What one run shares: its folder, its two engines, its neighbours, its size."""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import databases
from benchmarks.load import Load
from benchmarks.scale import Scale
from benchmarks.servers import Server, pretend_neighbours

WAYS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "SQLite": ("SQLite", {}),
    "PostgreSQL": ("PostgreSQL", {}),
    "PostgreSQL, only doors": ("PostgreSQL", {"WEB_ALSO_WORKS": "false"}),
}
"""How intake is served: the engine and what differs from the bot's defaults. The third leaves the work that follows
to another process, so that the difference to the second is what that work costs the doors."""


@dataclass(slots=True)
class Run:
    """Handed to every figure. engines: name → maker of new databases. notes: facts for the page, in words."""

    folder: Path
    scale: Scale
    neighbours: Server
    engines: Mapping[str, databases.New]
    notes: list[str] = field(default_factory=list)
    busiest: float = 0  # of the generator, 0 to 1

    def checked(self, seen: Load) -> Load:
        """Return it if every answer was right; remember how busy the generator was.

        Raises:
            ValueError: there were wrong answers, or none: nothing was measured.
        """
        if seen.wrong or not seen.answers:
            raise ValueError(f"{seen.wrong} of {seen.answers} answers were not 200")
        self.busiest = max(self.busiest, seen.busy)
        return seen


@contextlib.contextmanager
def opened(scale: Scale) -> Iterator[Run]:
    """Start what every figure needs."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bluethread-bench-")))
        engines = {
            "SQLite": stack.enter_context(databases.sqlite(folder)),
            "PostgreSQL": stack.enter_context(databases.postgresql()),
        }
        yield Run(folder, scale, stack.enter_context(pretend_neighbours(folder)), engines)
