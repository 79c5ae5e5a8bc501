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
from msgspec.structs import asdict, replace

from bot.cli.output import print_json, printable
from bot.domain.delivery import Delivery
from bot.domain.timeline import Moment, stands, timeline, told
from bot.errors import UsageError
from bot.settings import Settings
from bot.slack.markup import shorten
from bot.slack.reasons import reason
from bot.slack.sentences import of_part
from bot.storage.history import PAGE, Filter, Listed, Story, ask, extent, pages, reading, stories_of
from handlers.recipient import parse_number

COLUMNS = (
    *("id", "message_id", "conversation_id", "thread_id", "accepted_at", "author", "channel", "recipient", "line"),
    *("part", "parts", "try_number", "text", "media_url", "style", "delivery", "since", "over", "unconfirmed"),
    *("service", "handle", "error_code", "error_text", "decision", "decided_by"),
)  # what JSON and CSV have of a send; docs/operate.md explains each
_LISTS = "`python -m bot messages` lists them"
_SHOWN = 500  # characters of a long text
_WIDTH = 100  # of a terminal that must not wrap lines
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]")
_NUMBER = re.compile(r"[+-]?\d+")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def wanted_messages(
    settings: Settings, *, number: str | None, since: str | None, only_open: bool, only_failed: bool, limit: int
) -> Filter:
    """Return which sends are meant by what was typed. Raises UsageError for what cannot be read."""
    if only_open and only_failed:
        raise UsageError("--open and --failed cannot be combined: a failed text is not open")
    begin = Filter().since if since is None else moment(since, datetime.now(UTC))
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
    click.echo(f"{'send':<36}  {'accepted (UTC)':<19}  {'to':<16}  status" if found else "No messages.")
    for one in shown:
        click.echo(_in_one_line(one))
    if len(found) > len(shown):
        click.echo(f"There are more: these are the newest {wanted.limit} (--limit).")


def show_message(settings: Settings, wanted_id: str, *, as_json: bool) -> None:
    """Print what became of one send, moment by moment, or of all sends of a message. Raises UsageError: no such id."""
    try:
        wanted = UUID(wanted_id)
    except ValueError:
        raise UsageError(f"{wanted_id} is not the id of a send or a message: {_LISTS}") from None
    with reading(settings.database_url) as database:
        stories = ask(database, lambda tx: stories_of(tx, wanted))
    if not stories:
        raise UsageError(f"there is no send and no message {wanted_id}: {_LISTS}")
    if as_json:
        records = [record(one) | {"timeline": [_moment_record(at, one) for at in _moments(one)]} for one in stories]
        print_json(records[0] if stories[0].send.id == wanted else records)
        return
    told_whole = ["\n".join([*_heading(one), "", *_timeline(one), "", told(one.send)]) for one in stories]
    click.echo("\n\n".join(told_whole))


def export_messages(settings: Settings, wanted: Filter, target: str) -> None:
    """Write a CSV file, oldest send first: UTF-8, a header row, times in ISO 8601 UTC. target: a path, or `-`.

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
        click.echo(f"{count:,} send{'' if count == 1 else 's'} written to {target}.", err=True)


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
    """Return a send as JSON and CSV have it: the columns above, times in ISO 8601 UTC, nothing as ""."""
    send, known, made = listed.send, listed.send.known, listed.send.decision
    values = asdict(send.words) | asdict(known) | {"channel": listed.channel}
    values |= {"id": send.id, "message_id": send.message_id, "thread_id": send.thread_id}
    values |= {"conversation_id": listed.message.conversation_id, "author": listed.message.author}
    values |= {"delivery": known.delivery.name, "service": known.service.value}
    values |= {"over": known.is_final or known.unconfirmed}
    values |= {"decision": made and made.choice, "decided_by": made and made.by}
    return {name: _plain(values[name]) for name in COLUMNS}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, bool | int) else str(value or "")


def _moment_record(one: Moment, story: Story) -> dict[str, object]:
    return {
        "at": one.at.isoformat(),
        "seconds": round((one.at - story.send.words.accepted_at).total_seconds(), 3),
        "source": one.source,
        "word": one.word,
        "says": one.says,
        "happened_at": one.happened_at and one.happened_at.isoformat(),
    }


def _in_one_line(listed: Listed) -> str:
    send = listed.send
    said = f"{send.id}  {send.words.accepted_at:%Y-%m-%d %H:%M:%S}  {send.words.recipient or 'deleted':<16}  "
    said = printable(said + of_part(send.words, stands(send)))
    width = max(_WIDTH, shutil.get_terminal_size().columns)
    return said if len(said) <= width or not sys.stdout.isatty() else said[: width - 1] + "…"


def _heading(story: Story) -> Iterator[str]:
    send, thread, words, known = story.send, story.thread, story.send.words, story.send.known
    yield of_part(words, f"Send {send.id}")
    to, without = (words.recipient, "a picture") if words.recipient else ("a deleted number", "deleted")
    closed = f"nothing can be posted any more ({thread.closed}); its author gets a private message"
    facts = [
        ("to", f"{to}, from {words.line}"),
        ("text", f"“{shorten(words.text, _SHOWN)}”" if words.text else without),
        ("picture", words.media_url),
        ("typed by", f"{story.message.author} in {story.channel}"),
        ("handle", known.handle and f"{known.handle} (Sendblue's)"),
        ("status", f"{stands(send)}, since {known.since:%Y-%m-%d %H:%M:%S} UTC"),
        ("why", reason(known.error_code, known.error_text) if known.delivery is Delivery.FAILED else ""),
        ("thread", thread.closed and closed),
        ("message", f"{send.message_id} (give this id to see all its parts and tries)"),
    ]
    for name, value in facts:
        if value:
            yield from _hanging(f"  {name:<11}", value)


def _moments(story: Story) -> list[Moment]:
    return timeline(story.send, story.thread, story.noted)


def _timeline(story: Story) -> Iterator[str]:
    """Yield a line for each moment under its day: time, time since acceptance, what was learnt."""
    for day, of_this_day in groupby(_moments(story), lambda one: f"{one.at:%A, %-d %B %Y}, UTC"):
        yield day
        for one in of_this_day:
            begin = f"  {one.at:%H:%M:%S}  {elapsed(one.at - story.send.words.accepted_at):>12}   "
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
