"""Words typed in a thread where two processes, or what somebody did and what they did next, meet."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import psycopg
import pytest

from bot.domain.reply import Edit, Removal, Reply
from bot.domain.rules import Replies
from bot.domain.thread import Step, Thread
from bot.storage.database import open_database
from bot.storage.engine import Database, Transaction
from bot.storage.held import Terms, expire_replies
from bot.storage.replies import ReplyClick, Typed, decide_replies, take_replies
from bot.storage.reply_edits import Changed, edit_replies, remove_replies
from bot.storage.threads import Outcome, finish_threads
from tests.conftest import LINE
from tests.statements import asking
from tests.storage.desk import Desk

T = TypeVar("T")
ROOT, AUTHOR, MINUTE = "1.1", "U1", timedelta(minutes=1)
SENDS = Terms((LINE,), Replies.SEND, 10 * MINUTE, 60 * MINUTE, timedelta(days=7), 18_000)
ASKS = Terms((LINE,), Replies.ASK, 10 * MINUTE, 60 * MINUTE, timedelta(days=7), 18_000)


class Writing:
    """A person who types in a customer's thread."""

    def __init__(self, desk: Desk, terms: Terms) -> None:
        self.desk, self.terms, self.number = desk, terms, 0

    def reply(self, text: str, ts: str = "", **how: Any) -> Reply:
        self.number += 1
        ts = ts or f"{int(self.desk.clock().timestamp())}.{self.number:06}"
        about: dict[str, Any] = {"drafted": "<@" in text, "to_us": False, "names_others": "<@" in text}
        key = f"reply:T1:{AUTHOR}:{ts}"
        return Reply(key, "T1", "C1", ROOT, ts, AUTHOR, text, **(about | how))

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
        return await self.desk.store.write(remove_replies, Removal("C1", reply.ts))

    async def claims(self) -> Thread:
        """Return the thread of the words, claimed to admit their author."""
        [thread] = [thread for step, thread in await self.desk.threads() if step is Step.ADMIT]
        return thread

    async def finishes(self, thread: Thread, named: str = "") -> None:
        """Admit the author. named: the words as the customer is to read them, where there were mentions in them."""
        words = (named, self.terms) if named else None
        await self.desk.store.write(finish_threads, Outcome(thread.admitted(), named=words))

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
