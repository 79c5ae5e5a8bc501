"""Whether callbacks arrive, and what asking for that and for the newest texts needs."""

import sqlalchemy as sa
from alembic import op

from bot.storage.tables import Instant

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
    only = sa.text("source = 'callback'")
    op.create_index("reports_callbacks", "reports", ["received_at"], sqlite_where=only, postgresql_where=only)


def downgrade() -> None:
    op.drop_index("reports_callbacks", "reports")
    op.drop_index("messages_accepted", "messages")
    op.drop_table("alarms")
