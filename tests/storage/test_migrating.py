"""What was stored by older versions is carried over: each thread with its news, and nothing is posted because of it."""

import random
import subprocess
import sys
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from bot.domain.delivery import Delivery, News, Service
from bot.domain.send import Send
from bot.storage import migrations, schema
from bot.storage.database import open_database
from bot.storage.engine import Database, Transaction
from bot.storage.rows import SEND, load_sends, send_of
from tests.statements import Sql, asking

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CUSTOMERS = ("+14155550101", "+14155550102", "+14155550103", "")  # the last was forgotten
LINES = ("+15550100900", "+15550100901")


def a_thread(dice: random.Random, number: int) -> dict[str, Any]:
    due_at = dice.choice((None, NOON))
    names = {"team": "T1", "channel": "C1", "asked_in": "C1", "sender": "U1", "answer_url": "", "aside": ""}
    counts = dict.fromkeys(("replies", "looked", "fence", "failures"), 0)
    shown = {"rev": 3, "shown_rev": dice.choice((3, 2)), "lane": dice.randrange(3), "patient": False, "due_at": due_at}
    at = NOON + timedelta(seconds=dice.randrange(60))
    opened = {"root_ts": dice.choice((None, f"{number}.1")), "closed": dice.choice(("", "", "is_archived"))}
    return {"id": UUID(int=number), "key": f"key {number}", "created_at": at, **names, **counts, **shown, **opened}


def its_messages(dice: random.Random, thread: dict[str, Any], first: int) -> list[dict[str, Any]]:
    """Return its parts, in any state, and what was sent again."""
    recipient, line, parts = dice.choice(CUSTOMERS), dice.choice(LINES), dice.choice((1, 1, 3))
    rows = []
    for number, part in enumerate([*range(1, parts + 1), *([1] if dice.random() < 0.2 else [])], start=first):
        facts = {name: dice.random() < 0.3 for name in ("picture_lost", "unconfirmed", "asked")}
        decision = dice.choice(("", "", "resend", "leave"))
        delivery = dice.choice(list(Delivery))
        rows.append(
            {"id": UUID(int=10**9 + number), "thread_id": thread["id"], "part": part, "parts": parts, "line": line}
            | {
                "recipient": recipient,
                "text": f"Hi {number} " if recipient else "",
                "accepted_at": thread["created_at"],
                "since": NOON,
                **facts,
            }
            | {"delivery": delivery, "service": dice.choice(list(Service)), "handle": f"h{number}", "handle_from": 2}
            | {"error_code": "", "error_text": "", "decision": decision, "decided_by": "", "decided_at": None}
            | {"again_of": rows[0]["id"] if len(rows) == parts else None, "told": dice.randrange(2048), "telling": 0}
            | {"attempts": 1, "send_at": None, "poll_at": None, "polls": 0, "fence": 1}
        )
    return rows


def fill(database: Database, count: int, seed: int) -> None:
    """Store so many threads as the version before did."""
    dice = random.Random(seed)
    threads = [a_thread(dice, number) for number in range(1, count + 1)]
    messages = [row for number, thread in enumerate(threads) for row in its_messages(dice, thread, 10 * number)]
    store(database, threads, messages)


def store(database: Database, threads: list[dict[str, Any]], messages: list[dict[str, Any]]) -> None:
    def stored(tx: Transaction) -> None:
        for table, rows in (("threads", threads), ("messages", messages)):
            names = list(rows[0])
            insert = Sql(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})")
            for row in rows:
                tx.do(insert, **row)

    database.write(stored)


@pytest.fixture
def old(empty_url: str):
    """A database of the version before, with texts in every state."""
    database = open_database(empty_url)
    migrations.upgrade(database, "0005")
    fill(database, 400, seed=1)
    yield database
    database.close()


def test_each_text_owes_what_it_owed(old: Database) -> None:
    migrations.upgrade(old)
    owed = dict(old.read(asking("SELECT id, owed FROM sends")))
    sends = old.read(lambda tx: load_sends(tx, owed))
    assert len({send.news for send in sends.values()}) > 30
    assert {one.id: one.news for one in sends.values()} == {key: News(bits) for key, bits in owed.items()}


def test_no_thread_is_due_because_of_it(old: Database) -> None:
    asked = asking("SELECT id, due_at, lane, rev, shown_rev, posting, fence, root_ts, closed FROM threads ORDER BY id")
    before = old.read(asked)
    migrations.upgrade(old)
    assert old.read(asked) == before


def test_a_conversation_for_each_line_and_customer_and_for_each_that_was_forgotten(old: Database) -> None:
    migrations.upgrade(old)
    rows = old.read(
        asking(
            f"SELECT {SEND}, sends.conversation_id, sends.seq, threads.seq AS root, messages.seq AS said, said_at, "
            "conversations.line AS its_line, customer, next_seq FROM sends JOIN messages ON messages.id = message_id "
            "JOIN threads ON threads.id = messages.thread_id "
            "JOIN conversations ON conversations.id = threads.conversation_id"
        )
    )
    placed: dict[tuple[str, str, UUID | None], set[tuple[UUID, int]]] = defaultdict(set)
    order: dict[UUID, set[tuple[int, datetime, UUID]]] = defaultdict(set)
    for row in rows:
        assert (row.its_line, row.customer, row.root, row.said) == (row.line, row.recipient, row.seq, row.seq)
        placed[row.line, row.customer, None if row.customer else row.thread_id].add((row.conversation_id, row.next_seq))
        order[row.conversation_id].add((row.seq, row.said_at, row.thread_id))
    assert all(len(conversation) == 1 for conversation in placed.values())
    assert len({next(iter(one))[0] for one in placed.values()}) == len(placed)
    for conversation, threads in order.items():
        in_order = sorted(threads)
        assert in_order == sorted(threads, key=lambda thread: thread[1:])
        assert [seq for seq, *_ in in_order] == list(range(1, len(threads) + 1))
        assert {next_seq for one in placed.values() for its, next_seq in one if its == conversation} == {
            len(threads) + 1
        }


def test_unsent_parts_behind_a_doubt_are_parked_and_no_others(old: Database) -> None:
    migrations.upgrade(old)
    seen = set()
    for texts in by_message(old).values():
        for text in texts:
            behind = any(
                other.words.part < text.words.part
                and other.known.delivery is Delivery.UNCERTAIN
                and not any(_repeats(one, other) and one.known.frees_the_next_part for one in texts)
                for other in texts
            )
            expected = behind and text.known.delivery is Delivery.ACCEPTED
            assert text.schedule.parked == expected
            seen.add(expected)
    assert seen == {True, False}


def by_message(database: Database) -> dict[UUID, list[Send]]:
    found: dict[UUID, list[Send]] = defaultdict(list)
    for row in database.read(asking(f"SELECT {SEND} FROM sends ORDER BY id")):
        send = send_of(**row._asdict())
        found[send.message_id].append(send)
    return found


def _repeats(one: Send, other: Send) -> bool:
    return (one.words.part, one.words.try_number) == (other.words.part, other.words.try_number + 1)


def test_parts_behind_a_doubt_that_was_sent_again_with_success_are_not_parked(old: Database) -> None:
    """Nothing else would let the last of them out: the one before it is neither in doubt nor a repeat."""
    dice = random.Random(1)
    thread = a_thread(dice, 1000)
    [row, *_] = its_messages(dice, thread, 10_000)
    states = [(1, Delivery.UNCERTAIN, None), (2, Delivery.SENDING, None), (3, Delivery.ACCEPTED, None)]
    states.append((1, Delivery.QUEUED, UUID(int=2 * 10**9)))
    rows = [
        row
        | {"id": UUID(int=2 * 10**9 + place), "part": part, "parts": 3, "delivery": delivery, "again_of": again_of}
        | {"handle": f"new {place}", "decision": "resend" if place == 0 else ""}
        for place, (part, delivery, again_of) in enumerate(states)
    ]
    store(old, [thread], rows)
    migrations.upgrade(old)
    parked = asking("SELECT id FROM sends WHERE parked AND thread_id = :id", id=thread["id"])
    assert old.read(parked) == []


def test_each_thread_has_one_message_with_the_words_of_its_parts(old: Database) -> None:
    columns = "threads.id, key, team, sender, answer_url, created_at"
    asked = f"SELECT {columns}, messages.id AS send_id, text, recipient, part, again_of FROM threads "
    before = old.read(asking(f"{asked} JOIN messages ON messages.thread_id = threads.id ORDER BY part"))
    migrations.upgrade(old)
    said = {row.thread_id: row for row in old.read(asking("SELECT * FROM messages"))}
    whole: dict[UUID, str] = defaultdict(str)
    for row in before:
        message = said[row.id]
        facts = (message.key, message.team, message.author, message.answer_url, message.said_at)
        assert facts == (row.key, row.team, row.sender, row.answer_url, row.created_at)
        whole[row.id] += row.text if row.recipient and row.again_of is None else ""
    assert {key: message.text for key, message in said.items()} == whole
    assert {(one.direction, one.origin) for one in said.values()} == {("out", "command")}
    assert len(set(whole.values())) > 20
    sends = {send.id: send for found in by_message(old).values() for send in found}
    assert sends.keys() == {row.send_id for row in before}
    tries = {send.id: send.words.try_number for send in sends.values()}
    assert tries == {row.send_id: 2 if row.again_of else 1 for row in before}
    assert set(tries.values()) == {1, 2}


@pytest.mark.parametrize("hours", [(0, 1, 2), (0, 2, 1), (2, 1, 0)], ids=["in order", "clock set back", "backwards"])
def test_what_was_sent_again_and_again_is_counted(old: Database, hours: tuple[int, int, int]) -> None:
    dice = random.Random(1)
    thread = a_thread(dice, 1000)
    [row, *_] = its_messages(dice, thread, 10_000)
    first, second, third = (UUID(int=2 * 10**9 + place) for place in (2, 0, 1))
    chain = zip((first, second, third), (None, first, second), hours, strict=True)
    rows = [
        row | {"id": one, "again_of": again_of, "handle": f"new {late}", "accepted_at": NOON + timedelta(hours=late)}
        for one, again_of, late in chain
    ]
    store(old, [thread], rows)
    migrations.upgrade(old)
    tries = asking("SELECT id, try_number FROM sends WHERE thread_id = :id ORDER BY try_number", id=thread["id"])
    assert old.read(tries) == [(first, 1), (second, 2), (third, 3)]


def test_everything_that_is_referred_to_is_there(old: Database) -> None:
    """SQLite does not look while it migrates."""
    migrations.upgrade(old)
    if old.one_process:
        assert old.read(asking("SELECT * FROM pragma_foreign_key_check")) == []
    missing = "SELECT 1 FROM sends WHERE message_id IS NULL OR conversation_id IS NULL"
    assert old.read(asking(missing)) == []


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_an_older_process_that_locks_the_other_way_round_does_not_end_it(old: Database, empty_url: str) -> None:
    with ThreadPoolExecutor(1) as beside, psycopg.connect(empty_url) as older:
        older.execute("SET deadlock_timeout = '20s'")  # so that the other one is ended
        older.execute("SELECT 1 FROM messages FOR SHARE")
        upgrading = beside.submit(migrations.upgrade, old)
        waiting = asking("SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'messages'::regclass")
        end = time.monotonic() + 20
        while not old.read(waiting):
            assert time.monotonic() < end
            time.sleep(0.02)
        older.execute("SELECT 1 FROM threads FOR SHARE")
        older.commit()
        upgrading.result(30)
    assert old.write(schema.problem) == ""


# Python and what is imported take each child longer than to migrate, so one process forks them all.
_KILLING = """
import os, signal, sys, time
from bot.storage import migrations
from bot.storage.database import open_database

pause, kills, status = 0.01, 0, signal.SIGKILL
while status == signal.SIGKILL:
    if not (child := os.fork()):
        migrations.upgrade(database := open_database(sys.argv[1]))
        database.close()
        os._exit(0)
    time.sleep(pause)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    pause, kills = pause * 1.3, kills + 1
print(kills - 1)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def test_killed_in_the_middle_it_can_be_repeated(old: Database, empty_url: str) -> None:
    """Each time a moment later, until it comes to its end; then everything is as if nobody had disturbed it."""
    ran = subprocess.run(
        [sys.executable, "-c", _KILLING, empty_url], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout.splitlines()[-1]) > 5
    assert old.write(schema.problem) == ""
    test_each_text_owes_what_it_owed(old)
