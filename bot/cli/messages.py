"""What `python -m bot messages` prints. Reads only and for moments only, so it may run beside the service."""

import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice
from uuid import UUID

import click

from bot.cli.exporting import files, plain, record
from bot.cli.output import SHOWN, WIDTH, hanging, print_json, printable
from bot.domain.delivery import Delivery
from bot.domain.message import Message, Notice
from bot.domain.number import sender
from bot.domain.timeline import Moment, stands, timeline, told
from bot.errors import UsageError
from bot.settings import Settings
from bot.slack.markup import shorten
from bot.slack.reasons import reason
from bot.slack.sentences import of_part
from bot.storage.history import Entry, Filter, Received, Story, answer_of, ask, entries, reading, stories_of
from handlers.recipient import parse_number

_LISTS = "`python -m bot messages` lists them"
_TIME = "%Y-%m-%d %H:%M:%S UTC"
_NOTICES = {
    Notice.STOPPED: "opted out",
    Notice.LIFTED: "opted in again",
    Notice.ASKS: "may want no more texts",
    Notice.UNDONE: "noted that they asked to continue",
    Notice.OPTED_OUT: "opted the customer out",
    Notice.KEPT: "decided to keep texting",
    Notice.REACTED: "a sign put to a message",
    Notice.ELSEWHERE: "sent from elsewhere",
    Notice.OURS: "first taken for one sent from elsewhere",
}
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def wanted_messages(
    settings: Settings, *, number: str | None, since: str | None, only_open: bool, only_failed: bool, limit: int
) -> Filter:
    """Return what is meant by what was typed. Raises UsageError for what cannot be read."""
    if only_open and only_failed:
        raise UsageError("--open and --failed cannot be combined: a failed text is not open")
    begin = Filter().since if since is None else moment(since, datetime.now(UTC))
    customer = None if number is None else _customer(number, settings.default_region)
    return Filter(number=customer, since=begin, only_open=only_open, only_failed=only_failed, limit=limit)


def _customer(typed: str, region: str) -> str:
    """Return whom is meant: a number as in /imessage, or what else customers write from. Raises UsageError."""
    known = sender(typed, region)
    if known and not known.startswith("+"):
        return known
    try:
        return parse_number(typed, region)
    except UsageError:
        sentence = "--number is not a phone number: write it with its country code, such as +1 415 555 2671"
        raise UsageError(sentence) from None


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
        found = list(islice(entries(database, wanted, newest_first=True), wanted.limit + 1))
    shown = found[: wanted.limit]
    if as_json:
        print_json([record(one) for one in shown])
        return
    click.echo(f"{'id':<36}  {'when (UTC)':<19}  {'customer':<21}  status" if found else "No messages.")
    for one in shown:
        click.echo(_in_one_line(one))
    if len(found) > len(shown):
        click.echo(f"There are more: these are the newest {wanted.limit} (--limit).")


def show_message(settings: Settings, wanted_id: str, *, as_json: bool) -> None:
    """Print what became of one send, moment by moment, of all sends of a message, or of what a customer said.

    Raises UsageError: no such id.
    """
    try:
        wanted = UUID(wanted_id)
    except ValueError:
        raise UsageError(f"{wanted_id} is not the id of a send or a message: {_LISTS}") from None
    with reading(settings.database_url) as database:
        stories = ask(database, lambda tx: stories_of(tx, wanted))
        answer = None if stories else ask(database, lambda tx: answer_of(tx, wanted))
    if answer is not None:
        _show_answer(*answer, as_json=as_json)
        return
    if not stories:
        raise UsageError(f"there is no send and no message {wanted_id}: {_LISTS}")
    if as_json:
        records = [record(one) | {"timeline": [_moment_record(at, one) for at in _moments(one)]} for one in stories]
        print_json(records[0] if stories[0].send.id == wanted else records)
        return
    told_whole = ["\n".join([*_heading(one), "", *_timeline(one), "", told(one.send)]) for one in stories]
    click.echo("\n\n".join(told_whole))


def _show_answer(one: Received, others: Sequence[Message], *, as_json: bool) -> None:
    if as_json:
        fields = ("id", "said_at", "direction", "author", "text", "notice")
        belongs = [{name: plain(getattr(other, name)) for name in fields} for other in others]
        more = {"stored_at": plain(one.stored_at), "thread_ts": plain(one.thread_ts), "others": belongs}
        print_json(record(one) | more)
        return
    said, opened = one.message, f"in the thread {one.thread_ts or 'that is not opened yet'}"
    facts = [
        ("to" if said.went_out else "from", f"{one.customer or 'a deleted number'}, line {one.line}"),
        ("text", _quoted(said) or ("" if said.files else "deleted")),
        *(("file", name) for name in files(one)),
        ("written", f"{said.said_at:{_TIME}}, by Sendblue's clock"),
        ("stored", f"{one.stored_at:{_TIME}}"),
        ("status", _shown(one)),
        ("place", f"{one.channel}, {opened}" if one.channel else "none yet: set INBOX_CHANNEL"),
        *(("later", f"{other.said_at:{_TIME}}: {_what(other)}") for other in others),
        ("handle", f"{one.handle} (Sendblue's)"),
    ]
    click.echo("\n".join([f"Message {said.id}", *_listing(facts)]))


def _what(other: Message) -> str:
    """Return what belongs to a message of a customer: an edit, another part, or what somebody decided."""
    return f"{_quoted(other)} ({other.id})" if other.inbound else f"{other.author} {_NOTICES[other.notice]}"


def _quoted(said: Message) -> str:
    return f"“{shorten(said.words, SHOWN)}”" if said.words else ""


def _shown(one: Received) -> str:
    notice = one.message.notice
    return ("not shown yet" if one.waits else "shown") + (f", {_NOTICES[notice]}" if notice else "")


def _listing(facts: Iterable[tuple[str, str | None]]) -> Iterator[str]:
    """Yield what there is of facts, each beside its name."""
    for name, value in facts:
        if value:
            yield from hanging(f"  {name:<11}", value)


def _moment_record(one: Moment, story: Story) -> dict[str, object]:
    return {
        "at": one.at.isoformat(),
        "seconds": round((one.at - story.send.words.accepted_at).total_seconds(), 3),
        "source": one.source,
        "word": one.word,
        "says": one.says,
        "happened_at": one.happened_at and one.happened_at.isoformat(),
    }


def _in_one_line(one: Entry) -> str:
    if isinstance(one, Received):
        way = "to  " if one.message.went_out else "from"
        said = f"{one.message.id}  {one.message.said_at:%Y-%m-%d %H:%M:%S}  {way} {one.customer or 'deleted':<16}  "
        said += _shown(one)
    else:
        words = one.send.words
        said = f"{one.send.id}  {words.accepted_at:%Y-%m-%d %H:%M:%S}  to   {words.recipient or 'deleted':<16}  "
        said += of_part(words, stands(one.send))
    said, width = printable(said), max(WIDTH, shutil.get_terminal_size().columns)
    return said if len(said) <= width or not sys.stdout.isatty() else said[: width - 1] + "…"


def _heading(story: Story) -> Iterator[str]:
    send, thread, words, known = story.send, story.thread, story.send.words, story.send.known
    yield of_part(words, f"Send {send.id}")
    to, without = (words.recipient, "a file") if words.recipient else ("a deleted number", "deleted")
    closed = f"nothing can be posted any more ({thread.closed}); its author gets a private message"
    facts = [
        ("to", f"{to}, from {words.line}"),
        ("text", f"“{shorten(words.text, SHOWN)}”" if words.text else without),
        ("picture", words.media_url),
        ("typed by", f"{story.message.author} in {story.channel}"),
        ("handle", known.handle and f"{known.handle} (Sendblue's)"),
        ("status", f"{stands(send)}, since {known.since:%Y-%m-%d %H:%M:%S} UTC"),
        ("why", reason(known.error_code, known.error_text) if known.delivery is Delivery.FAILED else ""),
        ("thread", thread.closed and closed),
        ("message", f"{send.message_id} (give this id to see all its parts and tries)"),
    ]
    yield from _listing(facts)


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
            yield from hanging(begin, says)


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
