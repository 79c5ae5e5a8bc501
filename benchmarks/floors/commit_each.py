"""The usual way to take a callback: async SQLAlchemy, one transaction and one commit per request.

The same work as the bot's: token, parse, merge, the send, its thread and one history row, flushed to disk before
the answer. It has the fewest statements that do it, one at a time. SQLite gets one connection, which is its best.
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from msgspec.structs import asdict
from sqlalchemy import event, make_url, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.domain.known import Report
from bot.domain.send import Send
from bot.domain.thread import Lane
from bot.sendblue.tokens import CallbackTokens
from bot.sendblue.wire import parse_report
from bot.storage.migrations.tables import reports, sends, threads
from bot.storage.rows import send_of
from bot.storage.sql import CODED
from bot.storage.sqlite import journal_mode


def _engine(url: str) -> AsyncEngine:
    parsed = make_url(url)
    if parsed.drivername != "sqlite":
        return create_async_engine(parsed.set(drivername="postgresql+psycopg"), pool_size=5, max_overflow=0)
    engine = create_async_engine(parsed.set(drivername="sqlite+aiosqlite"), pool_size=1, max_overflow=0)

    @event.listens_for(engine.sync_engine, "connect")
    def _as_ours(connection: object, _: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]
        for pragma in (f"journal_mode={journal_mode()}", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


_INSERT: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_tokens = CallbackTokens("", [os.environ["CALLBACK_SECRET"]])
_database = _engine(os.environ["DATABASE_URL"])


async def _status(request: Request) -> Response:
    send_id = UUID(request.path_params["send_id"])
    if not _tokens.are_right(send_id, request.path_params["token"]):
        return PlainTextResponse("not found\n", 404)
    now = datetime.now(UTC)
    report = parse_report(await request.body(), source="callback", now=now)
    async with _database.begin() as connection:
        await _apply(connection, send_id, report, now)
    return PlainTextResponse("ok\n")


_SEND = [*sends.c, sends.c.send_at.label("lease_until")]


async def _apply(connection: AsyncConnection, send_id: UUID, report: Report, now: datetime) -> None:
    ours = sends.c.id == send_id
    found = (await connection.execute(select(*_SEND).where(ours).with_for_update())).mappings().one()
    merged = _send_of(found).merge(report)
    changed = asdict(merged.known)
    await connection.execute(update(sends).where(ours).values(**changed, send_at=None, polls=0))
    await connection.execute(
        update(threads)
        .where(threads.c.id == merged.thread_id)
        .values(rev=threads.c.rev + 1, due_at=now, lane=Lane.POST)
    )
    history = _INSERT[connection.dialect.name](reports).on_conflict_do_nothing()
    await connection.execute(history.values(**_history(merged, report, now)))


def _send_of(found: Mapping[Any, Any]) -> Send:
    return send_of(**{name: _value(name, value) for name, value in found.items()})


def _value(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value  # SQLite has no zones
    change = CODED.get(name)
    return value if value is None or change is None else change(value)


def _history(send: Send, report: Report, now: datetime) -> dict[str, object]:
    return {
        "send_id": send.id,
        "key": f"{send.id.hex}:{report.word}",
        "source": report.source,
        "word": report.word,
        "delivery": report.delivery,
        "service": report.service,
        "error_code": "",
        "error_text": "",
        "at": report.at,
        "received_at": now,
    }


async def _readyz(request: Request) -> Response:
    del request
    return PlainTextResponse("ok\n")


app = Starlette(
    routes=[
        Route("/sendblue/status/{send_id}/{token}", _status, methods=["POST"]),
        Route("/readyz", _readyz),
    ]
)
