"""Due threads by lane: only those that queue for no slot, so that nobody looks for the first of a queue there."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    _index_where("threads_others", "due_at IS NOT NULL AND lane < 2")
    op.drop_index("threads_due", "threads")


def _index_where(name: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, "threads", ["lane", "due_at"], sqlite_where=where, postgresql_where=where)
