"""What `python -m bot messages` prints. Reads only and for moments only, so it may run beside the service."""

import re
import shutil
import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from uuid import UUID

import click

from bot.cli.output import print_json, printable
from bot.domain.delivery import Delivery
from bot.domain.timeline import Moment, stands, timeline, told
from bot.errors import UsageError
from bot.settings import Settings
from bot.slack.markup import shorten
from bot.slack.reasons import reason
from bot.storage.history import Filter, Listed, Story, story_of
from bot.storage.reader import reading
from handlers.recipient import parse_number

COLUMNS = (
    *("id", "thread_id", "accepted_at", "sender", "channel", "recipient", "line", "part", "parts", "text"),
    *("media_url", "style", "delivery", "since", "over", "unconfirmed", "service", "handle", "error_code"),
    *("error_text", "decision", "decided_by", "again_of"),
)
"""What JSON and CSV have of a message; docs/operate.md explains each."""

_SHOWN = 500  # characters of a long text
_WIDTH = 100  # of a terminal that must not wrap lines
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
        if (span := re.fullmatch(r"(\d+)\s*([smhdw])", typed.strip(), re.IGNORECASE)) is not None:
            return now - timedelta(**{_UNITS[span[2].lower()]: int(span[1])})
        at = datetime.fromisoformat(typed.strip())
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError("--since takes a span such as 2h or 7d, or a time such as 2026-11-21T14:30 (UTC)") from None


def list_messages(settings: Settings, wanted: Filter, *, as_json: bool) -> None:
    """Print messages, newest first, one line each."""
    with reading(settings.database_url) as reader:
        pages = reader.pages(wanted, newest_first=True)
        found = list(islice(chain.from_iterable(pages), wanted.limit + 1))
    more, found = len(found) > wanted.limit, found[: wanted.limit]
    if as_json:
        print_json([record(one) for one in found])
        return
    if not found:
        click.echo("No messages.")
        return
    click.echo(f"{'message':<36}  {'accepted (UTC)':<19}  {'to':<16}  status")
    for one in found:
        click.echo(_in_one_line(one))
    if more:
        click.echo(f"There are more: these are the newest {wanted.limit} (--limit).")


def show_message(settings: Settings, message_id: str, *, as_json: bool) -> None:
    """Print one message and what became of it, moment by moment. Raises UsageError when there is none with that id."""
    try:
        wanted = UUID(message_id)
    except ValueError:
        raise UsageError(f"{message_id} is not a message id: `python -m bot messages` lists them") from None
    with reading(settings.database_url) as reader:
        story = reader.ask(lambda tx: story_of(tx, wanted))
    if story is None:
        raise UsageError(f"there is no message {message_id}: `python -m bot messages` lists them")
    moments = timeline(story.message, story.thread, story.noted)
    if as_json:
        listed = Listed(story.message, story.thread.sender, story.thread.asked_in)
        print_json(record(listed) | {"timeline": [_moment_record(one, story) for one in moments]})
        return
    for line in [*_heading(story), "", *_timeline(story, moments), "", told(story.message)]:
        click.echo(line)


def record(listed: Listed) -> dict[str, object]:
    """Return a message as JSON and CSV have it: the columns above, times in ISO 8601 UTC, nothing as ""."""
    message = listed.message
    values: dict[str, object] = {
        "sender": listed.sender,
        "channel": listed.channel,
        "delivery": message.delivery.name,
        "over": message.is_final or message.unconfirmed,
        "service": message.service.value,
    }
    return {name: _plain(values[name] if name in values else getattr(message, name)) for name in COLUMNS}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if value is None:
        return ""
    return value if isinstance(value, bool | int) else str(value)


def _moment_record(one: Moment, story: Story) -> dict[str, object]:
    return {
        "at": one.at.isoformat(),
        "seconds": round((one.at - story.message.accepted_at).total_seconds(), 3),
        "source": one.source,
        "word": one.word,
        "says": one.says,
        "happened_at": None if one.happened_at is None else one.happened_at.isoformat(),
    }


def _in_one_line(listed: Listed) -> str:
    message = listed.message
    said = f"{message.id}  {message.accepted_at:%Y-%m-%d %H:%M:%S}  {message.recipient or 'deleted':<16}  "
    said = printable(said + stands(message))
    width = max(_WIDTH, shutil.get_terminal_size().columns)
    return said if len(said) <= width or not sys.stdout.isatty() else said[: width - 1] + "…"


def _heading(story: Story) -> Iterator[str]:
    """Who texted whom what, and how it stands now."""
    message, thread = story.message, story.thread
    kept = bool(message.recipient)
    part = f" (part {message.part} of {message.parts})" if message.parts > 1 else ""
    yield f"Message {message.id}{part}"
    yield from _fact("to", f"{message.recipient if kept else 'a deleted number'}, from {message.line}")
    without = "a picture" if kept else "deleted"
    yield from _fact("text", f"“{shorten(message.text, _SHOWN)}”" if message.text else without)
    if message.media_url:
        yield from _fact("picture", message.media_url)
    yield from _fact("typed by", f"{thread.sender} in {thread.asked_in}")
    if message.handle:
        yield from _fact("handle", f"{message.handle} (Sendblue's)")
    yield from _fact("status", f"{stands(message)}, since {message.since:%Y-%m-%d %H:%M:%S} UTC")
    if message.delivery is Delivery.FAILED:
        yield from _fact("why", reason(message))
    if thread.closed:
        closed = f"nothing can be posted any more ({thread.closed}); the sender gets a private message"
        yield from _fact("thread", closed)
    for other in thread.messages:
        if other.again_of == message.id:
            yield from _fact("repeated", f"as message {other.id}")


def _fact(name: str, value: str) -> list[str]:
    return _hanging(f"  {name:<11}", value)


def _timeline(story: Story, moments: list[Moment]) -> Iterator[str]:
    """A line for each moment under its day: time, time since acceptance, what was learnt."""
    day = ""
    for one in moments:
        if (today := f"{one.at:%A, %-d %B %Y}, UTC") != day:
            yield today
            day = today
        late = "" if one.happened_at is None else f" (it happened at {_clock(one.happened_at, one.at)})"
        begin = f"  {one.at:%H:%M:%S}  {elapsed(one.at - story.message.accepted_at):>12}   "
        yield from _hanging(begin, one.says + late)


def _clock(at: datetime, beside: datetime) -> str:
    return f"{at:%H:%M:%S}" if at.date() == beside.date() else f"{at:%Y-%m-%d %H:%M:%S}"


def _hanging(begin: str, text: str) -> list[str]:
    indent = " " * len(begin)
    return textwrap.wrap(printable(text), _WIDTH, initial_indent=begin, subsequent_indent=indent) or [begin]


def elapsed(span: timedelta) -> str:
    """`+0.42 s`, `+42 s`, `+5 min 03 s`, `+2 h 05 min`, `+3 d 4 h`."""
    sign, seconds = ("-" if span < timedelta(0) else "+"), abs(span.total_seconds())
    if seconds < 9.995:
        return f"{sign}{seconds:.2f} s"
    whole = round(seconds)
    minutes, hours, days = whole // 60, whole // 3600, whole // 86_400
    if whole < 60:
        return f"{sign}{whole} s"
    if whole < 3600:
        return f"{sign}{minutes} min {whole % 60:02} s"
    return f"{sign}{hours} h {minutes % 60:02} min" if whole < 86_400 else f"{sign}{days} d {hours % 24} h"
