"""The schema, and nothing else. Migrations are in `versions/`; a test proves that both say the same.

`due_at`, `send_at` and `poll_at` are each three things in one: NULL when nothing is due, the time when it is,
and the end of the lease while somebody is at it. So a claim is one guarded UPDATE and a crash needs no cleaning.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    Uuid,
    literal_column,
)

from bot.domain.delivery import Delivery
from bot.domain.thread import Lane

Instant = DateTime(timezone=True)
"""An aware UTC time. SQLite has no times, so it keeps UTC as text (see `bot.storage.sqlite`)."""

metadata = MetaData()


def _index_where(name: str, where: ColumnElement[bool], *columns: Column[Any]) -> None:
    Index(name, *columns, sqlite_where=where, postgresql_where=where)


conversations = Table(
    "conversations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("line", String(20), nullable=False),
    Column("customer", String(20), nullable=False),  # "" once it is forgotten
    Column("kind", String(10), nullable=False),
    Column("next_seq", Integer, nullable=False),
)
_customers = conversations.c.customer != literal_column("''")
Index(
    "conversations_customer",
    conversations.c.customer,
    conversations.c.line,
    unique=True,
    sqlite_where=_customers,
    postgresql_where=_customers,
)

threads = Table(
    "threads",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("conversation_id", Uuid, ForeignKey("conversations.id")),
    Column("seq", Integer, nullable=False),  # of the texts its root shows
    Column("key", String(200), nullable=False, unique=True),  # one per gesture: replays hit it
    Column("team", String(40), nullable=False),
    Column("channel", String(40), nullable=False),
    Column("asked_in", String(40), nullable=False),
    Column("sender", String(40), nullable=False),
    Column("answer_url", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("root_ts", String(40)),
    Column("replies", Integer, nullable=False),
    Column("rev", Integer, nullable=False),
    Column("shown_rev", Integer, nullable=False),
    Column("posting", Integer),
    Column("posting_since", Instant),
    Column("looked", SmallInteger, nullable=False),
    Column("closed", String(80), nullable=False),
    Column("lane", SmallInteger(), nullable=False),
    Column("due_at", Instant),
    Column("patient", Boolean, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
)
POSTING = threads.c.lane == literal_column(str(Lane.POST.value))
OTHERS = threads.c.lane < literal_column(
    str(Lane.POST.value)
)  # each in one index only, or SQLite may take the wrong one
_index_where("threads_others", OTHERS & threads.c.due_at.is_not(None), threads.c.lane, threads.c.due_at)
_index_where("threads_queues", POSTING & threads.c.due_at.is_not(None), threads.c.channel, threads.c.due_at)
Index("threads_sender", threads.c.sender, threads.c.created_at)
Index("threads_conversation", threads.c.conversation_id)

messages = Table(
    "messages",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("thread_id", Uuid, ForeignKey("threads.id"), nullable=False),
    Column("conversation_id", Uuid),  # its thread's
    Column("seq", Integer, nullable=False),
    Column("part", SmallInteger, nullable=False),
    Column("parts", SmallInteger, nullable=False),
    Column("recipient", String(20), nullable=False),
    Column("line", String(20), nullable=False),
    Column("text", Text, nullable=False),
    Column("style", String(20)),
    Column("media_url", Text),
    Column("accepted_at", Instant, nullable=False),
    Column("delivery", SmallInteger(), nullable=False),
    Column("since", Instant, nullable=False),
    Column("service", String(10), nullable=False),
    Column("picture_lost", Boolean, nullable=False),
    Column("unconfirmed", Boolean, nullable=False),
    Column("asked", Boolean, nullable=False),
    Column("handle", String(200), unique=True),
    Column("handle_from", SmallInteger(), nullable=False),
    Column("error_code", String(80), nullable=False),
    Column("error_text", Text, nullable=False),
    Column("decision", String(10), nullable=False),
    Column("decided_by", String(40), nullable=False),
    Column("decided_at", Instant),
    Column("again_of", Uuid),
    Column("told", Integer(), nullable=False),
    Column("under_way", Integer(), nullable=False),
    Column("owed", Integer(), nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    Column("attempted_at", Instant),
    Column("parked", Boolean, nullable=False),
    Column("send_at", Instant),
    Column("poll_at", Instant),
    Column("polls", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
)
UNSENT = messages.c.delivery == literal_column(str(Delivery.ACCEPTED.value))
_index_where("messages_queues", UNSENT & messages.c.send_at.is_not(None), messages.c.line, messages.c.send_at)
_index_where(
    "messages_waiting",
    UNSENT & messages.c.send_at.is_(None) & ~messages.c.parked,
    *(messages.c.conversation_id, messages.c.seq, messages.c.part, messages.c.accepted_at),
)
_index_where("messages_on_their_way", messages.c.send_at.is_not(None), messages.c.conversation_id)
Index("messages_thread", messages.c.thread_id, messages.c.seq, messages.c.part)
_index_where(
    "messages_owed",
    messages.c.owed != literal_column("0"),
    *(messages.c.thread_id, messages.c.seq, messages.c.part),
)
_index_where("messages_under_way", messages.c.under_way != literal_column("0"), messages.c.thread_id)
Index("messages_recipient", messages.c.recipient, messages.c.accepted_at)
Index("messages_accepted", messages.c.accepted_at)
for _due in (messages.c.send_at, messages.c.poll_at):
    _index_where(f"messages_{_due.name}", _due.is_not(None), _due)
_index_where("messages_unsent", UNSENT, messages.c.accepted_at)

reports = Table(
    "reports",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("message_id", Uuid, ForeignKey("messages.id"), nullable=False),
    Column("key", String(300), nullable=False, unique=True),  # the same news twice is one row
    Column("source", String(10), nullable=False),
    Column("word", String(80), nullable=False),  # the vendor's own, verbatim
    Column("delivery", SmallInteger()),
    Column("service", String(10), nullable=False),
    Column("error_code", String(80), nullable=False),
    Column("error_text", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
)
Index("reports_message", reports.c.message_id, reports.c.id)
_index_where("reports_callbacks", reports.c.source == "callback", reports.c.received_at)

private_notes = Table(
    "private_notes",
    metadata,
    Column("key", String(80), primary_key=True),
    Column("person", String(40), nullable=False),
    Column("answer_url", Text, nullable=False),
    Column("says", String(80), nullable=False),
    Column("about_id", Uuid, nullable=False),  # of a thread or a text
    Column("due_at", Instant, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
)
Index("private_notes_due_at", private_notes.c.due_at)

alarms = Table(
    "alarms",
    metadata,
    Column("key", String(40), primary_key=True),
    Column("standing", Boolean, nullable=False),
    Column("told", Boolean, nullable=False),  # what was said last of `standing`
    Column("since", Instant, nullable=False),
    Column("last", Instant),  # when the last callback had come
    Column("due_at", Instant, nullable=False),
    Column("fence", Integer, nullable=False),
)

pacing = Table(
    "pacing",
    metadata,
    Column("key", String(80), primary_key=True),  # a channel id, a line in E.164, or "edits"
    Column("next_at", Instant, nullable=False),
)
