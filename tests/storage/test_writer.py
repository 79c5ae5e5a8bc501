"""One thread that writes: everything that waits shares a commit, and what fails fails alone."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from bot.errors import NotStored
from bot.storage.database import open_database
from bot.storage.engine import Transaction
from bot.storage.writer import Writer
from tests.statements import Sql, asking, doing

ADD = Sql("INSERT INTO words (word) {values row.word}")
COUNT = Sql("SELECT count(*) FROM words")
make_words = doing("CREATE TABLE words (word TEXT PRIMARY KEY NOT NULL)")


@pytest.fixture
async def writer(database_url: str) -> AsyncIterator[Writer]:
    database = open_database(database_url)
    database.write(make_words)
    writer = Writer(database)
    writer.start()
    yield writer
    await asyncio.to_thread(writer.stop, 10)
    database.close()


def add(tx: Transaction, words: Sequence[Any]) -> list[int]:
    tx.each(ADD, [{"word": word} for word in words])
    return [len(words)] * len(words)


def count(tx: Transaction, items: Sequence[None]) -> list[int]:
    return [tx.ask(COUNT).value() for _ in items]


class Gate:
    """Keeps the writer busy until opened."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.reached = threading.Event()

    def wait(self, tx: Transaction, items: Sequence[None]) -> list[None]:
        self.reached.set()
        assert self.open.wait(5)
        return list(items)


async def held(writer: Writer) -> tuple[Gate, asyncio.Task[None]]:
    gate = Gate()
    waiting = asyncio.create_task(writer.run(gate.wait, None))
    await asyncio.to_thread(gate.reached.wait, 5)
    return gate, waiting


async def test_what_waits_together_is_stored_together(writer: Writer) -> None:
    gate, waiting = await held(writer)
    adding = [asyncio.create_task(writer.run(add, f"word {number}")) for number in range(50)]
    await asyncio.sleep(0.05)
    gate.open.set()
    await waiting
    assert await asyncio.gather(*adding) == [50] * 50
    assert await writer.run(count, None) == 50


async def test_a_poisonous_item_fails_alone(writer: Writer) -> None:
    gate, waiting = await held(writer)
    adding = [asyncio.create_task(writer.run(add, word)) for word in ("a", None, "b", "a")]
    await asyncio.sleep(0.05)
    gate.open.set()
    await waiting
    results = await asyncio.gather(*adding, return_exceptions=True)
    assert [type(result) for result in results] == [int, NotStored, int, NotStored]
    assert await writer.run(count, None) == 2


async def test_a_bug_in_one_kind_of_work_reaches_its_caller_and_nobody_else(writer: Writer) -> None:
    def broken(tx: Transaction, items: Sequence[None]) -> list[None]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await writer.run(broken, None)
    assert await writer.run(add, "still alive") == 1


async def test_what_was_given_up_is_never_stored(writer: Writer) -> None:
    gate, waiting = await held(writer)
    with pytest.raises(NotStored):
        await writer.run(add, "late", patience=0.05)
    gate.open.set()
    await waiting
    assert await writer.run(count, None) == 0


async def test_what_has_begun_cannot_be_given_up(writer: Writer) -> None:
    gate = Gate()
    begun = asyncio.create_task(writer.run(gate.wait, None, patience=0.05))
    await asyncio.to_thread(gate.reached.wait, 5)
    await asyncio.sleep(0.1)
    gate.open.set()
    assert await begun is None


async def test_a_caller_that_went_away_harms_nobody(writer: Writer) -> None:
    gate, waiting = await held(writer)
    gone = asyncio.create_task(writer.run(add, "orphan"))
    await asyncio.sleep(0.02)
    gone.cancel()
    gate.open.set()
    await waiting
    assert await writer.run(count, None) == 1


async def test_a_locked_database_fails_everybody_at_once_and_heals(writer: Writer, database_url: str) -> None:
    other = open_database(database_url, statement_timeout=60)
    locked, over = threading.Event(), threading.Event()

    def lock(tx: Transaction) -> None:
        tx.each(ADD, [{"word": "mine"}])
        if not tx.alone:
            tx.do(Sql("LOCK TABLE words"))
        assert tx.ask(COUNT).value() == 1
        locked.set()
        assert over.wait(20)

    holding = asyncio.create_task(asyncio.to_thread(other.write, lock))
    await asyncio.to_thread(locked.wait, 5)
    results = await asyncio.gather(*(writer.run(add, str(n)) for n in range(20)), return_exceptions=True)
    over.set()
    await holding
    other.close()
    assert {type(result) for result in results} == {NotStored}
    assert await writer.run(count, None) == 1


async def test_stopping_stores_what_was_handed_in(database_url: str) -> None:
    database = open_database(database_url)
    database.write(make_words)
    writer = Writer(database)
    writer.start()
    adding = [asyncio.create_task(writer.run(add, str(number))) for number in range(10)]
    await asyncio.sleep(0)
    await asyncio.to_thread(writer.stop, 10)
    await asyncio.gather(*adding)
    [[stored]] = database.read(asking("SELECT count(*) FROM words"))
    assert stored == 10
    database.close()
