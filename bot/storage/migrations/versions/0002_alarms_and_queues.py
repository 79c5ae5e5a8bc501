"""Whether callbacks arrive, the newest texts, and the first of each queue: what asking for these needs."""

import sqlalchemy as sa
from alembic import op

from bot.storage.migrations.tables import Instant

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "alarms",
        sa.Column("key", sa.String(40), primary_key=True),
        sa.Column("standing", sa.Boolean, nullable=False),
        sa.Column("told", sa.Boolean, nullable=False),
        sa.Column("since", Instant, nullable=False),
        sa.Column("last", Instant),
        sa.Column("due_at", Instant, nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
    )
    op.create_index("messages_accepted", "messages", ["accepted_at"])
    _index_where("reports_callbacks", "reports", ["received_at"], "source = 'callback'")
    _index_where("threads_queues", "threads", ["channel", "due_at"], "lane = 2 AND due_at IS NOT NULL")
    _index_where("messages_queues", "messages", ["line", "send_at"], "delivery = 0 AND send_at IS NOT NULL")


def _index_where(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
