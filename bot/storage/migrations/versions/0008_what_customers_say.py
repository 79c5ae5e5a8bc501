"""What customers say: messages that come in, the current threads, how far the list was read, who wants no texts."""

from secrets import token_hex

import sqlalchemy as sa
import structlog
from alembic import op

from bot.storage.migrations.tables import Instant

log = structlog.get_logger("bot.storage.migrations")

revision = "0008"
down_revision = "0007"

# Where somebody wrote last, of the places that are not gone.
_CURRENT = """
    UPDATE conversations SET thread_id = (
        SELECT threads.id FROM threads JOIN messages ON messages.thread_id = threads.id
        WHERE threads.conversation_id = conversations.id AND threads.closed = ''
        ORDER BY messages.seq DESC LIMIT 1
    )
"""
_NEEDED = (("messages", "notice"), ("sends", "quiet"))  # by whoever stores a row
_LAST = """
    UPDATE conversations SET last_at = (
        SELECT max(said_at) FROM threads JOIN messages ON messages.thread_id = threads.id
        WHERE threads.conversation_id = conversations.id
    )
"""


def upgrade() -> None:
    with op.batch_alter_table("conversations") as conversations:
        conversations.add_column(sa.Column("thread_id", sa.Uuid))
        conversations.add_column(sa.Column("last_at", Instant))
        conversations.alter_column("customer", existing_type=sa.String(20), type_=sa.String(200))
    if op.get_bind().scalar(sa.text("SELECT EXISTS (SELECT 1 FROM threads)")):
        log.info("migrating", to=revision, step="1 of 1", doing="finding the current threads")
        op.execute(_CURRENT)
        op.execute(_LAST)
    op.add_column("threads", sa.Column("parent_id", sa.Uuid))
    op.add_column("threads", sa.Column("thread_ts", sa.String(40)))
    op.add_column("sends", sa.Column("quiet", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("messages", sa.Column("media", sa.Text, nullable=False, server_default=""))
    for name in ("to_show", "showing"):
        op.add_column("messages", sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("messages", sa.Column("notice", sa.String(20), nullable=False, server_default=""))
    _index_where("messages_to_show", "messages", ["thread_id", "said_at", "seq"], "to_show")
    _index_where("messages_showing", "messages", ["thread_id"], "showing")
    _index_where("messages_inbound", "messages", ["said_at"], "direction = 'in'")
    _index_where("messages_remembered", "messages", ["said_at"], "direction = 'in' AND text <> ''")
    _index_where("threads_without_place", "threads", ["id"], "channel = ''")
    _make_tables()
    if op.get_bind().dialect.name == "postgresql":  # an older process that is still at work stores nothing any more
        for table, column in _NEEDED:
            op.alter_column(table, column, server_default=None)


def _make_tables() -> None:
    op.create_table(
        "progress",
        sa.Column("key", sa.String(80), primary_key=True),
        sa.Column("at", Instant, nullable=False),
        sa.Column("due_at", Instant, nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
    )
    keys = op.create_table(
        "keys",
        sa.Column("name", sa.String(20), primary_key=True),
        sa.Column("value", sa.String(64), nullable=False),
    )
    op.bulk_insert(keys, [{"name": "opt_outs", "value": token_hex(32)}])
    op.create_table(
        "opt_outs",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("stopped_at", Instant),
        sa.Column("lifted_at", Instant),
        sa.Column("by", sa.String(40), nullable=False),
        sa.Column("why", sa.String(20), nullable=False),
    )


def _index_where(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
