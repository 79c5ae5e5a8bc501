"""Who may take a conversation elsewhere, whom an answer calls, and what a card says: whatever else happens."""

import time
from uuid import uuid4

import pytest
from msgspec.structs import replace

from bot.domain.card import Card, Spot
from bot.domain.message import Origin
from bot.domain.thread import Step, Thread
from bot.storage.cards import _CARDS, load_cards
from bot.storage.engine import Transaction
from bot.storage.inbound import take_many
from bot.storage.intake import Accepted, NewMessage, Taken, accept_many
from bot.storage.sqlite import SqliteTransaction
from bot.storage.threads import Outcome, finish_threads
from tests.conftest import CUSTOMER, LINE, OTHER_LINE
from tests.making import a_new_message, a_send
from tests.statements import asking, by_writer, doing
from tests.storage.desk import SECOND, Desk
from tests.storage.test_inbound import AT_ONCE, at_once, said


def a_text(desk: Desk, author: str, channel: str, text: str = "Hi") -> NewMessage:
    """A text to the customer, by somebody from somewhere."""
    now, thread_id = desk.clock(), uuid4()
    sent = a_send(uuid4(), thread_id, CUSTOMER, LINE, text, now, now)
    return a_new_message(Origin(uuid4().hex, "T1", channel, author), sent)


async def texts(desk: Desk, author: str, channel: str, text: str = "Hi") -> Accepted:
    return await desk.store.write(accept_many, a_text(desk, author, channel, text))


async def test_who_wrote_while_there_was_no_channel_for_it_can_be_texted(desk: Desk) -> None:
    await desk.store.write(take_many, replace(said(desk, "A table?"), inbox=""))
    assert (await texts(desk, "U1", "C1")).taken is Taken.NEW


async def opened(desk: Desk, *, private: bool = False) -> None:
    """Have every root that is due stand."""
    for step, thread in await desk.threads(interval=AT_ONCE):
        if step is Step.OPEN:
            stands = thread.opened(thread.channel, f"{thread.message.seq}.1", shown_rev=thread.rev, private=private)
            assert await desk.store.write(finish_threads, Outcome(stands, shared=thread.shares_a_card))


async def card(desk: Desk, channel: str) -> Card:
    """What the first root in a channel says of its conversation."""
    [thread_id, *_] = [row[0] for row in await desk.store.read(asking(_THREADS, channel=channel))]
    cards = await desk.store.read(lambda tx: load_cards(tx, [thread_id]))
    return cards[thread_id]


_THREADS = "SELECT id FROM threads WHERE channel = :channel AND parent_id IS NULL ORDER BY seq"


async def test_a_card_does_not_say_what_is_written_in_a_private_place(desk: Desk) -> None:
    await texts(desk, "U1", "C1", "Table at eight?")
    await opened(desk)
    await texts(desk, "U2", "C1", "Or nine?")
    desk.clock.now += SECOND
    await opened(desk)
    await texts(desk, "U1", "G1", "Between us: at ten")
    assert [text.message.text for text in (await card(desk, "C1")).texts] == ["Or nine?", "Table at eight?"]


@pytest.mark.parametrize("gone", ["closed = 'thread_not_found'", "channel = 'D1'"])
async def test_a_card_leads_to_no_root_that_is_gone(desk: Desk, gone: str) -> None:
    await texts(desk, "U1", "C1")
    await opened(desk)
    await texts(desk, "U1", "C2")
    assert (await card(desk, "C2")).before == Spot("C1", "0.1")
    await desk.store.write(by_writer(doing(f"UPDATE threads SET {gone} WHERE channel = 'C1'")), None)
    assert (await card(desk, "C2")).before is None


async def test_a_root_that_is_posted_during_a_stop_on_another_line_says_so_afterwards(desk: Desk) -> None:
    asked = said(desk, "A table?")
    await desk.store.write(take_many, replace(asked, said=replace(asked.said, line=OTHER_LINE), inbox="C0OTHER"))
    [(_, thread)] = await desk.threads(interval=AT_ONCE)
    await desk.store.write(take_many, said(desk, "STOP"))
    stands = thread.opened(thread.channel, "1.1", shown_rev=thread.rev)
    assert await desk.store.write(finish_threads, Outcome(stands))
    desk.clock.now += SECOND
    claimed = await desk.threads(interval=AT_ONCE) + await desk.threads(interval=AT_ONCE)
    [again] = [thread for step, thread in claimed if step is Step.EDIT]
    assert again.card is not None
    assert again.card.opted_out


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_the_roots_beside_one_are_found_without_reading_the_texts_in_its_thread(desk: Desk) -> None:
    """There may be thousands of them, each a row of `threads`."""

    def ways(tx: SqliteTransaction) -> list[str]:
        steps = tx._cursor.execute(f"EXPLAIN QUERY PLAN {_CARDS.sqlite}", {"ids": "[]"})
        return [step[-1] for step in steps if " beside " in step[-1]]

    found = await desk.store.read(ways)
    current = [way for way in found if way.endswith("(id=?)")]
    beside = [way for way in found if "INDEX threads_roots" in way]
    assert (len(current), len(beside), len(found)) == (1, 2, 3), found


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
class TestAtTheSameMoment:
    @pytest.mark.parametrize("called", ["", "U1"])
    async def test_two_messages_of_a_burst_call_once(self, desk: Desk, database_url: str, called: str) -> None:
        """called: by the first, nobody, as it opens a thread and is seen there, or who wrote in one that stands."""
        if called:
            await texts(desk, "U1", "C1")
            await opened(desk)
        one, two = said(desk, "One"), said(desk, "Two")
        at_once(desk, database_url, lambda tx: take_many(tx, [one]), lambda tx: take_many(tx, [two]))
        calls = await desk.store.read(asking("SELECT calls FROM messages WHERE direction = 'in' ORDER BY seq"))
        assert [row[0] for row in calls] == [called, ""]

    async def test_messages_of_two_customers_do_not_wait_for_each_other(self, desk: Desk, database_url: str) -> None:
        one, two, three = (
            replace(one, by_webhook=True, said=replace(one.said, customer=f"+1415555000{number}"))
            for number in range(3)
            for one in [said(desk)]
        )
        await desk.store.write(take_many, one)
        waited = []

        def later(tx: Transaction) -> list[bool]:
            began = time.monotonic()
            taken = take_many(tx, [three])
            waited.append(time.monotonic() - began)
            return taken

        at_once(desk, database_url, lambda tx: take_many(tx, [two]), later)
        assert waited[0] < 0.4  # the first holds what it holds for half a second


async def root_in(desk: Desk, channel: str) -> Thread:
    """Text the customer; return the root that is to be opened."""
    await desk.accept(channel, customer=CUSTOMER)
    [root] = [thread for step, thread in await desk.threads() if step is Step.OPEN]
    return root


async def rev_of(desk: Desk, thread: Thread) -> int:
    [[rev]] = await desk.store.read(asking("SELECT rev FROM threads WHERE id = :id", id=thread.id))
    return int(rev)


async def test_a_root_that_moved_keeps_no_news_of_other_threads_from_the_roots_around_it(desk: Desk) -> None:
    first = (await root_in(desk, "C1")).opened("C1", "1.1", shown_rev=0)
    await desk.store.write(finish_threads, Outcome(first))
    moved = (await root_in(desk, "C2")).moved_to_author().opened("D1", "2.1", shown_rev=0)
    await desk.store.write(finish_threads, Outcome(moved))
    before = await rev_of(desk, moved)
    await desk.store.write(finish_threads, Outcome(first, shared=True))
    assert await rev_of(desk, moved) > before
    third, before = (await root_in(desk, "C3")).opened("C3", "3.1", shown_rev=0), await rev_of(desk, first)
    await desk.store.write(finish_threads, Outcome(third, shared=True))
    assert await rev_of(desk, first) > before
