"""What JSON and CSV have of a send and of what a customer said, and writing a CSV file of all there is."""

import csv
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import click
from msgspec.structs import asdict, replace

from bot.cli.output import printable
from bot.errors import UsageError
from bot.settings import Settings
from bot.storage.history import Entry, Filter, Listed, Received, ask, entries, extent, reading

COLUMNS = (
    *("id", "message_id", "conversation_id", "thread_id", "accepted_at", "author", "channel", "recipient", "line"),
    *("part", "parts", "try_number", "text", "media_url", "style", "delivery", "since", "over", "unconfirmed"),
    *("service", "handle", "error_code", "error_text", "decision", "decided_by"),
    *("direction", "customer", "files", "notice"),
)  # docs/operate.md explains each; new ones stand last
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]")
_NUMBER = re.compile(r"[+-]?\d+")


def export_messages(settings: Settings, wanted: Filter, target: str) -> None:
    """Write a CSV file, oldest first: UTF-8, a header row, times in ISO 8601 UTC. target: a path, or `-`.

    What is accepted meanwhile is left out. Raises UsageError when it cannot be written; then there is no new file.
    """
    count = 0
    opened = click.open_file("-", "w", encoding="utf-8") if target == "-" else _whole_file(target)
    with reading(settings.database_url) as database, opened as output:
        table = csv.writer(output)
        table.writerow(COLUMNS)
        total, newest = ask(database, lambda tx: extent(tx, wanted))
        label, hidden = "Looking through messages", newest is None or not sys.stderr.isatty()
        with click.progressbar(length=total, label=label, file=sys.stderr, hidden=hidden) as progress:
            wanted = replace(wanted, until=newest)
            for one in entries(database, wanted, looked=progress.update) if newest else ():
                table.writerow([cell(value) for value in record(one).values()])
                count += 1
        output.flush()  # before a file is synced; and here it is noticed if whoever reads has read enough
    if target != "-":
        click.echo(f"{count:,} row{'' if count == 1 else 's'} written to {target}.", err=True)


def cell(value: object) -> str:
    """Return what stands in a cell. A line break is one character, quoted; other control characters are spaces.

    What a spreadsheet would take for a formula gets an apostrophe before it; a number such as +14155552671 does not.
    Source: OWASP, "CSV Injection".
    """
    if not isinstance(value, str):
        return str(value).lower()
    text = "\n".join(map(printable, re.split(r"\r\n?|\n", value)))
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


@contextmanager
def _whole_file(target: str) -> Iterator[IO[str]]:
    """Yield a file that appears whole or not at all, for its owner's eyes alone: written beside it, then renamed."""
    path = Path(target).resolve()
    if path.exists() and not path.is_file():
        raise UsageError(f"{target} is not a file: give a file name, or - for standard output")
    try:
        with TemporaryDirectory(prefix=".bluethread.", dir=path.parent) as folder:
            new = Path(folder) / "new.csv"
            new.touch(mode=0o600)
            with new.open("w", encoding="utf-8", newline="") as output:
                yield output
                os.fsync(output.fileno())
            new.replace(path)
    except OSError as error:
        todo = "give a file in a folder where you may write"
        raise UsageError(f"{target} cannot be written ({error.strerror}): {todo}") from None


def record(one: Entry) -> dict[str, object]:
    """Return it as JSON and CSV have it: the columns above, times in ISO 8601 UTC, nothing as ""."""
    values = _received(one) if isinstance(one, Received) else _sent(one)
    return {name: plain(values.get(name)) for name in COLUMNS}


def _sent(listed: Listed) -> dict[str, object]:
    send, known, made = listed.send, listed.send.known, listed.send.decision
    values = asdict(send.words) | asdict(known) | {"channel": listed.channel}
    values |= {"id": send.id, "message_id": send.message_id, "thread_id": send.thread_id}
    values |= {"conversation_id": listed.message.conversation_id, "author": listed.message.author}
    values |= {"delivery": known.delivery.name, "service": known.service.value}
    values |= {"over": known.is_final or known.unconfirmed}
    values |= {"decision": made and made.choice, "decided_by": made and made.by}
    return values | {"direction": "out", "customer": send.words.recipient}


def _received(one: Received) -> dict[str, object]:
    said = one.message
    values = asdict(one) | {"id": said.id, "message_id": said.id, "conversation_id": said.conversation_id}
    values |= {"accepted_at": said.said_at, "text": said.words, "handle": one.handle, "over": not one.waits}
    values |= {"direction": "out" if said.went_out else "in", "notice": said.notice.value}
    return values | {"files": "\n".join(files(one))}


def files(one: Received) -> list[str]:
    """Return the names of what came with it; as in Slack, no links."""
    return [re.split("[?#]", url)[0].rpartition("/")[2] or "a file" for url in one.message.files.split()]


def plain(value: object) -> object:
    """Return it as JSON has it."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, bool | int) else str(value or "")
