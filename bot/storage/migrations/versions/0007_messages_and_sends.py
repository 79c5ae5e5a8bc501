"""What was said and its sends, apart: a message for each thread, and what were messages are its sends.

Sends keep their ids, which callback addresses contain. A message takes the id of its thread.
"""

from collections.abc import Callable

import sqlalchemy as sa
import structlog
from alembic import op

from bot.storage.migrations.tables import Instant

log = structlog.get_logger("bot.storage.migrations")

revision = "0007"
down_revision = "0006"

_REFERS = "REFERENCES messages (id)"  # empty for a moment, as SQLite wants it of a new column
_NAMES = {"fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s"}  # of what has none on SQLite
# All its parts; of what is partly forgotten, the rest.
_WORDS = """
    SELECT {joined} FROM (
        SELECT text, part FROM sends WHERE thread_id = threads.id AND again_of IS NULL ORDER BY part
    ) AS parts
"""
_MESSAGES = """
    INSERT INTO messages (id, thread_id, conversation_id, seq, key, direction, origin, team, author, answer_url, text,
        said_at)
    SELECT id, id, conversation_id, seq, key, 'out', 'command', team, sender, answer_url, coalesce(({words}), ''),
        created_at
    FROM threads
"""
# Each time, tries that repeat one whose number is right get theirs.
_TRIES = """
    UPDATE sends SET try_number = (SELECT try_number + 1 FROM sends AS before WHERE before.id = sends.again_of)
    WHERE try_number <> (SELECT try_number + 1 FROM sends AS before WHERE before.id = sends.again_of)
"""
# Name → columns, and of which rows where not of all.
_INDEXES = {
    "queues": (["line", "send_at"], "delivery = 0 AND send_at IS NOT NULL"),
    "waiting": (["conversation_id", "seq", "part", "try_number"], "delivery = 0 AND send_at IS NULL AND NOT parked"),
    "on_their_way": (["conversation_id"], "send_at IS NOT NULL"),
    "owed": (["thread_id", "seq", "part"], "owed <> 0"),
    "under_way": (["thread_id"], "under_way <> 0"),
    "recipient": (["recipient", "accepted_at"], None),
    "accepted": (["accepted_at"], None),
    "send_at": (["send_at"], "send_at IS NOT NULL"),
    "poll_at": (["poll_at"], "poll_at IS NOT NULL"),
    "unsent": (["accepted_at"], "delivery = 0"),
}


def upgrade() -> None:
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    for name in ("thread", *_INDEXES):  # they would be kept up to date all the way
        op.drop_index(f"messages_{name}", "messages")
    op.drop_index("reports_message", "reports")
    op.rename_table("messages", "sends")
    op.execute("ALTER TABLE reports RENAME COLUMN message_id TO send_id")
    if on_postgresql:
        op.execute("ALTER INDEX messages_pkey RENAME TO sends_pkey")
        op.execute("ALTER INDEX messages_handle_key RENAME TO sends_handle_key")
        op.execute("ALTER TABLE sends RENAME CONSTRAINT messages_thread_id_fkey TO fk_sends_thread_id_threads")
        op.execute("ALTER TABLE reports RENAME CONSTRAINT reports_message_id_fkey TO reports_send_id_fkey")
    _make_messages()
    op.execute("ALTER TABLE sends ADD COLUMN try_number SMALLINT NOT NULL DEFAULT 1")
    op.execute(f"ALTER TABLE sends ADD COLUMN message_id {'UUID' if on_postgresql else 'CHAR(32)'} {_REFERS}")
    filled = op.get_bind().scalar(sa.text("SELECT EXISTS (SELECT 1 FROM threads)"))
    steps: dict[str, Callable[[], object]] = {
        "looking for parts": lambda: op.create_index("parts", "sends", ["thread_id", "part"]),
        "storing messages": lambda: _store_messages(on_postgresql=on_postgresql),
        "changing sends": _change_sends,
        "changing threads": _change_threads,
        "making indexes": _make_indexes,
    }
    for step, (doing, do) in enumerate(steps.items(), start=1):
        if filled:
            log.info("migrating", to=revision, step=f"{step} of {len(steps)}", doing=doing)
        do()
    # What is known of an empty table would be believed until it is looked at again, when it is full.
    if on_postgresql and filled:
        op.execute("ANALYZE messages, sends, threads")


def _make_messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column(
            "thread_id", sa.Uuid, sa.ForeignKey("threads.id", deferrable=True, initially="DEFERRED"), nullable=False
        ),
        sa.Column("conversation_id", sa.Uuid),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("key", sa.String(200), nullable=False, unique=True),
        sa.Column("direction", sa.String(10), nullable=False),
        sa.Column("origin", sa.String(10), nullable=False),
        sa.Column("team", sa.String(40), nullable=False),
        sa.Column("author", sa.String(40), nullable=False),
        sa.Column("answer_url", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("said_at", Instant, nullable=False),
    )


def _store_messages(*, on_postgresql: bool) -> None:
    words = _WORDS.format(joined="string_agg(text, '' ORDER BY part)" if on_postgresql else "group_concat(text, '')")
    op.execute(_MESSAGES.format(words=words))
    if on_postgresql:  # else nothing about the table can be changed before the end
        op.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _change_sends() -> None:
    op.execute("UPDATE sends SET message_id = thread_id")
    while op.get_bind().execute(sa.text(_TRIES)).rowcount:
        pass
    op.drop_index("parts", "sends")
    # A message's thread is its sends' as well: that need not be looked up twice.
    with op.batch_alter_table("sends", naming_convention=_NAMES) as sends:
        sends.drop_constraint("fk_sends_thread_id_threads", type_="foreignkey")
        sends.alter_column("message_id", existing_type=sa.Uuid, nullable=False)
        sends.drop_column("again_of")


def _change_threads() -> None:
    """Drop what messages have now. On SQLite this makes a new table, because a unique column cannot be dropped."""
    for name in ("sender", "others", "queues", "conversation"):
        op.drop_index(f"threads_{name}", "threads")
    with op.batch_alter_table("threads") as threads:
        for column in ("key", "team", "sender", "answer_url", "created_at"):
            threads.drop_column(column)
    op.create_index("threads_conversation", "threads", ["conversation_id"])
    _index_where("threads_others", "threads", ["lane", "due_at"], "due_at IS NOT NULL AND lane < 2")
    _index_where("threads_queues", "threads", ["channel", "due_at"], "lane = 2 AND due_at IS NOT NULL")


def _make_indexes() -> None:
    op.create_index("messages_thread", "messages", ["thread_id", "seq"])
    op.create_index("messages_author", "messages", ["author", "said_at"])
    op.create_index("sends_part", "sends", ["message_id", "part", "try_number"], unique=True)
    op.create_index("reports_send", "reports", ["send_id", "id"])
    for name, (columns, condition) in _INDEXES.items():
        _index_where(f"sends_{name}", "sends", columns, condition)


def _index_where(name: str, table: str, columns: list[str], condition: str | None) -> None:
    where = condition and sa.text(condition)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
