"""What a new rule of a channel costs those who text from it."""

from datetime import timedelta

from bot.domain.rules import Replies
from bot.storage.channels import NewRule, set_rules
from tests.statements import asking
from tests.storage.desk import SECOND, Desk
from tests.storage.test_reading_back import stands


async def test_roots_that_say_the_new_rule_leave_room_for_news_between_them(desk: Desk) -> None:
    for _ in range(3):
        await stands(desk, "C1")
    desk.clock.now += timedelta(minutes=5)
    assert await desk.threads() == []
    assert await desk.store.write(set_rules, NewRule("C1", Replies.SEND, "U1"))
    due = []
    for _ in range(6):
        due.append(len(await desk.threads()))
        desk.clock.now += SECOND
    assert due == [1, 0, 1, 0, 1, 0]


async def test_one_change_after_the_other_has_no_more_roots_wait(desk: Desk) -> None:
    for _ in range(12):
        await stands(desk, "C1")
    desk.clock.now += timedelta(minutes=5)
    assert await desk.threads() == []
    for rule in (Replies.SEND, Replies.ASK) * 5:
        assert await desk.store.write(set_rules, NewRule("C1", rule, "U1"))
    waiting = asking("SELECT id FROM threads WHERE due_at IS NOT NULL")
    assert len(await desk.store.read(waiting)) == 5
