"""A conversation for each line and customer, the order of what is said in it, and what threads still owe.

A conversation takes the id of its oldest thread. One column gets the name that the code has for it, and one goes, which
also keeps an older process, still at work on PostgreSQL, from storing anything in the new schema.
"""

import sqlalchemy as sa
import structlog
from alembic import op

from bot.storage.migrations.tables import Instant

log = structlog.get_logger("bot.storage.migrations")

revision = "0006"
down_revision = "0005"

# One row a thread: what it is about, and its place among the threads of that customer. A thread whose number is
# forgotten is the only one of its conversation.
_PLACES = """
    CREATE TABLE places AS
    SELECT id AS thread_id, line, customer,
           first_value(id) OVER same AS conversation_id, row_number() OVER same AS seq
    FROM (
        SELECT threads.id, threads.created_at, min(messages.line) AS line, max(messages.recipient) AS customer
        FROM threads JOIN messages ON messages.thread_id = threads.id
        GROUP BY threads.id, threads.created_at
    ) AS about
    WINDOW same AS (
        PARTITION BY line, customer, CASE WHEN customer = '' THEN id END
        ORDER BY created_at, id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    )
"""
# What a thread's sender was still to be told.
_NOTES = """
    INSERT INTO private_notes (key, person, answer_url, says, about_id, due_at, failures, fence)
    SELECT replace(CAST(id AS TEXT), '-', '') || ':' || aside, sender, answer_url, aside, id, created_at, 0, 0
    FROM threads WHERE aside <> ''
"""
_CONVERSATIONS = """
    INSERT INTO conversations (id, line, customer, kind, next_seq)
    SELECT conversation_id, line, customer, 'person', max(seq) + 1 FROM places
    GROUP BY conversation_id, line, customer
"""
_THREADS = """
    UPDATE threads SET
        conversation_id = (SELECT conversation_id FROM places WHERE places.thread_id = threads.id),
        seq = coalesce((SELECT seq FROM places WHERE places.thread_id = threads.id), 0)
"""
_MESSAGES = """
    UPDATE messages SET
        conversation_id = (SELECT conversation_id FROM places WHERE places.thread_id = messages.thread_id),
        seq = (SELECT seq FROM places WHERE places.thread_id = messages.thread_id)
"""
# 20 is Delivery.UNCERTAIN, 30 QUEUED, 50 FAILED. What was sent again with success is followed by its other parts.
_PARKED = """
    UPDATE messages SET parked = true WHERE delivery = 0 AND EXISTS (
        SELECT 1 FROM messages AS earlier WHERE earlier.thread_id = messages.thread_id
        AND earlier.part < messages.part AND earlier.delivery = 20 AND NOT EXISTS (
            SELECT 1 FROM messages AS again WHERE again.again_of = earlier.id
            AND again.delivery >= 30 AND again.delivery <> 50
        )
    )
"""
# As `Message.news` says it: 1 UNCERTAIN, 2 FOUND, 4 SENT, 8 SENT_AS_SMS, 16 FAILED, 32 DELIVERED, 64 READ,
# 128 UNCONFIRMED, 256 PICTURE_LOST, 512 ASKED, 1024 DECIDED.
_OWED = """
    UPDATE messages SET owed = ~told & (
        CASE delivery WHEN 20 THEN 1 WHEN 30 THEN 2 * (told & 1) WHEN 40 THEN CASE service WHEN 'SMS' THEN 8 ELSE 4 END
                      WHEN 50 THEN 16 WHEN 60 THEN 32 WHEN 70 THEN 64 ELSE 0 END
        + CASE WHEN unconfirmed AND delivery < 50 AND NOT (delivery = 40 AND service = 'SMS') THEN 128 ELSE 0 END
        + CASE WHEN picture_lost AND delivery >= 40 AND delivery <> 50 THEN 256 ELSE 0 END
        + CASE WHEN asked AND decision = '' AND delivery = 20 THEN 512 ELSE 0 END
        + CASE WHEN decision <> '' THEN 1024 ELSE 0 END
    )
"""
_FILLED = {
    "looking for conversations": _PLACES,
    "sorting threads": "CREATE INDEX places_thread ON places (thread_id)",
    "storing conversations": _CONVERSATIONS,
    "changing threads": _THREADS,
    "changing messages": _MESSAGES,
    "parking what is behind a doubt": _PARKED,
    "noting what is owed": _OWED,
    "tidying up": "DROP TABLE places",
}


def upgrade() -> None:
    _make_tables()
    _change_columns()
    filled = op.get_bind().scalar(sa.text("SELECT EXISTS (SELECT 1 FROM threads)"))
    steps = len(_FILLED) + 1
    for step, (doing, statement) in enumerate(_FILLED.items() if filled else (), start=1):
        log.info("migrating", to=revision, step=f"{step} of {steps}", doing=doing)
        op.execute(statement)
    if filled:
        log.info("migrating", to=revision, step=f"{steps} of {steps}", doing="making indexes")
    _make_indexes()


def _make_tables() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("line", sa.String(20), nullable=False),
        sa.Column("customer", sa.String(20), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("next_seq", sa.Integer, nullable=False),
    )
    op.create_table(
        "private_notes",
        sa.Column("key", sa.String(80), primary_key=True),
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("answer_url", sa.Text, nullable=False),
        sa.Column("says", sa.String(80), nullable=False),
        sa.Column("about_id", sa.Uuid, nullable=False),
        sa.Column("due_at", Instant, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
    )


def _change_columns() -> None:
    op.execute(_NOTES)
    op.execute("ALTER TABLE threads DROP COLUMN aside")
    op.execute("ALTER TABLE messages RENAME COLUMN telling TO under_way")
    uuid = "UUID" if op.get_bind().dialect.name == "postgresql" else "CHAR(32)"
    op.execute(f"ALTER TABLE threads ADD COLUMN conversation_id {uuid} REFERENCES conversations (id)")
    op.add_column("messages", sa.Column("conversation_id", sa.Uuid))
    for table, column in (("threads", "seq"), ("messages", "seq"), ("messages", "owed")):
        op.add_column(table, sa.Column(column, sa.Integer, nullable=False, server_default="0"))
    op.add_column("messages", sa.Column("parked", sa.Boolean, nullable=False, server_default=sa.false()))


def _make_indexes() -> None:
    op.create_index("private_notes_due_at", "private_notes", ["due_at"])
    op.create_index("threads_conversation", "threads", ["conversation_id"])
    _index_where("conversations_customer", "conversations", ["customer", "line"], "customer <> ''", unique=True)
    op.drop_index("messages_thread", "messages")
    op.create_index("messages_thread", "messages", ["thread_id", "seq", "part"])
    _index_where("messages_owed", "messages", ["thread_id", "seq", "part"], "owed <> 0")
    _index_where("messages_under_way", "messages", ["thread_id"], "under_way <> 0")
    order = ["conversation_id", "seq", "part", "accepted_at"]
    _index_where("messages_waiting", "messages", order, "delivery = 0 AND send_at IS NULL AND NOT parked")
    _index_where("messages_on_their_way", "messages", ["conversation_id"], "send_at IS NOT NULL")


def _index_where(name: str, table: str, columns: list[str], condition: str, *, unique: bool = False) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)
