"""What is typed in threads: where it stands, its mark, until when it is held, and the rule of each channel."""

import sqlalchemy as sa
from alembic import op

from bot.storage.migrations.tables import Instant

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("threads", sa.Column("typed_ts", sa.String(40)))
    op.add_column("threads", sa.Column("mark", sa.String(40), nullable=False, server_default=""))
    op.add_column("messages", sa.Column("held_until", Instant))
    op.add_column("messages", sa.Column("held_why", sa.String(80)))
    _index_where("threads_typed", "threads", ["channel", "typed_ts"], "typed_ts IS NOT NULL", unique=True)
    _index_where("threads_root_ts", "threads", ["root_ts"], "root_ts IS NOT NULL")
    _index_where("messages_held_until", "messages", ["held_until"], "held_until IS NOT NULL")
    _index_where("messages_notes", "messages", ["said_at"], "direction = 'note'")
    op.create_table(
        "channels",
        sa.Column("channel", sa.String(40), primary_key=True),
        sa.Column("rule", sa.String(10), nullable=False),
        sa.Column("set_by", sa.String(40), nullable=False),
        sa.Column("set_at", Instant, nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":  # an older process that is still at work stores nothing any more
        op.alter_column("threads", "mark", server_default=None)


def _index_where(name: str, table: str, columns: list[str], condition: str, *, unique: bool = False) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)
