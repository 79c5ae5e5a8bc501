"""Words typed in a thread where two processes, or what somebody did and what they did next, meet."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import psycopg
import pytest
from msgspec.structs import replace

from bot.domain.message import Inbound
from bot.domain.reply import Edit, Removal, Reply
from bot.domain.rules import Replies
from bot.domain.thread import Step, Thread
from bot.storage.channels import note_usual_rule
from bot.storage.database import open_database
from bot.storage.engine import Database, Transaction
from bot.storage.held import Heed, Terms, expire_replies
from bot.storage.inbound import Arrival, take_many
from bot.storage.replies import ReplyClick, Typed, decide_replies, take_replies
from bot.storage.reply_edits import Changed, Removed, edit_replies, remove_replies
from bot.storage.rows import load_threads
from bot.storage.threads import Outcome, finish_threads
from tests.conftest import LINE
from tests.statements import asking, by_writer, doing
from tests.storage.desk import Desk

T = TypeVar("T")
ROOT, AUTHOR, MINUTE = "1.1", "U1", timedelta(minutes=1)
SPANS = 10 * MINUTE, 60 * MINUTE, timedelta(days=7)
SENDS = Terms((LINE,), Replies.SEND, *SPANS, longest=18_000, largest_file=100_000_000)
ASKS = replace(SENDS, rule=Replies.ASK)


class Writing:
    """A person who types in a customer's thread."""

    def __init__(self, desk: Desk, terms: Terms) -> None:
        self.desk, self.terms, self.number = desk, terms, 0

    def reply(self, text: str, ts: str = "", **how: Any) -> Reply:
        self.number += 1
        ts = ts or f"{int(self.desk.clock().timestamp())}.{self.number:06}"
        about: dict[str, Any] = {"drafted": "<@" in text, "to_us": False, "names_others": "<@" in text}
        about |= {"author": AUTHOR, **how}
        return Reply(f"reply:T1:{ts}", "T1", "C1", ROOT, ts, text=text, **about)

    async def types(self, text: str, **how: Any) -> Reply:
        reply = self.reply(text, **how)
        await self.take(reply)
        return reply

    async def take(self, reply: Reply) -> str:
        return await self.desk.store.write(take_replies, Typed(reply, self.terms))

    async def edits(self, reply: Reply, text: str, **how: Any) -> str:
        new = self.reply(text, reply.ts, **how)
        return await self.desk.store.write(edit_replies, Changed(Edit(new, "2.2"), text, self.terms))

    async def removes(self, reply: Reply) -> str:
        return await self.desk.store.write(remove_replies, Removed(Removal("C1", reply.ts, reply), self.terms))

    async def claims(self) -> Thread:
        """Return the thread of the words, claimed to admit their author."""
        [thread] = [thread for step, thread in await self.desk.threads() if step is Step.ADMIT]
        return thread

    async def finishes(self, thread: Thread, named: str = "") -> None:
        """Admit the author. named: the words as the customer is to read them, where there were mentions in them."""
        words = (named, self.terms) if named else None
        await self.desk.store.write(finish_threads, Outcome(thread.admitted(), admits=True, named=words))

    async def message_id(self) -> UUID:
        [row] = await self.desk.store.read(asking("SELECT id FROM messages WHERE origin IN ('typed', 'drafted')"))
        return row.id

    def click(self, message_id: UUID, choice: str = "send") -> ReplyClick:
        return ReplyClick(message_id, choice, AUTHOR, self.terms)

    async def texts(self) -> list[str]:
        """What is to reach the phone, or has, after the text by command."""
        rows = await self.desk.store.read(asking("SELECT text FROM sends WHERE text <> 'Hi' ORDER BY seq, part"))
        return [row.text for row in rows]


async def _begun(desk: Desk) -> None:
    await desk.accept("C1")
    [(_, thread)] = await desk.threads()
    await desk.open(thread)


@pytest.fixture
async def sends(desk: Desk) -> Writing:
    await _begun(desk)
    return Writing(desk, SENDS)


@pytest.fixture
async def asks(desk: Desk) -> Writing:
    await _begun(desk)
    return Writing(desk, ASKS)


@pytest.fixture
def twin(desk: Desk, database_url: str) -> Iterator[Database]:
    """The database as another process has it."""
    database = open_database(database_url, desk.clock)
    yield database
    database.close()


async def _while_another_holds(
    twin: Database, url: str, first: Callable[[Transaction], T], second: Callable[[], Any]
) -> tuple[T, Any]:
    """Do one thing in another process, and a second here that comes in its way before it has committed."""
    done, go_on = threading.Event(), threading.Event()

    def held(tx: Transaction) -> T:
        result = first(tx)
        done.set()
        go_on.wait(10)
        return result

    holding = asyncio.create_task(asyncio.to_thread(twin.write, held))
    await asyncio.to_thread(done.wait, 10)
    coming = asyncio.create_task(second())
    with psycopg.connect(url, autocommit=True) as watcher:
        async with asyncio.timeout(10):
            while not watcher.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchall():
                await asyncio.sleep(0.01)
    go_on.set()
    return await holding, await coming


on_postgresql = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)


@on_postgresql
async def test_of_two_clicks_that_meet_at_two_processes_one_lets_the_words_go(
    asks: Writing, twin: Database, database_url: str
) -> None:
    await asks.types("Eight works")
    click = asks.click(await asks.message_id())
    answers = await _while_another_holds(
        twin,
        database_url,
        lambda tx: decide_replies(tx, [click])[0],
        lambda: asks.desk.store.write(decide_replies, click),
    )
    assert answers == ("sent", "already_sent")
    assert await asks.texts() == ["Eight works"]


@on_postgresql
async def test_what_expires_while_another_process_lets_it_go_goes(
    asks: Writing, twin: Database, database_url: str
) -> None:
    await asks.types("Eight works")
    click = asks.click(await asks.message_id())

    done, go_on = threading.Event(), threading.Event()

    def held(tx: Transaction) -> str:
        result = decide_replies(tx, [click])[0]
        done.set()
        go_on.wait(10)
        return result

    holding = asyncio.create_task(asyncio.to_thread(twin.write, held))
    await asyncio.to_thread(done.wait, 10)
    asks.desk.clock.now += 11 * MINUTE
    assert await asks.desk.store.write(expire_replies, None) == 0  # the other has it
    go_on.set()
    assert await holding == "sent"
    assert await asks.desk.store.write(expire_replies, None) == 0
    assert await asks.texts() == ["Eight works"]


@on_postgresql
async def test_a_click_while_another_process_wipes_what_expired_sends_nothing(
    asks: Writing, twin: Database, database_url: str
) -> None:
    await asks.types("Eight works")
    click = asks.click(await asks.message_id())
    before, asks.desk.clock.now = asks.desk.clock.now, asks.desk.clock.now + 11 * MINUTE

    def first(tx: Transaction) -> int:
        [count] = expire_replies(tx, [None])
        asks.desk.clock.now = before  # the click comes from a transaction that began in time
        return count

    answers = await _while_another_holds(
        twin, database_url, first, lambda: asks.desk.store.write(decide_replies, click)
    )
    assert answers == (1, "already_kept")
    assert await asks.texts() == []


async def test_while_names_in_old_words_are_looked_up_an_edit_keeps_its_own_words(sends: Writing) -> None:
    reply = await sends.types("<@U2> seven works", to_us=True)
    thread = await sends.claims()
    await sends.edits(reply, "<@U2> eight works", to_us=True)
    await sends.finishes(thread, "@Ben seven works")
    assert await sends.texts() == []
    await sends.finishes(await sends.claims(), "@Ben eight works")
    assert await sends.desk.store.write(decide_replies, sends.click(await sends.message_id())) == "sent"
    assert await sends.texts() == ["@Ben eight works"]


async def test_a_click_while_the_names_in_new_words_are_looked_up_sends_no_draft(asks: Writing) -> None:
    reply = await asks.types("Eight works")
    await asks.finishes(await asks.claims())
    await asks.edits(reply, "<@U2> eight works")
    assert await asks.desk.store.write(decide_replies, asks.click(await asks.message_id())) == "changed"
    assert await asks.texts() == []
    await asks.finishes(await asks.claims(), "@Ben eight works")
    assert await asks.desk.store.write(decide_replies, asks.click(await asks.message_id())) == "sent"
    assert await asks.texts() == ["@Ben eight works"]


async def test_what_was_deleted_before_it_came_in_is_not_sent(sends: Writing) -> None:
    """As where the event of it could not be stored, and Slack brings it again."""
    reply = sends.reply("Eight works")
    await sends.removes(reply)
    assert await sends.take(reply) == Heed.KNOWN
    assert await sends.texts() == []


async def test_what_was_edited_before_it_came_in_is_asked_about_as_it_reads_now(sends: Writing) -> None:
    reply = sends.reply("Seven works")
    assert await sends.edits(reply, "Eight works") == Heed.HELD
    assert await sends.take(reply) == Heed.KNOWN
    assert await sends.desk.store.write(decide_replies, sends.click(await sends.message_id())) == "sent"
    assert await sends.texts() == ["Eight works"]


async def test_an_edit_of_a_note_sends_and_asks_nothing(sends: Writing) -> None:
    for note in [await sends.types("!rude") for _ in range(2)]:  # of which the second has no thread of its own
        assert await sends.edits(note, "Eight works") == Heed.STRANGE
    assert await sends.texts() == []


async def test_an_edit_of_what_was_typed_long_before_anybody_listened_asks_nothing(sends: Writing) -> None:
    reply = sends.reply("Seven works")
    sends.desk.clock.now += 61 * MINUTE
    assert await sends.edits(reply, "Eight works") == Heed.STRANGE
    assert await sends.texts() == []


async def _goes_on_elsewhere(desk: Desk) -> UUID:
    """Begin another thread of the conversation, in a channel that all may read; return its id."""
    await desk.accept("C2", customer="+14155552601")
    [(_, thread)] = await desk.threads()
    opened = thread.opened(thread.channel, "1.2", shown_rev=thread.rev, private=False)
    await desk.store.write(finish_threads, Outcome(opened))
    return thread.id


async def _stands(desk: Desk) -> Any:
    rows = await desk.store.read(asking("SELECT thread_id, author, waiting_since FROM conversations"))
    assert len(rows) == 1
    return rows[0]


async def test_who_may_not_text_moves_no_conversation_to_where_they_read(sends: Writing) -> None:
    current = await _goes_on_elsewhere(sends.desk)
    before = await _stands(sends.desk)
    await sends.types("Nine works", author="U0GUEST")
    thread = await sends.claims()
    assert await _stands(sends.desk) == before
    await sends.desk.store.write(finish_threads, Outcome(thread.closed_for("guest"), forgets=True))
    assert (await _stands(sends.desk)).thread_id == current


async def test_who_may_text_has_a_conversation_go_on_where_they_typed(sends: Writing) -> None:
    current = await _goes_on_elsewhere(sends.desk)
    await sends.types("Nine works", author="U9")
    thread = await sends.claims()
    assert thread.parent_id != current
    await sends.finishes(thread)
    stands = await _stands(sends.desk)
    assert (stands.thread_id, stands.author) == (thread.parent_id, "U9")


async def test_what_was_typed_under_another_setting_is_asked_about(sends: Writing) -> None:
    store, clock = sends.desk.store, sends.desk.clock
    await store.write(note_usual_rule, Replies.ASK)
    clock.now += MINUTE
    before = sends.reply("They are regulars")
    clock.now += MINUTE
    await store.write(note_usual_rule, Replies.SEND)
    after = sends.reply("Eight works")
    clock.now += MINUTE
    await store.write(note_usual_rule, Replies.SEND)  # at the next start
    assert await sends.take(before) == Heed.HELD
    assert await sends.take(after) == Heed.GOING
    assert await sends.texts() == ["Eight works"]


async def test_whose_thread_cannot_be_posted_in_is_told_of_each_of_their_texts(sends: Writing) -> None:
    for text in ("Seven works", "Eight works"):
        await sends.types(text)
        await sends.finishes(await sends.claims())
    rows = await sends.desk.store.read(asking("SELECT id FROM threads WHERE typed_ts IS NOT NULL ORDER BY id"))
    for thread in (await sends.desk.store.read(lambda tx: load_threads(tx, [row.id for row in rows]))).values():
        await sends.desk.store.write(finish_threads, Outcome(thread.closed_for("is_archived"), note="closed"))
    about = await sends.desk.store.read(asking("SELECT about_id FROM private_notes WHERE says = 'closed' ORDER BY 1"))
    assert [row.about_id for row in about] == [row.id for row in rows]


async def test_after_the_root_of_a_thread_is_removed_nothing_typed_in_it_is_sent(asks: Writing) -> None:
    reply = await asks.types("Eight works")
    store = asks.desk.store
    await store.write(by_writer(doing("UPDATE threads SET parent_id = :id WHERE typed_ts <> ''", id=uuid4())), None)
    assert await store.write(decide_replies, asks.click(await asks.message_id())) == "thread_over"
    assert await asks.edits(reply, "Nine works") == Heed.STRANGE
    assert await asks.texts() == []


async def test_a_text_whose_names_are_known_too_late_is_not_sent(sends: Writing) -> None:
    await sends.types("<@U2> eight works", to_us=True)
    sends.desk.clock.now += 61 * MINUTE
    await sends.finishes(await sends.claims(), "@Ben eight works")
    assert await sends.texts() == []
    assert [row.says for row in await sends.desk.store.read(asking("SELECT says FROM private_notes"))] == [
        "reply:too_late"
    ]


@pytest.mark.parametrize("takes_back", ["deletes", "makes a note", "edits"])
async def test_a_text_that_is_taken_back_answers_nobody(sends: Writing, takes_back: str) -> None:
    at = sends.desk.clock.now
    inbound = Inbound("h1", LINE, "+14155552601", "Or nine?", (), at)
    await sends.desk.store.write(take_many, Arrival(inbound, "C1"))
    sends.desk.clock.now += MINUTE
    reply = await sends.types("Eight works")
    await sends.finishes(await sends.claims())
    assert (await _stands(sends.desk)).waiting_since is None
    if takes_back == "deletes":
        await sends.removes(reply)
    else:
        await sends.edits(reply, "!rude" if takes_back == "makes a note" else "<@U2> eight works")
    assert (await _stands(sends.desk)).waiting_since == at
