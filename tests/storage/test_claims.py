"""Claims: one at a time per slot, for a lease, and only the holder may finish."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from bot.domain.delivery import Delivery, HandleFrom, News, Service
from bot.domain.known import Report
from bot.domain.thread import UNKNOWN, Step
from bot.storage.backlog import backlog
from bot.storage.claims import Capacity
from bot.storage.pacing import free_from
from bot.storage.polls import PollCapacity
from bot.storage.postponing import BusyLine, Release, end_leases, release_sends, tell_of_busy_lines
from bot.storage.reports import Heard, apply_many
from bot.storage.sends import SENDS, claim_sends
from bot.storage.sqlite import SqliteTransaction
from bot.storage.threads import EDITS, STEPS, Outcome, claim_threads, finish_and_claim, finish_threads
from tests.conftest import LINE
from tests.statements import asking
from tests.storage.desk import LEASE, SECOND, Desk


async def test_one_post_per_channel_and_interval(desk: Desk) -> None:
    for channel in ("C1", "C1", "C2"):
        await desk.accept(channel)
    assert sorted(thread.channel for _, thread in await desk.threads()) == ["C1", "C2"]
    assert await desk.threads() == []
    desk.clock.now += SECOND
    assert [thread.channel for _, thread in await desk.threads()] == ["C1"]


async def test_the_claim_says_when_to_ask_again(desk: Desk) -> None:
    await desk.accept("C1")
    await desk.accept("C1")
    claimed = await desk.store.write(claim_threads, Capacity(10, LEASE, SECOND))
    assert claimed.soonest == desk.clock() + SECOND


async def test_a_claim_comes_back_after_its_lease_as_something_to_look_for(desk: Desk) -> None:
    await desk.accept()
    assert [step for step, _ in await desk.threads()] == [Step.OPEN]
    desk.clock.now += LEASE
    assert [step for step, _ in await desk.threads()] == [Step.LOOK]


async def test_whoever_slept_past_the_lease_cannot_finish(desk: Desk) -> None:
    await desk.accept()
    [(_, sleeper)] = await desk.threads()
    desk.clock.now += LEASE
    [(_, holder)] = await desk.threads()
    assert not await desk.open(sleeper)
    assert await desk.open(holder)


async def test_nothing_is_sent_before_its_thread_is_open(desk: Desk) -> None:
    await desk.accept()
    assert await desk.sends() == []
    [(_, thread)] = await desk.threads()
    assert await desk.sends() == []
    await desk.open(thread)
    assert len(await desk.sends()) == 1


async def test_one_text_per_line_and_interval(desk: Desk) -> None:
    for channel, line in (("C1", LINE), ("C2", LINE), ("C3", "+15550100901")):
        await desk.accept(channel, line)
    for _, thread in await desk.threads():
        await desk.open(thread)
    assert len(await desk.sends()) == 2
    desk.clock.now += SECOND
    assert len(await desk.sends()) == 1


async def test_parts_go_out_one_after_the_other(desk: Desk) -> None:
    first, second, third = await desk.accept(parts=3)
    [(_, thread)] = await desk.threads()
    await desk.open(thread)
    for part in (first, second, third):
        assert [send.id for send in await desk.sends()] == [part]
        desk.clock.now += SECOND
        assert await desk.sends() == []
        await desk.hear(part, Delivery.QUEUED, handle=str(part))


async def test_a_failed_part_fails_those_after_it(desk: Desk) -> None:
    first, second, third = await desk.accept(parts=3)
    [(_, thread)] = await desk.threads()
    await desk.open(thread)
    await desk.sends()
    await desk.hear(first, Delivery.FAILED, error_code="4000")
    for part in (second, third):
        assert (await desk.hear(part, Delivery.QUEUED)).known.delivery is Delivery.FAILED


async def test_an_abandoned_send_is_reported_and_never_claimed_again(desk: Desk) -> None:
    [send_id] = await desk.accept()
    [(_, thread)] = await desk.threads()
    await desk.open(thread)
    await desk.sends()
    desk.clock.now += LEASE
    claimed = await desk.store.write(claim_sends, Capacity(10, LEASE, SECOND))
    assert (claimed.items, claimed.abandoned) == ([], [send_id])


async def test_a_released_send_waits_and_its_line_with_it(desk: Desk) -> None:
    await desk.accept("C1")
    await desk.accept("C2")
    for _, thread in await desk.threads():
        await desk.open(thread)
    [send] = await desk.sends()
    assert await desk.store.write(release_sends, Release(send, 5 * SECOND, 5 * SECOND))
    desk.clock.now += SECOND
    assert await desk.sends() == []
    desk.clock.now += 4 * SECOND
    [again] = await desk.sends()
    assert again.schedule.attempts in (1, 2)


async def _turned_away(desk: Desk, channel: str, *, wait: timedelta, why: str = "http_429") -> UUID:
    """A text on the only line that Sendblue did not take, while its thread stands open."""
    [send_id] = await desk.accept(channel)
    [(_, thread)] = await desk.threads()
    await desk.open(thread)
    [send] = await desk.sends()
    assert await desk.store.write(release_sends, Release(send, wait, None, why))
    return send_id


async def test_when_a_line_is_free_again_the_others_on_it_do_not_sleep_on(desk: Desk) -> None:
    waiting = await _turned_away(desk, "C1", wait=60 * SECOND)
    desk.clock.now += 6 * SECOND
    [taken] = await desk.accept("C2")
    [(_, thread)] = [found for found in await desk.threads() if found[1].channel == "C2"]
    await desk.open(thread)
    [sent] = await desk.sends()
    assert sent.id == taken
    await desk.hear(taken, Delivery.QUEUED, handle="h")
    desk.clock.now += SECOND
    assert [send.id for send in await desk.sends()] == [waiting]


async def test_a_text_that_was_turned_away_a_moment_ago_or_often_keeps_its_wait(desk: Desk) -> None:
    """A limit of its own customer may hold it, not the line: it must not use up its tries and the line's slots."""
    await _turned_away(desk, "C1", wait=60 * SECOND)
    [taken] = await desk.accept("C2")
    desk.clock.now += SECOND
    [(_, thread)] = [found for found in await desk.threads() if found[1].channel == "C2"]
    await desk.open(thread)
    await desk.sends()
    await desk.hear(taken, Delivery.QUEUED, handle="h")
    desk.clock.now += SECOND
    assert await desk.sends() == []


async def test_the_root_of_a_text_that_waits_and_of_those_behind_it_are_edited(desk: Desk) -> None:
    waiting = await _turned_away(desk, "C1", wait=30 * SECOND)
    [behind] = await desk.accept("C2")
    tasks = await desk.threads()
    for step, thread in tasks:
        if step is Step.OPEN:
            await desk.open(thread)
    assert [thread.lead.id for step, thread in tasks if step is Step.EDIT] == [waiting]
    await desk.store.write(tell_of_busy_lines, BusyLine(LINE, 30 * SECOND, "line_busy"))
    desk.clock.now += SECOND
    edits = [thread.lead for step, thread in await desk.threads() if step is Step.EDIT]
    assert [(send.id, send.known.error_code) for send in edits] == [(behind, "line_busy")]


async def _in_doubt(desk: Desk, channel: str) -> UUID:
    [send_id] = await desk.accept(channel)
    [thread] = [thread for step, thread in await desk.threads(interval=timedelta(0)) if step is Step.OPEN]
    await desk.open(thread)
    await desk.sends(interval=timedelta(0))
    await desk.hear(send_id, Delivery.UNCERTAIN)
    return send_id


async def test_a_report_on_its_own_address_beats_what_the_list_suggested(desk: Desk) -> None:
    send_id = await _in_doubt(desk, "C1")
    await desk.hear(send_id, Delivery.DELIVERED, handle="another's", handle_from=HandleFrom.LIST)
    own = await desk.hear(send_id, Delivery.FAILED, handle="its own", handle_from=HandleFrom.OWN, error_code="4002")
    assert (own.known.delivery, own.known.handle, own.known.error_code) == (Delivery.FAILED, "its own", "4002")
    assert own.known.handle_from is HandleFrom.CORRECTED
    assert own.news is News.FAILED
    late = await desk.hear(send_id, Delivery.READ, handle="another's", handle_from=HandleFrom.LIST)
    assert (late.known.delivery, late.known.handle) == (Delivery.FAILED, "its own")


async def test_whoever_got_a_handle_from_the_list_gives_it_up_to_its_owner(desk: Desk) -> None:
    first, second = await _in_doubt(desk, "C1"), await _in_doubt(desk, "C2")
    await desk.hear(second, Delivery.DELIVERED, handle="the first's", handle_from=HandleFrom.LIST)
    owner = await desk.hear(first, Delivery.SENT, handle="the first's", handle_from=HandleFrom.OWN)
    assert (owner.known.delivery, owner.known.handle) == (Delivery.SENT, "the first's")
    again = await desk.hear(second, Delivery.SENT, handle="the second's", handle_from=HandleFrom.LIST)
    assert (again.known.delivery, again.known.handle, again.news) == (Delivery.SENT, "the second's", News.SENT)


@pytest.mark.parametrize("source", [HandleFrom.LIST, HandleFrom.NOWHERE])
async def test_what_came_on_its_own_address_is_kept_whatever_else_is_said(desk: Desk, source: HandleFrom) -> None:
    send_id = await _in_doubt(desk, "C1")
    await desk.hear(send_id, Delivery.SENT, handle="its own", handle_from=HandleFrom.OWN)
    kept = await desk.hear(send_id, Delivery.READ, handle="another's", handle_from=source)
    assert (kept.known.delivery, kept.known.handle) == (Delivery.SENT, "its own")


async def test_reports_that_teach_nothing_neither_keep_us_from_asking_nor_fill_the_disk(desk: Desk) -> None:
    [send_id] = await desk.accept()
    [(_, thread)] = await desk.threads()
    await desk.open(thread)
    await desk.sends()
    await desk.hear(send_id, Delivery.QUEUED, handle="h")
    for number in range(260):
        desk.clock.now += SECOND
        report = Report("callback", desk.clock(), None if number % 2 else Delivery.QUEUED, f"WORD {number}", "h")
        await desk.store.write(apply_many, Heard(send_id, report, timedelta(seconds=120)))
    asked = await desk.polls(PollCapacity("polls", 10, lambda _: 120 * SECOND))
    assert [send.id for send in asked] == [send_id]
    [[kept]] = await desk.store.read(asking("SELECT count(*) FROM reports"))
    assert 200 <= kept <= 202


async def test_a_send_that_was_reported_meanwhile_cannot_be_released(desk: Desk) -> None:
    await desk.accept()
    [(_, thread)] = await desk.threads()
    await desk.open(thread)
    [send] = await desk.sends()
    await desk.hear(send.id, Delivery.QUEUED, handle="h")
    assert not await desk.store.write(release_sends, Release(send, timedelta(0)))
    assert await desk.sends() == []


async def test_news_that_comes_while_a_reply_is_posted_is_told_next(desk: Desk) -> None:
    [send_id] = await desk.accept()
    [(_, thread)] = await desk.threads(interval=timedelta(0))
    await desk.open(thread)
    await desk.hear(send_id, Delivery.SENT, handle="h")
    [(step, thread)] = await desk.threads(interval=timedelta(0))
    assert (step, thread.lead.telling.under_way) == (Step.REPLY, News.SENT)
    await desk.hear(send_id, Delivery.DELIVERED, handle="h", service=Service.IMESSAGE)
    await desk.store.write(finish_threads, Outcome(thread.replied()))
    [(step, thread)] = await desk.threads(interval=timedelta(0))
    assert (step, thread.lead.telling.under_way, thread.lead.telling.told) == (Step.REPLY, News.DELIVERED, News.SENT)


async def test_closed_edits_hold_no_reply_up(desk: Desk) -> None:
    [send_id] = await desk.accept()
    [(_, thread)] = await desk.threads(interval=timedelta(0))
    closed = (EDITS, 30 * SECOND)
    opened = thread.opened("C1", "1.1", shown_rev=UNKNOWN)
    await desk.store.write(finish_threads, Outcome(opened, closed_slot=closed))
    assert await desk.threads(interval=timedelta(0)) == []
    await desk.hear(send_id, Delivery.SENT, handle="h")
    assert [step for step, _ in await desk.threads(interval=timedelta(0))] == [Step.REPLY]


async def _with_news(desk: Desk, channel: str, delivery: Delivery = Delivery.DELIVERED) -> UUID:
    [send_id] = await desk.accept(channel)
    [thread] = [thread for step, thread in await desk.threads() if step is Step.OPEN]
    await desk.open(thread)
    await desk.hear(send_id, delivery, handle=channel)
    desk.clock.now += SECOND
    return send_id


async def test_one_reply_takes_the_slot_of_edits_along_unless_a_root_waits_for_it(desk: Desk) -> None:
    await _with_news(desk, "C1")
    claimed = (await desk.store.write(claim_threads, Capacity(10, LEASE, SECOND))).items
    assert [(task.step, task.edits) for task in claimed] == [(Step.REPLY, desk.clock() + SECOND)]
    await desk.store.write(finish_threads, Outcome(claimed[0].thread.replied()))  # the root was not edited after all
    await _with_news(desk, "C2")
    claimed = (await desk.store.write(claim_threads, Capacity(10, LEASE, SECOND))).items
    assert sorted((task.step.name, bool(task.edits)) for task in claimed) == [("EDIT", False), ("REPLY", False)]


async def test_only_a_reply_takes_the_slot_of_edits_along(desk: Desk) -> None:
    await desk.accept("C1")
    [task] = (await desk.store.write(claim_threads, Capacity(10, LEASE, SECOND))).items
    assert (task.step, task.edits) == (Step.OPEN, None)
    assert await desk.store.read(lambda tx: free_from(tx, EDITS)) is None
    await desk.store.write(finish_threads, Outcome(task.thread.opened("C1", "1.1", shown_rev=0)))
    await desk.hear(task.thread.lead.id, Delivery.SENT, handle="h")
    desk.clock.now += SECOND
    [task] = (await desk.store.write(claim_threads, Capacity(10, LEASE, SECOND))).items
    await desk.store.write(finish_threads, Outcome(task.thread.unanswered(Step.REPLY)))
    desk.clock.now += 60 * SECOND
    [task] = (await desk.store.write(claim_threads, Capacity(10, LEASE, SECOND))).items
    assert (task.step, task.edits) == (Step.LOOK, None)


async def test_sent_waits_for_delivered_and_for_nothing_else(desk: Desk) -> None:
    [send_id] = await desk.accept("C1")
    [(_, thread)] = await desk.threads()
    await desk.open(thread)
    desk.clock.now += SECOND

    async def heard(delivery: Delivery, service: Service = Service.UNKNOWN) -> None:
        report = Report("callback", desk.clock(), delivery, delivery.name, "h", service)
        await desk.store.write(apply_many, Heard(send_id, report, 120 * SECOND, 2 * SECOND))

    await heard(Delivery.SENT)
    claimed = await desk.store.write(claim_threads, Capacity(10, LEASE, SECOND))
    assert (claimed.items, claimed.soonest) == ([], desk.clock() + 2 * SECOND)
    desk.clock.now += SECOND
    await heard(Delivery.DELIVERED)
    [(step, thread)] = await desk.threads()
    assert (step, thread.lead.telling.under_way) == (Step.REPLY, News.DELIVERED)
    await heard(Delivery.READ)  # somebody holds the thread: a lease is not cut short
    assert await desk.threads() == []


async def test_an_sms_waits_for_nothing(desk: Desk) -> None:
    [send_id] = await desk.accept("C1")
    [(_, thread)] = await desk.threads()
    await desk.open(thread)
    desk.clock.now += SECOND
    report = Report("callback", desk.clock(), Delivery.SENT, "SENT", "h", Service.SMS)
    await desk.store.write(apply_many, Heard(send_id, report, 120 * SECOND, 2 * SECOND))
    assert [step for step, _ in await desk.threads()] == [Step.REPLY]


async def test_what_opens_a_thread_takes_what_may_be_sent_with_it(desk: Desk) -> None:
    [first], [second] = await desk.accept("C1"), await desk.accept("C2")
    threads = [thread for _, thread in await desk.threads()]
    opened = [Outcome(thread.opened(thread.channel, "1.1", shown_rev=0)) for thread in threads]
    results = [await desk.store.write(finish_and_claim, (one, Capacity(10, LEASE, SECOND))) for one in opened]
    assert [(held, len(claimed.items)) for held, claimed in results] == [(True, 1), (True, 0)]
    assert results[0][1].items[0].id in (first, second)
    assert not (await desk.store.write(finish_and_claim, (opened[0], Capacity(10, LEASE, SECOND))))[1].items


async def test_edits_take_turns_in_the_whole_workspace(desk: Desk) -> None:
    for channel in ("C1", "C2"):
        await desk.accept(channel)
    for _, thread in await desk.threads():
        opened = thread.opened(thread.channel, "1.1", shown_rev=UNKNOWN)
        await desk.store.write(finish_threads, Outcome(opened))
    [(step, first)] = await desk.threads()
    assert step is Step.EDIT
    assert await desk.threads() == []
    desk.clock.now += SECOND
    [(step, second)] = await desk.threads()
    assert (step, first.channel != second.channel) == (Step.EDIT, True)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_the_first_of_each_queue_is_found_in_its_own_index(desk: Desk) -> None:
    """SQLite chooses by rule, not by what is stored: were all due threads in one index, it would look through all."""

    def plans(tx: SqliteTransaction) -> list[list[str]]:
        asked = [f"EXPLAIN QUERY PLAN {queue._heads.sqlite}" for queue in (STEPS, SENDS)]
        return [[row[-1] for row in tx._cursor.execute(one)] for one in asked]

    for table, plan in zip(("threads", "sends"), await desk.store.read(plans), strict=True):
        ways = [line for line in plan if f" {table} " in line]
        assert len(ways) == 3, plan
        assert all(f"INDEX {table}_queues" in line or "INDEX sqlite_autoindex" in line for line in ways), ways


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_news_without_a_new_handle_leaves_the_index_of_handles_alone(desk: Desk) -> None:
    """SQLite writes into the index of a column that is set, even to what it was."""
    [send_id] = await desk.accept()
    assert await _writes_handles(desk, send_id, Delivery.QUEUED)
    assert not await _writes_handles(desk, send_id, Delivery.SENT)


async def _writes_handles(desk: Desk, send_id: UUID, delivery: Delivery) -> bool:
    """Return whether storing this news opens the index of handles to write into it."""
    report = Report("callback", desk.clock(), delivery, delivery.name, handle="h")

    def heard(tx: SqliteTransaction, items: Sequence[None]) -> Sequence[bool]:
        ran: list[str] = []
        tx._cursor.connection.set_trace_callback(ran.append)
        apply_many(tx, [Heard(send_id, report, SECOND)])
        tx._cursor.connection.set_trace_callback(None)
        name = "sqlite_autoindex_sends_2"
        [root] = tx._cursor.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", [name])
        updates = [one for one in ran if one.lstrip().startswith("UPDATE sends")]
        steps = [step for one in updates for step in tx._cursor.execute(f"EXPLAIN {one}")]
        opened = [step[3] for step in steps if step[1] == "OpenWrite"]
        assert opened
        return [root[0] in opened for _ in items]

    return await desk.store.write(heard, None)


async def test_polls_come_back_later_by_themselves_and_end_when_it_is_over(desk: Desk) -> None:
    [send_id] = await desk.accept()
    await desk.hear(send_id, Delivery.QUEUED, handle="h")
    ask = PollCapacity("polls", 10, lambda send: (send.schedule.polls + 1) * 10 * SECOND)
    assert await desk.polls(ask) == []
    desk.clock.now += timedelta(seconds=120)
    assert len(await desk.polls(ask)) == 1
    assert await desk.polls(ask) == []
    desk.clock.now += 10 * SECOND
    [send] = await desk.polls(ask)
    assert send.schedule.polls == 1
    await desk.hear(send_id, Delivery.DELIVERED, handle="h")
    desk.clock.now += timedelta(days=2)
    assert await desk.polls(ask) == []


async def test_questions_keep_to_what_sendblue_allows_to_all_processes_together(desk: Desk) -> None:
    for number in range(5):
        [send_id] = await desk.accept()
        await desk.hear(send_id, Delivery.QUEUED, handle=f"h{number}")
    ask = PollCapacity("polls", 3, lambda _: timedelta(hours=1), each=SECOND)
    desk.clock.now += timedelta(seconds=120)
    assert len(await desk.polls(ask)) == 3
    assert await desk.polls(ask) == []
    desk.clock.now += 2 * SECOND
    assert await desk.polls(ask) == []
    desk.clock.now += SECOND
    assert len(await desk.polls(ask)) == 2


async def test_a_restart_does_not_cut_short_the_wait_for_an_edit_that_may_come_late(desk: Desk) -> None:
    """Else the edit that was made twice because of it could be over before, and the late one would stay."""
    await desk.accept()
    [(_, thread)] = await desk.threads()
    opened = thread.opened("C1", "1.1", shown_rev=UNKNOWN)
    await desk.store.write(finish_threads, Outcome(opened, again_in=20 * SECOND, patient=True))
    await desk.store.write(end_leases, None)
    desk.clock.now += 19 * SECOND
    assert await desk.threads() == []
    desk.clock.now += SECOND
    assert [step for step, _ in await desk.threads()] == [Step.EDIT]


async def test_what_a_dead_process_held_is_due_at_once_after_a_restart(desk: Desk) -> None:
    await desk.accept()
    await desk.threads()
    await desk.store.write(end_leases, None)
    assert [step for step, _ in await desk.threads(interval=timedelta(0))] in ([Step.LOOK], [])
    desk.clock.now += SECOND
    assert (await desk.store.read(backlog)).open == {"accepted": 1}
