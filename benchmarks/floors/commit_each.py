"""The usual way to take a callback, or what a customer wrote: async SQLAlchemy, a transaction and a commit a request.

The same work as the bot's, flushed to disk before the answer: token, parse, merge, the send, its thread and one history
row; or secret, parse, the message, its place in its conversation, that conversation's thread. It has the fewest
statements that do it, one at a time. SQLite gets one connection, which is its best.
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any
from uuid import UUID

from msgspec.structs import asdict
from sqlalchemy import event, literal_column, make_url, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.domain.ids import new_id
from bot.domain.known import Report
from bot.domain.message import Inbound
from bot.domain.send import Send
from bot.domain.thread import Lane
from bot.sendblue.inbound import parse_inbound
from bot.sendblue.tokens import CallbackTokens
from bot.sendblue.wire import fields_of, parse_report
from bot.storage.migrations.tables import conversations, messages, reports, sends, threads
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


async def _webhook(request: Request) -> Response:
    if not compare_digest(request.headers.get("sb-signing-secret", ""), os.environ["SENDBLUE_WEBHOOK_SECRET"]):
        return PlainTextResponse("wrong secret\n", 401)
    now = datetime.now(UTC)
    said = parse_inbound(fields_of(await request.body()), now=now, region="US")
    if said is not None:
        async with _database.begin() as connection:
            await _take(connection, said, now)
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


async def _take(connection: AsyncConnection, said: Inbound, now: datetime) -> None:
    table = conversations.c
    ours = (table.customer == said.customer) & (table.customer != literal_column("''")) & (table.line == said.line)
    seat = update(conversations).where(ours).values(next_seq=table.next_seq + 1, last_at=now)
    place = (await connection.execute(seat.returning(table.id, table.thread_id, table.next_seq - 1))).one()
    message = _INSERT[connection.dialect.name](messages).on_conflict_do_nothing()
    await connection.execute(message.values(**_said(said, now), **dict(zip(_PLACE, place, strict=True))))
    woken = update(threads).where(threads.c.id == place[1])
    await connection.execute(woken.values(rev=threads.c.rev + 1, due_at=now, lane=Lane.POST))


_PLACE = ("conversation_id", "thread_id", "seq")


def _said(said: Inbound, now: datetime) -> dict[str, object]:
    return {
        "id": new_id(now),
        "key": said.key,
        "direction": "in",
        "origin": "phone",
        "team": "",
        "author": "",
        "answer_url": "",
        "text": said.text,
        "files": "",
        "said_at": said.at,
        "to_show": True,
        "showing": False,
        "notice": "",
        "calls": "",
    }


async def _readyz(request: Request) -> Response:
    del request
    return PlainTextResponse("ok\n")


app = Starlette(
    routes=[
        Route("/sendblue/status/{send_id}/{token}", _status, methods=["POST"]),
        Route("/sendblue/webhook", _webhook, methods=["POST"]),
        Route("/readyz", _readyz),
    ]
)
