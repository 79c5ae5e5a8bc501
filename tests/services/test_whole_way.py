"""A text's whole way: command, thread, phone, callbacks, thread."""

import re

import pytest

from bot.domain.delivery import Delivery
from bot.errors import NotStored
from bot.slack import answers
from tests.conftest import CUSTOMER, LINE, OTHER_LINE, Stage, until


async def test_a_text_is_sent_once_and_its_thread_ends_at_delivered(stage: Stage) -> None:
    answer = await stage.text("Table at eight?")
    assert answer.status == 200
    assert "+1 415-555-2671" in answer.text
    await until(lambda: any("Delivered as iMessage" in text for text in stage.replies()))
    [bubble] = stage.bubbles()
    assert (bubble.number, bubble.content, bubble.status) == (CUSTOMER, "Table at eight?", "DELIVERED")
    assert bubble.from_number == LINE
    await until(lambda: "Delivered" in stage.shown())


async def test_the_thread_is_open_before_the_text_leaves(stage: Stage) -> None:
    await stage.text()
    await until(stage.bubbles)
    opened = next(call for call in stage.slack.calls if call.method == "chat.postMessage")
    assert opened.params["thread_ts"] is None if "thread_ts" in opened.params else True
    assert stage.roots()


async def test_nothing_is_said_to_slack_or_sendblue_before_the_command_is_answered(stage: Stage) -> None:
    stage.slack.faults.down = stage.sendblue.faults.down = True
    answer = await stage.text()
    assert (answer.failure, answer.status) == (None, 200)
    assert answer.seconds < 1


async def test_a_replayed_command_sends_once(stage: Stage) -> None:
    answers = [await stage.text(trigger_id="123.456.same") for _ in range(3)]
    assert len({answer.text for answer in answers}) == 1
    await until(lambda: "Delivered" in stage.shown())
    assert len(stage.bubbles()) == 1


async def test_what_was_said_to_be_not_sent_stays_so_when_the_request_is_repeated(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stage.app is not None

    async def away(*_: object, **__: object) -> None:
        raise NotStored("OperationalError")

    with monkeypatch.context() as patch:
        patch.setattr(stage.app.store, "write", away)
        assert (await stage.text(trigger_id="123.456.same")).text == answers.NOT_STORED
    assert (await stage.text(trigger_id="123.456.same")).text == answers.NOT_STORED
    await stage.text("Typed once more")
    await until(lambda: "Delivered" in stage.shown())
    assert [bubble.content for bubble in stage.bubbles()] == ["Typed once more"]


async def test_the_same_text_typed_twice_is_two_texts(stage: Stage) -> None:
    await stage.text()
    await stage.text()
    await until(lambda: len(stage.bubbles()) == 2 and len(stage.texts()) == 2)


async def test_options_reach_sendblue(stage: Stage) -> None:
    await stage.text(f"--style confetti --from {OTHER_LINE} --media https://example.com/menu.png The menu")
    [bubble] = await until(stage.bubbles)
    assert (bubble.send_style, bubble.from_number) == ("confetti", OTHER_LINE)
    assert (bubble.media_url, bubble.content) == ("https://example.com/menu.png", "The menu")


async def test_a_text_with_the_word_payload_is_a_text_like_any_other(stage: Stage) -> None:
    await stage.text("The payload=1 arrives & payload, at 10% off")
    [bubble] = await until(stage.bubbles)
    assert bubble.content == "The payload=1 arrives & payload, at 10% off"


async def test_sms_ends_at_sent_and_says_that_nothing_more_will_come(stage: Stage) -> None:
    stage.sendblue.faults.sms = True
    await stage.text()
    await until(lambda: any("Sent as a text message (SMS)" in text for text in stage.replies()))
    await until(lambda: "Sent* as a text message (SMS)" in stage.shown())
    await stage.sendblue.settle()
    polls = len(stage.sendblue.calls)
    await until(lambda: True)
    assert "gives no further confirmation" in stage.replies()[-1]
    assert len(stage.sendblue.calls) == polls


async def test_read_is_told(stage: Stage) -> None:
    await stage.text()
    await until(lambda: any("Delivered" in text for text in stage.replies()))
    await stage.sendblue.report(stage.bubbles()[0].handle, "READ")
    await until(lambda: any(text.startswith("👀 Read as iMessage") for text in stage.replies()))


async def test_a_refusal_is_told_in_plain_words_and_nothing_is_repeated(stage: Stage) -> None:
    stage.sendblue.faults.opted_out = True
    await stage.text()
    await until(lambda: any("Not sent" in text and "opted out" in text for text in stage.replies()))
    await until(lambda: "opted out" in stage.shown())
    assert stage.bubbles() == []
    assert sum(call.method == "POST /api/send-message" for call in stage.sendblue.calls) == 1


async def test_a_failure_after_acceptance_is_told_with_the_vendors_reason(stage: Stage) -> None:
    stage.sendblue.faults.fail = "10001"
    await stage.text()
    await until(lambda: any("❌ Failed" in text for text in stage.replies()))


async def test_a_delivery_after_a_failure_is_told_as_a_correction(stage: Stage) -> None:
    stage.sendblue.faults.fail = "10001"
    await stage.text()
    await until(lambda: any("❌ Failed" in text for text in stage.replies()))
    await stage.sendblue.report(stage.bubbles()[0].handle, "DELIVERED")
    await until(lambda: any("Delivered after all" in text for text in stage.replies()))
    await until(lambda: "✅ *Delivered*" in stage.shown())


async def test_a_lost_picture_is_told(stage: Stage) -> None:
    stage.sendblue.faults.drop_media = True
    await stage.text("--media https://example.com/menu.png The menu")
    await until(lambda: any("Delivered as iMessage without the picture" in text for text in stage.replies()))


async def test_a_long_text_goes_out_in_order_in_one_thread(stage: Stage) -> None:
    text = " ".join(f"word{number}." for number in range(4_000))
    assert len(text) > 36_000
    answer = await stage.text(text)
    assert "3 parts" in answer.text
    await until(lambda: sum("Delivered" in reply for reply in "\n".join(stage.replies()).splitlines()) >= 3)
    bubbles = stage.bubbles()
    assert "".join(bubble.content for bubble in bubbles) == text
    assert len(stage.roots()) == 1
    assert "Part 2 of 3" in "\n".join(stage.replies())


async def test_a_failed_part_stops_the_rest_and_says_so(stage: Stage) -> None:
    stage.sendblue.faults.answers.append((400, {"status": "ERROR", "error_code": 4000, "error_message": "no"}))
    await stage.text("x" * 40_000)
    await until(lambda: "was not sent either" in stage.shown())
    assert stage.bubbles() == []
    told = "\n".join(stage.replies())
    assert "Part 1 of 3: ❌ Not sent" in told
    assert "Part 3 of 3: ❌ Not sent" in told


async def test_every_reply_and_the_root_can_be_found_by_an_opaque_id(stage: Stage) -> None:
    await stage.text()
    await until(lambda: any("Delivered" in text for text in stage.replies()))
    posts = [stage.root(), *stage.slack.replies("C0GENERAL", stage.root().ts)]
    ids = [(post.metadata or {})["event_payload"]["id"] for post in posts]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[0-9a-f]{32}-\d+", found) for found in ids)


async def test_what_comes_from_outside_can_neither_ping_nor_pose_as_a_link(stage: Stage) -> None:
    stage.sendblue.faults.answers.append(
        (400, {"status": "ERROR", "error_code": "9", "error_message": "<!channel> <http://evil|bank>"})
    )
    await stage.text("&lt;!here&gt; *bold* &lt;@U0BEN&gt;")
    await until(lambda: any("Not sent" in text for text in stage.replies()))
    everything = stage.root().text + "".join(stage.replies())
    assert "<!" not in everything.replace("<!date^", "")
    assert "<http" not in everything
    assert "<@U0BEN>" not in everything


async def test_status_shows_my_last_messages_and_only_mine(stage: Stage) -> None:
    await stage.text("First")
    await stage.text("Second", user="U0BEN")
    await until(lambda: len(stage.bubbles()) == 2)
    await until(lambda: sum("Delivered" in text for text in stage.replies()) == 2)
    mine = await stage.slack.type("/imessage status")
    assert "First" in mine.text
    assert "Second" not in mine.text
    assert "*Delivered* as iMessage" in mine.text
    other = await stage.slack.type("/imessage status +1 415 555 9999")
    assert "have not sent anything to +1 415-555-9999" in other.text


async def test_news_that_waits_for_a_slot_becomes_one_reply(open_stage) -> None:  # type: ignore[no-untyped-def]
    stage = await open_stage(slack_post_interval=1.0)
    await stage.text()
    await until(lambda: any("Delivered" in text for text in stage.replies()))
    assert len(stage.replies()) == 1  # "sent" was overtaken while the channel's slot was awaited


async def test_delivery_is_stored_as_it_is_told(stage: Stage) -> None:
    await stage.text()
    await until(lambda: any("Delivered" in text for text in stage.replies()))
    assert stage.app is not None
    shown = await stage.slack.type("/imessage status")
    assert Delivery.DELIVERED.name.title() in shown.text
