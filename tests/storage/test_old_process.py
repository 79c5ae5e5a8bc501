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


# What a process of 0007 stores of a text, as far as the columns matter.
OF_0007 = {
    "a message": "INSERT INTO messages (id, thread_id, conversation_id, seq, key, direction, origin, team, author, "
    "answer_url, text, said_at) SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 0, 'k', 'out', "
    "'command', 'T', 'U', '', 'Hi', now()",
    "a send": "INSERT INTO sends (id, message_id, thread_id, conversation_id, seq, recipient, line, text, accepted_at, "
    "since, part, parts, try_number, delivery, service, handle_from, error_code, error_text, picture_lost, "
    "unconfirmed, asked, decision, decided_by, told, under_way, owed, attempts, polls, parked, fence) "
    "SELECT gen_random_uuid(), messages.id, thread_id, conversation_id, 0, '+1', '+1', 'Hi', now(), now(), 1, 1, 1, "
    "0, '', 0, '', '', false, false, false, '', '', 0, 0, 0, 0, 0, false, 0 FROM messages",
}


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_a_process_of_0007_takes_no_text_any_more(empty_url: str) -> None:
    """It would not know who has opted out."""
    database = open_database(empty_url)
    migrations.upgrade(database, "0007")
    with psycopg.connect(empty_url) as old:
        for statement in OF_0007.values():
            old.execute(statement)  # so it was
        old.rollback()
        migrations.upgrade(database)
        with pytest.raises(psycopg.errors.NotNullViolation):
            old.execute(OF_0007["a message"])
    database.close()
