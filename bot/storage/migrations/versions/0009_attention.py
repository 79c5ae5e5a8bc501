"""Whom an answer calls, since when a customer waits, and whether a thread stands in a private place."""

import sqlalchemy as sa
import structlog
from alembic import op

from bot.storage.migrations.tables import Instant

log = structlog.get_logger("bot.storage.migrations")

revision = "0009"
down_revision = "0008"

_LAST = """(
    SELECT {} FROM threads JOIN messages ON messages.thread_id = threads.id AND messages.seq = threads.seq
    WHERE threads.conversation_id = conversations.id AND direction = 'out' ORDER BY threads.seq DESC LIMIT 1
)"""
_AUTHORS = f"UPDATE conversations SET author = {_LAST.format('author')}, author_at = {_LAST.format('said_at')}"


def upgrade() -> None:
    op.drop_index("threads_conversation", "threads")
    op.create_index("threads_conversation", "threads", ["conversation_id", "seq"])
    roots = sa.text("parent_id IS NULL")
    op.create_index("threads_roots", "threads", ["conversation_id", "seq"], sqlite_where=roots, postgresql_where=roots)
    op.add_column("conversations", sa.Column("author", sa.String(40)))
    for name in ("author_at", "burst_at", "waiting_since"):
        op.add_column("conversations", sa.Column(name, Instant))
    if op.get_bind().scalar(sa.text("SELECT EXISTS (SELECT 1 FROM threads)")):
        log.info("migrating", to=revision, step="1 of 1", doing="finding who wrote last")
        op.execute(_AUTHORS)
    op.add_column("threads", sa.Column("private", sa.Boolean))
    op.add_column("messages", sa.Column("calls", sa.String(40), nullable=False, server_default=""))
    if op.get_bind().dialect.name == "postgresql":  # an older process that is still at work stores nothing any more
        op.alter_column("messages", "calls", server_default=None)
