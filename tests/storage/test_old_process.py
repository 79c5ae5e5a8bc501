"""A process of the version before, still at work on PostgreSQL when the schema is new: nothing it does is stored."""

import psycopg
import pytest

from bot.storage import migrations
from bot.storage.database import open_database

# The statements of version 0005 that each kind of its work begins with, as far as the columns matter: taking a command,
# claiming a thread, claiming a text, and reading the texts that a report, a click or a question is about.
RELEASED = {
    "accept": "INSERT INTO threads (id, key, team, channel, asked_in, sender, answer_url, created_at, due_at, lane, "
    "replies, rev, shown_rev, looked, aside, closed, patient, fence, failures) "
    "SELECT gen_random_uuid(), 'k', 'T', 'C', 'C', 'U', '', now(), now(), 2, 0, 0, 0, 0, '', '', false, 0, 0 "
    "ON CONFLICT (key) DO NOTHING RETURNING id",
    "claim threads": "UPDATE threads SET fence = fence + 1, due_at = now(), patient = false WHERE due_at <= now() "
    "RETURNING threads.id, threads.aside AS private_note",
    "claim texts": "UPDATE messages SET fence = fence + 1, send_at = now(), delivery = 10, since = now(), "
    "attempts = attempts + 1, attempted_at = now() WHERE send_at <= now() "
    "RETURNING messages.id, messages.telling AS under_way",
    "read texts": "SELECT messages.id, messages.told AS told, messages.telling AS under_way FROM messages FOR UPDATE",
    "note a post": "UPDATE messages SET telling = 4 WHERE thread_id IS NOT NULL",
    "store a post": "UPDATE threads SET aside = '', closed = '', failures = 0 WHERE fence = 1",
}


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
@pytest.mark.parametrize("statement", RELEASED.values(), ids=list(RELEASED))
def test_what_an_old_process_begins_with_fails(empty_url: str, statement: str) -> None:
    database = open_database(empty_url)
    migrations.upgrade(database, "0005")
    with psycopg.connect(empty_url) as old:
        old.execute(statement)  # so it was
        old.rollback()
        migrations.upgrade(database)
        with pytest.raises(psycopg.errors.UndefinedColumn):
            old.execute(statement)
    database.close()
