"""In one conversation texts leave in the order they were accepted, and nothing that went wrong gags the others."""

import asyncio
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from bot.domain.delivery import Delivery, HandleFrom, News
from bot.domain.known import Report
from bot.domain.message import Origin
from bot.domain.send import Send
from bot.domain.thread import Step
from bot.storage.claims import Capacity
from bot.storage.database import open_database
from bot.storage.decisions import NewDecision, decide_many
from bot.storage.engine import Transaction
from bot.storage.forgetting import forget_many
from bot.storage.intake import Taken, accept_many
from bot.storage.postponing import BusyLine, Release, release_sends, tell_of_busy_lines
from bot.storage.reports import Heard, apply_many
from bot.storage.sends import claim_sends
from bot.storage.store import Store
from bot.storage.threads import Outcome, claim_threads, finish_threads
from tests.conftest import CUSTOMER, LINE
from tests.making import a_new_message, a_send
from tests.statements import asking
from tests.storage.desk import LEASE, SECOND, Desk, Hand

NOW = timedelta(0)  # between two uses of a slot


async def opened(desk: Desk, count: int = 10) -> None:
    """Open what is to be opened, channel by channel."""
    for step, thread in sorted(await desk.threads(count, interval=NOW), key=lambda task: task[1].channel):
        if step is Step.OPEN:
            await desk.open(thread)


async def leaving(desk: Desk) -> list[UUID]:
    """Return what leaves now."""
    return [send.id for send in await desk.sends(interval=NOW)]


async def taken(desk: Desk, send_id: UUID) -> Send:
    return await desk.hear(send_id, Delivery.QUEUED, handle=str(send_id))


async def at_once(
    desk: Desk, url: str, earlier: Callable[[Transaction], object], later: Callable[[Transaction], object]
) -> float:
    """Do both in a process of its own, the later while the earlier is not stored; return how long the later took."""
    done, begun = threading.Event(), threading.Event()

    def slowly(tx: Transaction) -> None:
        earlier(tx)
        asking("SELECT 1 AS one")(tx)  # all of it is done
        done.set()
        begun.wait(10)
        time.sleep(0.5)  # so that the other has come as far as it can

    def meanwhile(tx: Transaction) -> float:
        begun.set()
        started = time.monotonic()
        later(tx)
        asking("SELECT 1 AS one")(tx)
        return time.monotonic() - started

    one, other = open_database(url, desk.clock), open_database(url, desk.clock)
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(one.write, slowly)
        assert await asyncio.to_thread(done.wait, 10)
        quick = pool.submit(other.write, meanwhile)
        await asyncio.to_thread(slow.result, 20)
        took = await asyncio.to_thread(quick.result, 20)
    one.close()
    other.close()
    return took


on_postgresql = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)


async def test_a_text_leaves_once_the_one_before_it_was_taken(desk: Desk) -> None:
    [first], [second] = [await desk.accept(channel, customer=CUSTOMER) for channel in ("C1", "C2")]
    await opened(desk)
    assert await leaving(desk) == [first]
    assert await leaving(desk) == []
    await taken(desk, first)
    assert await leaving(desk) == [second]


async def test_texts_to_others_do_not_wait(desk: Desk) -> None:
    [first], [second] = [await desk.accept(channel) for channel in ("C1", "C2")]
    await opened(desk)
    assert {*await leaving(desk), *await leaving(desk)} == {first, second}


async def test_a_text_waits_for_one_whose_thread_is_not_open_yet(desk: Desk) -> None:
    [first], [second] = [await desk.accept(channel, customer=CUSTOMER) for channel in ("C1", "C2")]
    tasks = {thread.channel: thread for _, thread in await desk.threads()}
    await desk.open(tasks["C2"])
    assert await leaving(desk) == []
    await desk.open(tasks["C1"])
    assert await leaving(desk) == [first]
    await taken(desk, first)
    assert await leaving(desk) == [second]


async def test_a_text_whose_thread_can_never_be_opened_holds_up_no_other(desk: Desk) -> None:
    [first], [second] = [await desk.accept(channel, customer=CUSTOMER) for channel in ("C1", "C2")]
    tasks = {thread.channel: thread for _, thread in await desk.threads()}
    await desk.open(tasks["C2"])
    await desk.hear(first, Delivery.FAILED, error_code="is_archived")
    assert await leaving(desk) == [second]


async def test_a_text_waits_for_one_that_is_tried_again(desk: Desk) -> None:
    [first], [second] = [await desk.accept(channel, customer=CUSTOMER) for channel in ("C1", "C2")]
    await opened(desk)
    [send] = await desk.sends()
    await desk.store.write(release_sends, Release(send, 5 * SECOND))
    desk.clock.now += 4 * SECOND
    assert await leaving(desk) == []
    desk.clock.now += SECOND
    assert await leaving(desk) == [first]
    await taken(desk, first)
    assert await leaving(desk) == [second]


@pytest.mark.parametrize("end", [Delivery.FAILED, Delivery.UNCERTAIN])
async def test_a_failure_and_a_doubt_gag_nobody(desk: Desk, end: Delivery) -> None:
    [first], [second] = [await desk.accept(channel, customer=CUSTOMER) for channel in ("C1", "C2")]
    await opened(desk)
    assert await leaving(desk) == [first]
    await desk.hear(first, end)
    assert await leaving(desk) == [second]


async def test_parts_behind_a_doubt_let_others_pass_and_are_offered_again(desk: Desk) -> None:
    first, second, third = await desk.accept("C1", parts=3, customer=CUSTOMER)
    [later] = await desk.accept("C2", customer=CUSTOMER)
    await opened(desk)
    assert await leaving(desk) == [first]
    await desk.hear(first, Delivery.UNCERTAIN)
    assert await leaving(desk) == [later]
    await taken(desk, later)
    await taken(desk, first)
    assert await leaving(desk) == []
    [(step, thread)] = [(s, t) for s, t in await desk.threads(interval=NOW) if t.channel == "C1"]
    told = {send.id: (send.telling.under_way, send.known.error_code) for send in thread.sends}
    assert step is Step.REPLY
    assert (told[second], told[third]) == ((News.FAILED, "overtaken"), (News.FAILED, "overtaken"))


@pytest.mark.parametrize("refused", [{}, {"handle": "h", "handle_from": HandleFrom.REFUSAL}])
async def test_a_later_text_that_was_refused_or_turned_away_has_overtaken_nobody(
    desk: Desk, refused: dict[str, Any]
) -> None:
    first, second = await desk.accept("C1", parts=2, customer=CUSTOMER)
    [later], [last] = [await desk.accept(channel, customer=CUSTOMER) for channel in ("C2", "C3")]
    await opened(desk)
    assert await leaving(desk) == [first]
    await desk.hear(first, Delivery.UNCERTAIN)
    assert await leaving(desk) == [later]
    await desk.hear(later, Delivery.FAILED, **refused)
    [send] = await desk.sends(interval=NOW)
    assert send.id == last
    await desk.store.write(release_sends, Release(send, SECOND))
    settled = await taken(desk, first)
    assert settled.known.delivery is Delivery.QUEUED
    [stands] = await desk.store.read(asking("SELECT delivery, parked FROM sends WHERE id = :id", id=second))
    assert tuple(stands) == (Delivery.ACCEPTED, False)


async def test_parts_behind_a_doubt_leave_once_it_is_settled_if_nothing_left_meanwhile(desk: Desk) -> None:
    first, second, third = await desk.accept("C1", parts=3, customer=CUSTOMER)
    await opened(desk)
    assert await leaving(desk) == [first]
    await desk.hear(first, Delivery.UNCERTAIN)
    assert await leaving(desk) == []
    await taken(desk, first)
    assert await leaving(desk) == [second]
    await taken(desk, second)
    assert await leaving(desk) == [third]


async def test_a_text_sent_again_waits_for_the_one_that_is_leaving_and_frees_its_parts(desk: Desk) -> None:
    first, second = await desk.accept("C1", parts=2, customer=CUSTOMER)
    [later] = await desk.accept("C2", customer=CUSTOMER)
    await opened(desk)
    assert await leaving(desk) == [first]
    await desk.hear(first, Delivery.UNCERTAIN)
    assert await leaving(desk) == [later]
    again = uuid4()
    assert await desk.store.write(decide_many, NewDecision(first, "resend", "U1", again))
    assert await leaving(desk) == []
    await desk.hear(later, Delivery.FAILED, handle="later")
    assert await leaving(desk) == [again]
    await taken(desk, again)
    assert (await desk.hear(second, Delivery.QUEUED)).known.error_code == "overtaken"


async def test_a_replay_changes_no_order(desk: Desk) -> None:
    [first] = await desk.accept("C1", customer=CUSTOMER)
    desk.number -= 1
    with pytest.raises(AssertionError):  # it is not new
        await desk.accept("C1", customer=CUSTOMER)
    [second] = await desk.accept("C2", customer=CUSTOMER)
    await opened(desk)
    assert await leaving(desk) == [first]
    await taken(desk, first)
    assert await leaving(desk) == [second]


@on_postgresql
@pytest.mark.parametrize("earlier", ["taken", "opened"])
async def test_of_two_processes_that_change_a_conversation_the_later_lets_out(
    desk: Desk, database_url: str, earlier: str
) -> None:
    """The first text is taken by one, the thread of the second is opened by the other: each before both are stored."""
    [first], [second] = [await desk.accept(channel, customer=CUSTOMER) for channel in ("C1", "C2")]
    threads = {thread.channel: thread for _, thread in await desk.threads()}
    await desk.open(threads["C1"])
    assert await leaving(desk) == [first]
    report = Report("callback", desk.clock(), Delivery.QUEUED, handle="h")
    works: dict[str, Callable[[Transaction], object]] = {
        "taken": lambda tx: apply_many(tx, [Heard(first, report, SECOND)]),
        "opened": lambda tx: list(finish_threads(tx, [Outcome(threads["C2"].opened("C2", "2.2", shown_rev=0))])),
    }
    await at_once(desk, database_url, works.pop(earlier), *works.values())
    assert await leaving(desk) == [second]


async def test_what_several_processes_do_at_once_leaves_in_order_and_to_the_last(desk: Desk, database_url: str) -> None:
    """Two accept, open, send and hear at the same time, as they do on PostgreSQL; one does on SQLite."""
    desks = [desk]
    if not desk.store._database.one_process:
        store = Store(open_database(database_url, Hand()))
        await store.open()
        desks.append(Desk(store, desk.clock, number=50))
    customers = [f"+1415555267{digit}" for digit in range(3)]
    left: dict[UUID, int] = {}

    async def work(mine: Desk, dice: random.Random) -> None:
        for _ in range(12):
            await mine.accept(f"C{dice.randrange(4)}", parts=dice.choice((1, 2)), customer=dice.choice(customers))
            await opened(mine)
        for _ in range(200):
            await opened(mine)
            for send in (await mine.store.write(claim_sends, Capacity(10, LEASE, NOW))).items:
                left[send.id] = len(left)
                end = dice.choice((Delivery.QUEUED, Delivery.QUEUED, Delivery.FAILED, Delivery.UNCERTAIN))
                await mine.hear(send.id, end, handle=str(send.id) if end is Delivery.QUEUED else None)

    await asyncio.gather(*(work(each, random.Random(seed)) for seed, each in enumerate(desks)))
    rows = await desk.store.read(
        asking("SELECT id, conversation_id, seq, part, delivery, parked FROM sends ORDER BY seq, part")
    )
    assert not [row for row in rows if row.delivery == 0 and not row.parked], "it waits though nothing is before it"
    by_conversation: dict[UUID, list[int]] = {}
    for row in rows:
        if row.id in left:
            by_conversation.setdefault(row.conversation_id, []).append(left[row.id])
    assert all(order == sorted(order) for order in by_conversation.values())
    assert len(by_conversation) == len(customers)
    for other in desks[1:]:
        await other.store.close()


@on_postgresql
async def test_a_text_that_was_locked_by_who_told_of_a_busy_line_is_let_out(desk: Desk, database_url: str) -> None:
    [first], [second] = [await desk.accept(channel, customer=CUSTOMER) for channel in ("C1", "C2")]
    await opened(desk)
    assert await leaving(desk) == [first]
    busy, report = BusyLine(LINE, SECOND, "busy"), Report("callback", desk.clock(), Delivery.QUEUED)
    await at_once(
        desk,
        database_url,
        lambda tx: tell_of_busy_lines(tx, [busy]),
        lambda tx: apply_many(tx, [Heard(first, report, SECOND)]),
    )
    assert await leaving(desk) == [second]


async def quiet(desk: Desk) -> None:
    """Say all there is to say."""
    while tasks := await desk.threads(interval=NOW):
        for step, thread in tasks:
            await desk.store.write(finish_threads, Outcome(thread.replied() if step is Step.REPLY else thread.edited()))


async def delivered_long_ago(desk: Desk) -> None:
    """Have a text be over for a hundred seconds, and all said about it."""
    [first] = await desk.accept(customer=CUSTOMER)
    await opened(desk)
    assert await leaving(desk) == [first]
    await desk.hear(first, Delivery.DELIVERED)
    await quiet(desk)
    desk.clock.now += 100 * SECOND


@on_postgresql
async def test_a_conversation_that_gets_a_text_while_it_is_forgotten_keeps_its_number(
    desk: Desk, database_url: str
) -> None:
    await delivered_long_ago(desk)
    thread_id, now = uuid4(), desk.clock()
    texts = (a_send(uuid4(), thread_id, CUSTOMER, LINE, "Hi", now, now),)
    new = a_new_message(Origin("another key", "T1", "C2", "U1"), *texts)
    await at_once(desk, database_url, lambda tx: accept_many(tx, [new]), lambda tx: forget_many(tx, [50 * SECOND]))
    assert await desk.store.read(asking("SELECT customer FROM conversations")) == [(CUSTOMER,)]


async def test_a_replay_of_what_was_forgotten_brings_no_number_back(desk: Desk) -> None:
    await delivered_long_ago(desk)
    assert await desk.store.write(forget_many, SECOND) == 1
    desk.number -= 1
    with pytest.raises(AssertionError):  # it is not new
        await desk.accept(customer=CUSTOMER)
    assert await desk.store.read(asking("SELECT customer FROM conversations")) == [("",)]


@on_postgresql
@pytest.mark.parametrize("held", ["conversation", "replay"])
async def test_nobody_waits_for_a_conversation_who_does_not_change_it(desk: Desk, database_url: str, held: str) -> None:
    """A claim writes twice to its thread, so its reference is checked; a replay meets a thread that is changed."""
    [_], [_] = [await desk.accept(channel, customer=CUSTOMER) for channel in ("C1", "C2")]
    threads = {thread.channel: thread for _, thread in await desk.threads(interval=NOW)}
    await desk.accept("C3", customer=CUSTOMER)

    def finishing(tx: Transaction) -> None:
        list(finish_threads(tx, [Outcome(threads["C2"].opened("C2", "2.2", shown_rev=0))]))

    def replaying(tx: Transaction) -> None:
        texts = (a_send(uuid4(), threads["C2"].id, CUSTOMER, LINE, "Hi", desk.clock(), desk.clock()),)
        new = a_new_message(Origin("key 2", "T1", "C2", "U1"), *texts)
        assert [one.taken for one in accept_many(tx, [new])] == [Taken.KNOWN]

    def claiming(tx: Transaction) -> None:
        assert claim_threads(tx, [Capacity(1, LEASE)])[0].items

    assert await at_once(desk, database_url, finishing, claiming if held == "conversation" else replaying) < 0.4


async def test_a_text_sent_again_in_a_closed_thread_leaves(desk: Desk) -> None:
    [first] = await desk.accept(customer=CUSTOMER)
    await opened(desk)
    assert await leaving(desk) == [first]
    await desk.hear(first, Delivery.FAILED)
    [(_, thread)] = await desk.threads(interval=NOW)
    await desk.store.write(finish_threads, Outcome(thread.moved_to_author()))
    [(step, thread)] = await desk.threads(interval=NOW)
    assert step is Step.OPEN
    await desk.store.write(finish_threads, Outcome(thread.closed_for("user_disabled")))
    again = uuid4()
    assert await desk.store.write(decide_many, NewDecision(first, "resend", "U1", again))
    assert await leaving(desk) == [again]


@pytest.mark.parametrize("order", [1, -1])
async def test_a_failure_counts_most_of_what_is_heard_of_two_parts_at_once(desk: Desk, order: int) -> None:
    first, second, third = await desk.accept(parts=3, customer=CUSTOMER)
    await opened(desk)
    assert await leaving(desk) == [first]
    await taken(desk, first)
    assert await leaving(desk) == [second]
    now = desk.clock()
    heard = [(first, Report("callback", now, Delivery.FAILED)), (second, Report("send", now, Delivery.UNCERTAIN))]
    items = [Heard(send_id, report, SECOND) for send_id, report in heard[::order]]
    await desk.store.write(lambda tx, _: [apply_many(tx, items)], None)
    assert (await desk.hear(third, Delivery.QUEUED)).known.error_code == "earlier_part_failed"


async def test_what_becomes_of_a_text_that_was_sent_again_stops_no_parts(desk: Desk) -> None:
    first, second = await desk.accept(parts=2, customer=CUSTOMER)
    await opened(desk)
    assert await leaving(desk) == [first]
    await desk.hear(first, Delivery.UNCERTAIN)
    again = uuid4()
    assert await desk.store.write(decide_many, NewDecision(first, "resend", "U1", again))
    assert await leaving(desk) == [again]
    await taken(desk, again)
    await desk.hear(first, Delivery.FAILED)
    assert await leaving(desk) == [second]
