"""Whether what a thread waits for may be cut short by news: nobody holds it, and nobody said to wait."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("threads", sa.Column("patient", sa.Boolean, nullable=False, server_default=sa.false()))
