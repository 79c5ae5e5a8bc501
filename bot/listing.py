"""What `python -m bot messages` prints. Reads only, so it may run beside the service."""

import json
from typing import Any
from uuid import UUID

import click
from sqlalchemy.exc import SQLAlchemyError

from bot.domain.clock import steady_clock
from bot.domain.delivery import Delivery
from bot.domain.message import Message
from bot.errors import UsageError
from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.history import Filter, find_messages, history_of
from bot.storage.rows import load_messages


def list_messages(
    settings: Settings, number: str | None, *, only_open: bool, only_failed: bool, limit: int, as_json: bool
) -> None:
    """Print messages, newest first, one line each."""
    wanted = Filter(number=number, only_open=only_open, only_failed=only_failed, limit=limit)
    found = _read(settings, lambda connection: find_messages(connection, wanted))
    if as_json:
        click.echo(json.dumps([_as_json(message) for message in found], indent=2))
        return
    for message in found:
        click.echo(_as_line(message))
    if not found:
        click.echo("No messages.")


def show_message(settings: Settings, message_id: str, *, as_json: bool) -> None:
    """Print one message and every report about it, oldest first.

    Raises:
        UsageError: there is none with that id.
    """
    try:
        wanted = UUID(message_id)
    except ValueError:
        raise UsageError(f"{message_id} is no message id: `python -m bot messages` lists them") from None
    message = _read(settings, lambda connection: load_messages(connection, [wanted])).get(wanted)
    if message is None:
        raise UsageError(f"there is no message {message_id}: `python -m bot messages` lists them")
    history = _read(settings, lambda connection: history_of(connection, wanted))
    if as_json:
        click.echo(json.dumps({**_as_json(message), "history": history}, indent=2, default=str))
        return
    click.echo(_as_line(message))
    for report in history:
        details = " ".join(str(report[name]) for name in ("service", "error_code", "error_text") if report[name])
        click.echo(f"  {report['at']:%Y-%m-%d %H:%M:%S}  {report['source']:<8}  {report['word'] or '-':<10}  {details}")


def _read(settings: Settings, question: Any) -> Any:
    database = Database(settings.database_url, steady_clock())
    try:
        with database.reading.connect() as connection:
            return question(connection)
    except SQLAlchemyError:
        raise UsageError("the database cannot be read: run `python -m bot migrate` first") from None
    finally:
        database.close()


def _as_line(message: Message) -> str:
    error = f"  {message.error_code} {message.error_text}".rstrip()
    how = f" ({message.service.value})" if message.service.value else ""
    at = f"{message.accepted_at:%Y-%m-%d %H:%M:%S}"
    return f"{message.id}  {at}  {message.recipient:<16}  {message.delivery.name}{how}{error}"


def _as_json(message: Message) -> dict[str, object]:
    return {
        "id": str(message.id),
        "accepted_at": message.accepted_at.isoformat(),
        "recipient": message.recipient,
        "line": message.line,
        "part": message.part,
        "parts": message.parts,
        "delivery": message.delivery.name,
        "since": message.since.isoformat(),
        "service": message.service.value,
        "handle": message.handle,
        "error_code": message.error_code,
        "error_text": message.error_text,
        "over": message.is_final or message.delivery is Delivery.FAILED,
    }
