"""Where what a customer says goes, whoever does something else at the same moment."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from bot.domain.message import Inbound, Notice
from bot.domain.thread import Step, Thread
from bot.storage.database import open_database
from bot.storage.decisions import OptOutClick, decide_opt_out
from bot.storage.elsewhere import SentElsewhere, take_sent
from bot.storage.engine import Rows, Transaction
from bot.storage.forgetting import remove_many
from bot.storage.inbound import Arrival, take_many
from bot.storage.opt_outs import known_of
from bot.storage.postgresql import PostgresqlTransaction
from bot.storage.sql import Sql as HouseSql
from bot.storage.threads import Outcome, finish_threads
from tests.conftest import CUSTOMER, LINE
from tests.statements import asking, by_writer, doing
from tests.storage.desk import SECOND, Desk

AT_ONCE = timedelta(0)
INBOX = "C0INBOX"
Work = Callable[[Transaction], Iterable[Any]]


def said(desk: Desk, text: str = "Hi", handle: str = "", at: datetime | None = None) -> Arrival:
    return Arrival(Inbound(handle or uuid4().hex, LINE, CUSTOMER, text, (), at or desk.clock.now), INBOX)


async def a_place(desk: Desk, channel: str = "C1") -> Thread:
    """A thread with the customer that is open."""
    await desk.accept(channel, customer=CUSTOMER)
    [thread] = [thread for step, thread in await desk.threads(interval=AT_ONCE) if step is Step.OPEN]
    assert await desk.open(thread)
    return thread


async def current(desk: Desk) -> UUID:
    [[found]] = await desk.store.read(asking("SELECT thread_id FROM conversations"))
    assert isinstance(found, UUID)
    return found


async def places(desk: Desk) -> list[tuple[str, str]]:
    """What the customer said, and in which channel it is shown."""
    question = (
        "SELECT text, channel FROM messages JOIN threads ON threads.id = messages.thread_id WHERE direction = 'in'"
    )
    return sorted(tuple(row) for row in await desk.store.read(asking(question)))


async def opted_out(desk: Desk) -> bool:
    return await desk.store.write(lambda tx, _: [known_of(tx, CUSTOMER).stands], None)


def at_once(desk: Desk, url: str, earlier: Work, later: Work) -> None:
    """Have one process begin while what another did is not committed yet."""
    done = threading.Event()
    one, other = open_database(url, desk.clock), open_database(url, desk.clock)

    def first(tx: Transaction) -> Sequence[Any]:
        results = list(earlier(tx))
        done.set()
        time.sleep(0.5)
        return results

    with ThreadPoolExecutor() as pool:
        running = pool.submit(one.write, first)
        assert done.wait(5)
        pool.submit(other.write, lambda tx: list(later(tx))).result(10)
        running.result(10)
    one.close()
    other.close()


async def test_a_text_whose_place_is_gone_does_not_take_the_conversation_from_who_wrote_later(desk: Desk) -> None:
    parent = await a_place(desk)
    await desk.accept("C1", customer=CUSTOMER)
    [child] = [thread for step, thread in await desk.threads(interval=AT_ONCE) if step is Step.OPEN]
    assert child.parent_id == parent.id
    await desk.accept("C2", customer=CUSTOMER)
    later = await current(desk)
    alone = child.on_its_own().opened("C1", "2.2", shown_rev=child.rev)
    assert await desk.store.write(finish_threads, Outcome(alone, leads=True))
    assert await current(desk) == later


async def test_no_root_and_no_wait_begins_with_what_was_sent_from_elsewhere(desk: Desk) -> None:
    """Of a place that is gone, what the customer said goes to the inbox, and an older text to them with it."""
    place = await a_place(desk)
    sent = Inbound("h-elsewhere", LINE, CUSTOMER, "See you", (), desk.clock.now - SECOND, notice=Notice.ELSEWHERE)
    assert await desk.store.write(take_sent, SentElsewhere(sent, AT_ONCE)) == "new"
    await desk.store.write(take_many, said(desk, "Eight works"))
    [held] = [thread for _, thread in await desk.threads(interval=AT_ONCE) if thread.id == place.id]
    await desk.store.write(finish_threads, Outcome(held.closed_for("gone"), goes_on_in=INBOX))
    await desk.store.write(take_many, said(desk, "Or nine", at=desk.clock.now + SECOND))
    question = """
        SELECT text FROM threads JOIN messages ON messages.thread_id = threads.id AND messages.seq = threads.seq
        WHERE channel = :inbox
    """
    assert [row.text for row in await desk.store.read(asking(question, inbox=INBOX))] == ["Eight works"]


async def test_what_is_left_of_a_place_that_is_gone_goes_where_somebody_wrote_since(desk: Desk) -> None:
    first = await a_place(desk)
    await desk.store.write(take_many, said(desk, "Eight works"))
    desk.clock.now += SECOND
    [held] = [thread for _, thread in await desk.threads(interval=AT_ONCE) if thread.id == first.id]
    second = await a_place(desk, "C2")
    await desk.store.write(finish_threads, Outcome(held.moved_to_author(), goes_on_in=INBOX))
    assert await places(desk) == [("Eight works", "C2")]
    assert await current(desk) == second.id


async def together(desk: Desk, *arrivals: Arrival) -> None:
    """Have all of them taken in with one commit."""
    await desk.store.write(lambda tx, _: [take_many(tx, arrivals)], None)


async def test_an_edit_that_is_stored_with_the_message_itself_is_kept(desk: Desk) -> None:
    await a_place(desk)
    first = said(desk, "Eight works", "h1")
    edit = replace(first, said=replace(first.said, text="Nine works"), by_webhook=True)
    await together(desk, first, edit, first)
    assert [text for text, _ in await places(desk)] == ["Eight works", "edited: Nine works"]
    first, edit = (replace(one, said=replace(one.said, handle="h2")) for one in (first, edit))
    await together(desk, edit, first)  # the list has old words
    assert "Eight works" not in [text for text, _ in await places(desk)][1:]


async def roots(desk: Desk) -> list[str]:
    """What the next roots show, and then whatever else is to be shown, the oldest first."""
    claimed = [thread for step, thread in await desk.threads(interval=AT_ONCE) if step is Step.OPEN]
    return [one.text for thread in claimed for one in (thread.message, *thread.unshown)]


async def test_a_root_that_is_not_posted_yet_shows_the_oldest_message(desk: Desk) -> None:
    later = desk.clock.now
    await desk.store.write(take_many, said(desk, "For two", at=later))
    await desk.store.write(take_many, said(desk, "A table?", at=later - SECOND))
    await desk.store.write(take_many, said(desk, "Thanks", at=later + SECOND))
    assert await roots(desk) == ["A table?", "For two", "Thanks"]


async def test_a_root_that_is_being_posted_stays_as_it_is(desk: Desk) -> None:
    await desk.store.write(take_many, said(desk, "For two"))
    assert await roots(desk) == ["For two"]
    await desk.store.write(take_many, said(desk, "A table?", at=desk.clock.now - SECOND))
    [[text]] = await desk.store.read(asking("SELECT text FROM messages WHERE to_show"))
    assert text == "A table?"


async def test_a_root_that_was_not_posted_after_all_shows_the_oldest_message(desk: Desk) -> None:
    await desk.store.write(take_many, said(desk, "For two"))
    [(_, thread)] = await desk.threads(interval=AT_ONCE)
    await desk.store.write(take_many, said(desk, "A table?", at=desk.clock.now - SECOND))
    assert await desk.store.write(finish_threads, Outcome(thread.undone(Step.OPEN)))
    assert await roots(desk) == ["A table?", "For two"]


async def test_a_stop_after_an_undo_counts_whatever_our_clock_says(desk: Desk) -> None:
    await a_place(desk)
    theirs = desk.clock.now
    await desk.store.write(take_many, said(desk, "STOP"))
    [[message_id]] = await desk.store.read(asking("SELECT id FROM messages WHERE direction = 'in'"))
    desk.clock.now += timedelta(minutes=2)
    assert await desk.store.write(decide_opt_out, OptOutClick(message_id, Notice.UNDONE, "U1"))
    assert not await opted_out(desk)
    await desk.store.write(take_many, said(desk, "STOP", at=theirs + timedelta(minutes=1)))
    assert await opted_out(desk)


async def test_whom_somebody_opts_out_is_opted_out_whatever_their_clock_says(desk: Desk) -> None:
    await a_place(desk)
    ahead = desk.clock.now + timedelta(minutes=2)
    await desk.store.write(take_many, said(desk, "START", at=ahead))
    await desk.store.write(take_many, said(desk, "Please stop texting me", "b", at=ahead))
    [[message_id]] = await desk.store.read(asking("SELECT id FROM messages WHERE key = 'in:b'"))
    click = OptOutClick(message_id, Notice.OPTED_OUT, "U1")
    assert await desk.store.write(decide_opt_out, click) == CUSTOMER
    assert await desk.store.write(decide_opt_out, click) == ""
    assert await opted_out(desk)


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
class TestAtTheSameMoment:
    async def test_an_answer_outlives_the_removal_of_what_is_old(self, desk: Desk, database_url: str) -> None:
        await a_place(desk)
        await desk.store.write(by_writer(doing("UPDATE threads SET due_at = NULL")), None)
        await desk.store.write(by_writer(doing("UPDATE sends SET send_at = NULL, poll_at = NULL, delivery = 60")), None)
        desk.clock.now += timedelta(days=800)
        back = said(desk, "I am back")
        at_once(desk, database_url, lambda tx: take_many(tx, [back]), lambda tx: remove_many(tx, [timedelta(days=365)]))
        assert [text for text, _ in await places(desk)] == ["I am back"]

    async def test_an_answer_waits_for_a_server_far_away_four_times_and_for_the_commit(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """For what is known, the conversation, its thread once that is held, and its place in the order."""
        await a_place(desk)
        asking_it, asked, waits = PostgresqlTransaction.ask, list[Rows](), list[int]()

        def ask(tx: PostgresqlTransaction, sql: HouseSql, **values: Any) -> Rows:
            rows = asking_it(tx, sql, **values)
            fetch, number = rows._fetch, len(asked)
            asked.append(rows)

            def look() -> Any:
                if number >= (waits or [0])[-1]:  # else it came with what was waited for before
                    waits.append(len(asked))
                return fetch()

            return Rows(look)

        def taking(tx: Transaction, items: Sequence[Arrival]) -> list[bool]:
            stored = take_many(tx, items)
            waits.append(-1)  # the rest is looked at after the commit
            return list(stored)

        monkeypatch.setattr(PostgresqlTransaction, "ask", ask)
        await desk.store.write(taking, replace(said(desk), by_webhook=True))
        assert waits.index(-1) == 4

    async def test_nothing_follows_a_thread_that_moves_to_its_author(self, desk: Desk, database_url: str) -> None:
        await a_place(desk)
        await desk.store.write(take_many, said(desk, "One"))
        [(_, thread)] = await desk.threads(interval=AT_ONCE)
        moved, two = Outcome(thread.moved_to_author(), goes_on_in=INBOX), said(desk, "Two")
        at_once(desk, database_url, lambda tx: finish_threads(tx, [moved]), lambda tx: take_many(tx, [two]))
        assert await places(desk) == [("One", INBOX), ("Two", INBOX)]

    @pytest.mark.parametrize("copy", [True, False])
    async def test_two_first_words_open_one_thread(self, desk: Desk, database_url: str, copy: bool) -> None:
        one, two = said(desk, "One"), said(desk, "Two")
        other = one if copy else two
        at_once(desk, database_url, lambda tx: take_many(tx, [one]), lambda tx: take_many(tx, [other]))
        await desk.store.write(take_many, said(desk, "Three"))
        [[threads]] = await desk.store.read(asking("SELECT count(*) FROM threads"))
        assert threads == 1
        assert await current(desk)
