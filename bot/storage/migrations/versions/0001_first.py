"""Threads, messages, reports, pacing."""

import sqlalchemy as sa
from alembic import op

from bot.storage.migrations.tables import Instant

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "threads",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("key", sa.String(200), nullable=False, unique=True),
        sa.Column("team", sa.String(40), nullable=False),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("asked_in", sa.String(40), nullable=False),
        sa.Column("sender", sa.String(40), nullable=False),
        sa.Column("answer_url", sa.Text, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("root_ts", sa.String(40)),
        sa.Column("replies", sa.Integer, nullable=False),
        sa.Column("rev", sa.Integer, nullable=False),
        sa.Column("shown_rev", sa.Integer, nullable=False),
        sa.Column("posting", sa.Integer),
        sa.Column("posting_since", Instant),
        sa.Column("looked", sa.SmallInteger, nullable=False),
        sa.Column("aside", sa.String(80), nullable=False),
        sa.Column("closed", sa.String(80), nullable=False),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        sa.Column("due_at", Instant),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
    )
    _index_where("threads_due", "threads", ["lane", "due_at"], "due_at IS NOT NULL")
    op.create_index("threads_sender", "threads", ["sender", "created_at"])
    op.create_table(
        "messages",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("thread_id", sa.Uuid, sa.ForeignKey("threads.id"), nullable=False),
        sa.Column("part", sa.SmallInteger, nullable=False),
        sa.Column("parts", sa.SmallInteger, nullable=False),
        sa.Column("recipient", sa.String(20), nullable=False),
        sa.Column("line", sa.String(20), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("style", sa.String(20)),
        sa.Column("media_url", sa.Text),
        sa.Column("accepted_at", Instant, nullable=False),
        sa.Column("delivery", sa.SmallInteger, nullable=False),
        sa.Column("since", Instant, nullable=False),
        sa.Column("service", sa.String(10), nullable=False),
        sa.Column("picture_lost", sa.Boolean, nullable=False),
        sa.Column("unconfirmed", sa.Boolean, nullable=False),
        sa.Column("asked", sa.Boolean, nullable=False),
        sa.Column("handle", sa.String(200), unique=True),
        sa.Column("error_code", sa.String(80), nullable=False),
        sa.Column("error_text", sa.Text, nullable=False),
        sa.Column("decision", sa.String(10), nullable=False),
        sa.Column("decided_by", sa.String(40), nullable=False),
        sa.Column("decided_at", Instant),
        sa.Column("again_of", sa.Uuid),
        sa.Column("told", sa.Integer, nullable=False),
        sa.Column("telling", sa.Integer, nullable=False),
        sa.Column("attempts", sa.SmallInteger, nullable=False),
        sa.Column("attempted_at", Instant),
        sa.Column("send_at", Instant),
        sa.Column("poll_at", Instant),
        sa.Column("polls", sa.Integer, nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
    )
    op.create_index("messages_thread", "messages", ["thread_id", "part"])
    op.create_index("messages_recipient", "messages", ["recipient", "accepted_at"])
    _index_where("messages_send_at", "messages", ["send_at"], "send_at IS NOT NULL")
    _index_where("messages_poll_at", "messages", ["poll_at"], "poll_at IS NOT NULL")
    _index_where("messages_unsent", "messages", ["accepted_at"], "delivery = 0")
    op.create_table(
        "reports",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("message_id", sa.Uuid, sa.ForeignKey("messages.id"), nullable=False),
        sa.Column("key", sa.String(300), nullable=False, unique=True),
        sa.Column("source", sa.String(10), nullable=False),
        sa.Column("word", sa.String(80), nullable=False),
        sa.Column("delivery", sa.SmallInteger),
        sa.Column("service", sa.String(10), nullable=False),
        sa.Column("error_code", sa.String(80), nullable=False),
        sa.Column("error_text", sa.Text, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("received_at", Instant, nullable=False),
    )
    op.create_index("reports_message", "reports", ["message_id", "id"])
    op.create_table(
        "pacing",
        sa.Column("key", sa.String(80), primary_key=True),
        sa.Column("next_at", Instant, nullable=False),
    )


def _index_where(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
