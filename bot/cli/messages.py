"""What `python -m bot messages` prints. Reads only and for moments only, so it may run beside the service."""

import csv
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import chain, groupby, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO
from uuid import UUID

import click
from msgspec.structs import replace

from bot.cli.output import print_json, printable
from bot.domain.delivery import Delivery
from bot.domain.timeline import Moment, stands, timeline, told
from bot.errors import UsageError
from bot.settings import Settings
from bot.slack.markup import shorten
from bot.slack.reasons import reason
from bot.storage.history import PAGE, Filter, Listed, Story, ask, extent, pages, reading, story_of
from bot.storage.rows import columns_of
from handlers.recipient import parse_number

COLUMNS = (
    *("id", "thread_id", "accepted_at", "sender", "channel", "recipient", "line", "part", "parts", "text"),
    *("media_url", "style", "delivery", "since", "over", "unconfirmed", "service", "handle", "error_code"),
    *("error_text", "decision", "decided_by", "again_of"),
)  # what JSON and CSV have of a message; docs/operate.md explains each
_SHOWN = 500  # characters of a long text
_WIDTH = 100  # of a terminal that must not wrap lines
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]")
_NUMBER = re.compile(r"[+-]?\d+")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def wanted_messages(
    settings: Settings, *, number: str | None, since: str | None, only_open: bool, only_failed: bool, limit: int
) -> Filter:
    """Return which messages are meant by what was typed. Raises UsageError for what cannot be read."""
    if only_open and only_failed:
        raise UsageError("--open and --failed cannot be combined: a failed text is not open")
    begin = None if since is None else moment(since, datetime.now(UTC))
    try:
        recipient = None if number is None else parse_number(number, settings.default_region)
    except UsageError:
        sentence = "--number is not a phone number: write it with its country code, such as +1 415 555 2671"
        raise UsageError(sentence) from None
    return Filter(number=recipient, since=begin, only_open=only_open, only_failed=only_failed, limit=limit)


def moment(typed: str, now: datetime) -> datetime:
    """Read a span before now, or an ISO 8601 date or time (UTC unless it says otherwise). Raises UsageError."""
    try:
        if span := re.fullmatch(r"(\d+)\s*([smhdw])", typed.strip(), re.IGNORECASE):
            return now - timedelta(**{_UNITS[span[2].lower()]: int(span[1])})
        at = datetime.fromisoformat(typed.strip())
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError("--since takes a span such as 2h or 7d, or a time such as 2026-11-21T14:30 (UTC)") from None


def list_messages(settings: Settings, wanted: Filter, *, as_json: bool) -> None:
    with reading(settings.database_url) as database:
        found = list(islice(chain.from_iterable(pages(database, wanted, newest_first=True)), wanted.limit + 1))
    shown = found[: wanted.limit]
    if as_json:
        print_json([record(one) for one in shown])
        return
    click.echo(f"{'message':<36}  {'accepted (UTC)':<19}  {'to':<16}  status" if found else "No messages.")
    for one in shown:
        click.echo(_in_one_line(one))
    if len(found) > len(shown):
        click.echo(f"There are more: these are the newest {wanted.limit} (--limit).")


def show_message(settings: Settings, message_id: str, *, as_json: bool) -> None:
    """Print one message and what became of it, moment by moment. Raises UsageError when there is none with that id."""
    try:
        wanted = UUID(message_id)
    except ValueError:
        raise UsageError(f"{message_id} is not a message id: `python -m bot messages` lists them") from None
    with reading(settings.database_url) as database:
        story = ask(database, lambda tx: story_of(tx, wanted))
    if story is None:
        raise UsageError(f"there is no message {message_id}: `python -m bot messages` lists them")
    moments = timeline(story.message, story.thread, story.noted)
    if as_json:
        listed = Listed(story.message, story.thread.sender, story.thread.asked_in)
        print_json(record(listed) | {"timeline": [_moment_record(one, story) for one in moments]})
        return
    click.echo("\n".join([*_heading(story), "", *_timeline(story, moments), "", told(story.message)]))


def export_messages(settings: Settings, wanted: Filter, target: str) -> None:
    """Write a CSV file, oldest message first: UTF-8, a header row, times in ISO 8601 UTC. target: a path, or `-`.

    What is accepted meanwhile is left out. Raises UsageError when it cannot be written; then there is no new file.
    """
    count = 0
    opened = click.open_file("-", "w", encoding="utf-8") if target == "-" else _whole_file(target)
    with reading(settings.database_url) as database, opened as output:
        table = csv.writer(output)
        table.writerow(COLUMNS)
        total, newest = ask(database, lambda tx: extent(tx, wanted))
        found = pages(database, replace(wanted, until=newest)) if newest else ()
        label, hidden = "Looking through messages", newest is None or not sys.stderr.isatty()
        with click.progressbar(length=total, label=label, file=sys.stderr, hidden=hidden) as progress:
            for page in found:
                table.writerows([cell(value) for value in record(one).values()] for one in page)
                count += len(page)
                progress.update(PAGE)
        output.flush()  # before a file is synced; and here it is noticed if whoever reads has read enough
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


def record(listed: Listed) -> dict[str, object]:
    """Return a message as JSON and CSV have it: the columns above, times in ISO 8601 UTC, nothing as ""."""
    message = listed.message
    values = columns_of(message) | {
        "sender": listed.sender,
        "channel": listed.channel,
        "delivery": message.known.delivery.name,
        "over": message.known.is_final or message.known.unconfirmed,
        "service": message.known.service.value,
    }
    return {name: _plain(values[name]) for name in COLUMNS}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, bool | int) else str(value or "")


def _moment_record(one: Moment, story: Story) -> dict[str, object]:
    return {
        "at": one.at.isoformat(),
        "seconds": round((one.at - story.message.words.accepted_at).total_seconds(), 3),
        "source": one.source,
        "word": one.word,
        "says": one.says,
        "happened_at": one.happened_at and one.happened_at.isoformat(),
    }


def _in_one_line(listed: Listed) -> str:
    message = listed.message
    said = f"{message.id}  {message.words.accepted_at:%Y-%m-%d %H:%M:%S}  {message.words.recipient or 'deleted':<16}  "
    said = printable(said + stands(message))
    width = max(_WIDTH, shutil.get_terminal_size().columns)
    return said if len(said) <= width or not sys.stdout.isatty() else said[: width - 1] + "…"


def _heading(story: Story) -> Iterator[str]:
    message, thread, words, known = story.message, story.thread, story.message.words, story.message.known
    yield f"Message {message.id}" + (f" (part {words.part} of {words.parts})" if words.parts > 1 else "")
    to, without = (words.recipient, "a picture") if words.recipient else ("a deleted number", "deleted")
    closed = f"nothing can be posted any more ({thread.closed}); the sender gets a private message"
    facts = [
        ("to", f"{to}, from {words.line}"),
        ("text", f"“{shorten(words.text, _SHOWN)}”" if words.text else without),
        ("picture", words.media_url),
        ("typed by", f"{thread.sender} in {thread.asked_in}"),
        ("handle", known.handle and f"{known.handle} (Sendblue's)"),
        ("status", f"{stands(message)}, since {known.since:%Y-%m-%d %H:%M:%S} UTC"),
        ("why", reason(known.error_code, known.error_text) if known.delivery is Delivery.FAILED else ""),
        ("thread", thread.closed and closed),
        *(("repeated", f"as message {other.id}") for other in thread.messages if other.words.again_of == message.id),
    ]
    for name, value in facts:
        if value:
            yield from _hanging(f"  {name:<11}", value)


def _timeline(story: Story, moments: list[Moment]) -> Iterator[str]:
    """Yield a line for each moment under its day: time, time since acceptance, what was learnt."""
    for day, of_this_day in groupby(moments, lambda one: f"{one.at:%A, %-d %B %Y}, UTC"):
        yield day
        for one in of_this_day:
            begin = f"  {one.at:%H:%M:%S}  {elapsed(one.at - story.message.words.accepted_at):>12}   "
            says = one.says
            if one.happened_at is not None:
                other_day = "" if one.happened_at.date() == one.at.date() else f"{one.happened_at:%Y-%m-%d} "
                says += f" (it happened at {other_day}{one.happened_at:%H:%M:%S})"
            yield from _hanging(begin, says)


def _hanging(begin: str, text: str) -> list[str]:
    indent = " " * len(begin)
    return textwrap.wrap(printable(text), _WIDTH, initial_indent=begin, subsequent_indent=indent) or [begin]


def elapsed(span: timedelta) -> str:
    """Return a span such as `+0.42 s`, `+42 s`, `+5 min 03 s`, `+2 h 05 min`, `+3 d 4 h`."""
    sign, seconds = ("-" if span < timedelta(0) else "+"), abs(span.total_seconds())
    whole = round(seconds)
    minutes, hours, days = whole // 60, whole // 3600, whole // 86_400
    if seconds < 9.995:
        return f"{sign}{seconds:.2f} s"
    if whole < 60:
        return f"{sign}{whole} s"
    if whole < 3600:
        return f"{sign}{minutes} min {whole % 60:02} s"
    return f"{sign}{hours} h {minutes % 60:02} min" if whole < 86_400 else f"{sign}{days} d {hours % 24} h"
