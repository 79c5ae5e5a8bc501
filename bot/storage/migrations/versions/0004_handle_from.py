"""How a message came by its handle. What is there already came with an answer or a report."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("messages", sa.Column("handle_from", sa.SmallInteger, nullable=False, server_default="0"))
    op.execute("UPDATE messages SET handle_from = 2 WHERE handle IS NOT NULL")
