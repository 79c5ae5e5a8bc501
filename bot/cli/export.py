"""`python -m bot messages --csv`: all matching messages as a table, in flat memory however many there are."""

import csv
import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import click
from msgspec.structs import replace

from bot.cli.messages import COLUMNS, record
from bot.cli.output import printable
from bot.errors import UsageError
from bot.settings import Settings
from bot.storage.history import PAGE, Filter, Listed, extent
from bot.storage.reader import Reader, reading

_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]")
_NUMBER = re.compile(r"[+-]?\d+")


def export_messages(settings: Settings, wanted: Filter, target: str) -> None:
    """Write a CSV file, oldest message first: UTF-8, a header row, times in ISO 8601 UTC. target: a path, or `-`.

    What is accepted meanwhile is left out. Raises UsageError when it cannot be written; then there is no new file.
    """
    count = 0
    opened = _standard_output() if target == "-" else _whole_file(target)
    with reading(settings.database_url) as reader, opened as output:
        table = csv.writer(output)
        table.writerow(COLUMNS)
        for found in _pages(reader, wanted):
            table.writerows([cell(value) for value in record(one).values()] for one in found)
            count += len(found)
    if target != "-":
        click.echo(f"{count:,} message{'' if count == 1 else 's'} written to {target}.", err=True)


def cell(value: object) -> str:
    """Return what stands in a cell. A line break is one character, quoted; other control characters are spaces.

    What a spreadsheet would take for a formula gets an apostrophe before it; a number such as +14155552671 does not.
    Source: OWASP, "CSV Injection".
    """
    if not isinstance(value, str):
        return str(value).lower()
    text = "\n".join(map(printable, re.split(r"\r\n?|\n", value)))
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def _pages(reader: Reader, wanted: Filter) -> Iterator[list[Listed]]:
    total, newest = reader.ask(lambda tx: extent(tx, wanted))
    if newest is None:
        return
    label, hidden = "Looking through messages", not sys.stderr.isatty()
    with click.progressbar(length=total, label=label, file=sys.stderr, hidden=hidden) as progress:
        for found in reader.pages(replace(wanted, until=newest)):
            yield found
            progress.update(PAGE)


@contextmanager
def _standard_output() -> Iterator[IO[str]]:
    output = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="")
    yield output
    output.detach()  # or it would be closed with this; flushes


@contextmanager
def _whole_file(target: str) -> Iterator[IO[str]]:
    """Yield a file that appears whole or not at all, for its owner's eyes alone: written beside it, then renamed."""
    path = Path(target).resolve()
    if path.exists() and not path.is_file():
        raise UsageError(f"{target} is not a file: give a file name, or - for standard output")
    try:
        with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
            new = Path(folder) / path.name
            new.touch(mode=0o600)
            with new.open("w", encoding="utf-8", newline="") as output:
                yield output
                output.flush()
                os.fsync(output.fileno())
            new.replace(path)
    except OSError as error:
        todo = "give a file in a folder where you may write"
        raise UsageError(f"{target} cannot be written ({error.strerror}): {todo}") from None
