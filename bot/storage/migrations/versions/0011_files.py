"""Files of messages, each a row while it is copied. What came with a message has the name `files` now."""

import sqlalchemy as sa
from alembic import op

from bot.storage.migrations.tables import Instant

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    # By another name, so that an older process that is still at work stores nothing any more.
    op.execute("ALTER TABLE messages RENAME COLUMN media TO files")
    op.create_table(
        "attachments",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("message_id", sa.Uuid, nullable=False),
        sa.Column("thread_id", sa.Uuid, nullable=False),
        sa.Column("way", sa.String(3), nullable=False),
        sa.Column("place", sa.SmallInteger, nullable=False),
        sa.Column("slack_file", sa.String(100), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("media_url", sa.Text),
        sa.Column("stage", sa.SmallInteger, nullable=False),
        sa.Column("stored_at", Instant, nullable=False),
        sa.Column("awaited_until", Instant),
        sa.Column("due_at", Instant),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
    )
    op.create_index("attachments_message", "attachments", ["message_id"])
    for name, columns, condition in (
        ("due_at", ["due_at"], "due_at IS NOT NULL"),
        ("unfinished", ["thread_id"], "way = 'in' AND stage < 4"),
    ):
        where = sa.text(condition)
        op.create_index(f"attachments_{name}", "attachments", columns, sqlite_where=where, postgresql_where=where)
