"""What the documents leave open about Slack."""

import pytest

from tests.conftest import Stage, until
from tests.unproven.conftest import InEach

MINE = "D0BOTU0ANA"


def told(stage: Stage, words: str, channel: str = "C0GENERAL") -> int:
    return sum(words in reply for reply in stage.replies(channel))


async def delivered(stage: Stage, channel: str = "C0GENERAL") -> None:
    await until(lambda: told(stage, "✅ Delivered", channel) and "✅ *Delivered*" in stage.shown(channel))
    assert len(stage.bubbles()) == 1


async def sent(stage: Stage) -> str:
    """Have a text that is told as sent, and return its handle."""
    stage.sendblue.faults.stay = "SENT"
    await stage.text()
    await until(lambda: told(stage, "Sent as iMessage") and "Sent" in stage.shown())
    return str(stage.bubbles()[0].handle)


@pytest.mark.parametrize("orphans", [False, True])
@pytest.mark.parametrize("tombstones", [False, True])
async def test_news_of_a_deleted_thread_stands_under_a_root_that_names_its_customer(
    stage: Stage, orphans: bool, tombstones: bool
) -> None:
    stage.slack.faults.patch({"orphan_replies": orphans, "tombstones": tombstones})
    handle = await sent(stage)
    stage.slack.delete("C0GENERAL", stage.root().ts)
    await stage.sendblue.report(handle, "DELIVERED")

    def roots() -> list[str]:
        return [one.text for place in ("C0GENERAL", MINE) for one in stage.roots(place) if not one.deleted]

    await until(lambda: any("Delivered" in text and "2671" in text for text in roots()), within=1 if orphans else 8)


async def test_a_lost_answer_in_a_thread_that_was_deleted_meanwhile_stops_no_news(in_each: InEach) -> None:
    async def scene(stage: Stage, tombstones: bool) -> None:
        stage.slack.faults.tombstones = tombstones
        handle = await sent(stage)
        stage.slack.faults.lose_answer = 1
        await stage.sendblue.report(handle, "DELIVERED")
        await until(lambda: stage.slack.faults.lose_answer == 0)
        stage.slack.delete("C0GENERAL", stage.root().ts)
        await until(lambda: any(call.method == "conversations.replies" for call in stage.slack.calls))
        await stage.sendblue.report(handle, "READ")
        await until(lambda: any("Read" in root.text for root in stage.roots(MINE)))
        assert told(stage, "Delivered") == len(stage.bubbles()) == 1

    await in_each([False, True], scene)


async def lost_reply(stage: Stage, error: str, within: float = 8) -> None:
    stage.slack.faults.replies_refused = error
    handle = await sent(stage)
    stage.slack.faults.lose_answer = 1
    await stage.sendblue.report(handle, "DELIVERED")
    await until(lambda: "✅ *Delivered*" in stage.shown(), within=within)
    await stage.sendblue.report(handle, "READ")
    await until(lambda: told(stage, "Read"), within=within)
    assert told(stage, "Delivered") == len(stage.bubbles()) == 1


async def test_whether_or_not_threads_may_be_read_a_lost_answer_stops_no_news(in_each: InEach) -> None:
    errors = ["", "missing_scope", "not_allowed_token_type", "method_not_supported_for_channel_type"]
    await in_each(errors, lost_reply)


async def test_where_threads_may_not_be_read_for_lack_of_permission_a_lost_answer_stops_no_news(stage: Stage) -> None:
    await lost_reply(stage, "no_permission", within=2)


async def test_between_two_people_the_thread_stands_where_slack_lets_it(in_each: InEach) -> None:
    async def scene(stage: Stage, allowed: bool) -> None:
        stage.slack.faults.dm_posts = allowed
        await stage.text(channel="D0ANABEN")
        here, elsewhere = ("D0ANABEN", MINE) if allowed else (MINE, "D0ANABEN")
        await delivered(stage, here)
        assert stage.roots(elsewhere) == []

    await in_each([False, True], scene)


async def test_what_the_bot_notes_with_a_post_fits_even_a_small_limit(in_each: InEach) -> None:
    async def scene(stage: Stage, most: int) -> None:
        stage.slack.faults.largest_metadata = most
        await stage.text()
        await delivered(stage)

    await in_each([1_024, 128], scene)


async def test_a_long_text_opens_its_thread_whatever_a_message_may_hold(in_each: InEach) -> None:
    text = "word " * 6_000

    async def scene(stage: Stage, most: int) -> None:
        stage.slack.faults.largest_blocks = most
        await stage.text(text)
        await until(lambda: stage.shown().count("✅ *Delivered*") == 2)
        assert "".join(bubble.content for bubble in stage.bubbles()).strip() == text.strip()

    await in_each([13_200, 4_000, 100_000], scene)


async def test_lost_answers_are_looked_for_however_rarely_history_may_be_read(in_each: InEach) -> None:
    async def scene(stage: Stage, interval: float) -> None:
        stage.slack.faults.patch({"history_interval": interval, "lose_answer": 2})
        await stage.text("First")
        await stage.text("Second", to="+14155552672")
        await until(lambda: sum("✅ *Delivered*" in root.text for root in stage.roots()) == 2)
        assert len(stage.roots()) == len(stage.bubbles()) == 2
        asked = [call.status for call in stage.slack.calls if call.method == "conversations.history"]
        assert (429 in asked) == bool(interval)

    await in_each([0.0, 1.0], scene)


async def test_a_channel_is_known_by_its_id_however_it_is_named(in_each: InEach) -> None:
    async def scene(stage: Stage, position: tuple[bool, str, str]) -> None:
        stage.slack.faults.plain_channel_names, channel, place = position
        await stage.text(channel=channel)
        await delivered(stage, place)

    places = [("G0TEAM", "G0TEAM"), ("D0ANABEN", MINE)]
    await in_each([(plain, *place) for plain in (False, True) for place in places], scene)
