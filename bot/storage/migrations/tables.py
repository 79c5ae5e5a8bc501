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


def _index_where(name: str, where: ColumnElement[bool], *columns: Column[Any], unique: bool = False) -> None:
    Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


conversations = Table(
    "conversations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("line", String(20), nullable=False),
    Column("customer", String(200), nullable=False),  # "" once it is forgotten
    Column("kind", String(10), nullable=False),
    Column("next_seq", Integer, nullable=False),
    Column("thread_id", Uuid),  # the current thread, which may be gone
    Column("last_at", Instant),  # when something was said last
    Column("author", String(40)),  # who of us wrote last, a Slack user id, and when
    Column("author_at", Instant),
    Column("waiting_since", Instant),  # when the customer wrote what nobody has answered
    Column("burst_at", Instant),  # when they wrote what people were last told at the time
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
    Column("seq", Integer, nullable=False),  # of the message its root shows
    Column("channel", String(40), nullable=False),  # "" while there is no place for what a customer wrote
    Column("asked_in", String(40), nullable=False),
    Column("private", Boolean),  # whether that is a private place; NULL: not known
    Column("parent_id", Uuid),  # the thread in which its root is to stand, for a later text; it may be gone
    Column("thread_ts", String(40)),  # the root of the Slack thread in which its own root stands
    Column("root_ts", String(40)),
    Column("typed_ts", String(40)),  # of words typed in Slack, which are to be its root: where they stand
    Column("mark", String(40), nullable=False),  # the newest reaction that we put on them
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
Index("threads_conversation", threads.c.conversation_id, threads.c.seq)
_index_where("threads_roots", threads.c.parent_id.is_(None), threads.c.conversation_id, threads.c.seq)
_index_where("threads_typed", threads.c.typed_ts.is_not(None), threads.c.channel, threads.c.typed_ts, unique=True)
_index_where("threads_root_ts", threads.c.root_ts.is_not(None), threads.c.root_ts)
_index_where("threads_without_place", threads.c.channel == literal_column("''"), threads.c.id)

messages = Table(
    "messages",
    metadata,
    Column("id", Uuid, primary_key=True),
    # Stored before its thread: whoever stores the key first opens the thread.
    Column("thread_id", Uuid, ForeignKey("threads.id", deferrable=True, initially="DEFERRED"), nullable=False),
    Column("conversation_id", Uuid),  # its thread's
    Column("seq", Integer, nullable=False),
    Column("key", String(200), nullable=False, unique=True),  # one per gesture: replays hit it
    Column("direction", String(10), nullable=False),
    Column("origin", String(10), nullable=False),
    Column("team", String(40), nullable=False),
    Column("author", String(40), nullable=False),
    Column("answer_url", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("files", Text, nullable=False),  # what came with it: a URL or a name a line
    Column("said_at", Instant, nullable=False),
    Column("held_until", Instant),  # of words that wait for their author's word
    Column("held_why", String(80)),  # "late", "names", or "unread:" and a part's type, where that is worth saying
    Column("calls", String(40), nullable=False),  # whom it calls (`bot.domain.attention`)
    Column("to_show", Boolean, nullable=False),  # in its thread, whose root does not show it
    Column("showing", Boolean, nullable=False),  # in the reply that is being posted right now
    Column("notice", String(20), nullable=False),  # what its words changed, or ask: see `Message`
)
_INBOUND = messages.c.direction == literal_column("'in'")
Index("messages_thread", messages.c.thread_id, messages.c.seq)
_index_where("messages_to_show", messages.c.to_show, messages.c.thread_id, messages.c.said_at, messages.c.seq)
_index_where("messages_showing", messages.c.showing, messages.c.thread_id)
_index_where("messages_inbound", _INBOUND, messages.c.said_at)
_index_where("messages_remembered", _INBOUND & (messages.c.text != literal_column("''")), messages.c.said_at)
_index_where("messages_held_until", messages.c.held_until.is_not(None), messages.c.held_until)
_index_where("messages_notes", messages.c.direction == literal_column("'note'"), messages.c.said_at)
Index("messages_author", messages.c.author, messages.c.said_at)

attachments = Table(
    "attachments",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("message_id", Uuid, nullable=False),
    Column("thread_id", Uuid, nullable=False),  # its message's
    Column("way", String(3), nullable=False),  # "in" or "out"
    Column("place", SmallInteger, nullable=False),  # in its message, from 0
    Column("slack_file", String(100), nullable=False),  # Slack's ids: of a customer's file, of our copies
    Column("title", String(200), nullable=False),  # of our copy
    Column("media_url", Text),  # where Sendblue has what is to be sent
    Column("stage", SmallInteger, nullable=False),
    Column("stored_at", Instant, nullable=False),
    Column("awaited_until", Instant),  # for so long what comes after it waits
    Column("due_at", Instant),
    Column("failures", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
)
Index("attachments_message", attachments.c.message_id)
_index_where("attachments_due_at", attachments.c.due_at.is_not(None), attachments.c.due_at)
_index_where(
    "attachments_unfinished",
    (attachments.c.way == literal_column("'in'")) & (attachments.c.stage < literal_column("4")),
    attachments.c.thread_id,
)

sends = Table(
    "sends",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("message_id", Uuid, ForeignKey("messages.id"), nullable=False),
    Column("thread_id", Uuid, nullable=False),  # this, and the next two: its message's
    Column("conversation_id", Uuid),
    Column("seq", Integer, nullable=False),
    Column("part", SmallInteger, nullable=False),
    Column("parts", SmallInteger, nullable=False),
    Column("try_number", SmallInteger, nullable=False),
    Column("quiet", Boolean, nullable=False),  # a reply tells only what is wrong; the rest its root shows
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
UNSENT = sends.c.delivery == literal_column(str(Delivery.ACCEPTED.value))
_index_where("sends_queues", UNSENT & sends.c.send_at.is_not(None), sends.c.line, sends.c.send_at)
_index_where(
    "sends_waiting",
    UNSENT & sends.c.send_at.is_(None) & ~sends.c.parked,
    *(sends.c.conversation_id, sends.c.seq, sends.c.part, sends.c.try_number),
)
_index_where("sends_on_their_way", sends.c.send_at.is_not(None), sends.c.conversation_id)
Index("sends_part", sends.c.message_id, sends.c.part, sends.c.try_number, unique=True)
_index_where(
    "sends_owed",
    sends.c.owed != literal_column("0"),
    *(sends.c.thread_id, sends.c.seq, sends.c.part),
)
_index_where("sends_under_way", sends.c.under_way != literal_column("0"), sends.c.thread_id)
Index("sends_recipient", sends.c.recipient, sends.c.accepted_at)
Index("sends_accepted", sends.c.accepted_at)
for _due in (sends.c.send_at, sends.c.poll_at):
    _index_where(f"sends_{_due.name}", _due.is_not(None), _due)
_index_where("sends_unsent", UNSENT, sends.c.accepted_at)

reports = Table(
    "reports",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("send_id", Uuid, ForeignKey("sends.id"), nullable=False),
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
Index("reports_send", reports.c.send_id, reports.c.id)
_index_where("reports_callbacks", reports.c.source == "callback", reports.c.received_at)

progress = Table(
    "progress",
    metadata,
    Column("key", String(80), primary_key=True),  # "inbound:" and a line in E.164
    Column("at", Instant, nullable=False),  # what came before then, by Sendblue's clock, is stored
    Column("due_at", Instant, nullable=False),
    Column("fence", Integer, nullable=False),
)

channels = Table(
    "channels",
    metadata,
    Column("channel", String(40), primary_key=True),
    Column("rule", String(10), nullable=False),  # what becomes of words typed in its threads: `rules.Replies`
    Column("set_by", String(40), nullable=False),
    Column("set_at", Instant, nullable=False),
)

keys = Table(
    "keys",
    metadata,
    Column("name", String(20), primary_key=True),
    Column("value", String(64), nullable=False),  # made once, by the migration
)

opt_outs = Table(
    "opt_outs",
    metadata,
    Column("hash", String(64), primary_key=True),  # of a number: see `bot.storage.opt_outs`
    Column("stopped_at", Instant),
    Column("lifted_at", Instant),
    Column("by", String(40), nullable=False),  # who changed it last: a Slack user id, "" for the customer
    Column("why", String(20), nullable=False),
)

private_notes = Table(
    "private_notes",
    metadata,
    Column("key", String(80), primary_key=True),
    Column("person", String(40), nullable=False),
    Column("answer_url", Text, nullable=False),
    Column("says", String(80), nullable=False),
    Column("about_id", Uuid, nullable=False),  # of a thread or a send
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
