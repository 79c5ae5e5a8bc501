"""What the documents leave open about Sendblue's answer to a send."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Stage, until
from tests.unproven.conftest import InEach

Opened = Callable[..., Any]


def sends(stage: Stage) -> list[int | None]:
    """What each send was answered."""
    return [call.status for call in stage.sendblue.calls if call.method == "POST /api/send-message"]


def told(stage: Stage, words: str) -> int:
    return sum(words in reply for reply in stage.replies())


async def arrived_once(stage: Stage) -> None:
    await until(lambda: told(stage, "✅ Delivered") and "✅ *Delivered*" in stage.shown())
    assert len(stage.bubbles()) == 1


async def not_sent(stage: Stage) -> None:
    await until(lambda: told(stage, "❌ Not sent") and "❌ *Not sent*" in stage.shown())
    assert (stage.bubbles(), len(sends(stage))) == ([], 1)


async def test_a_text_is_taken_whichever_2xx_says_so(in_each: InEach) -> None:
    async def scene(stage: Stage, code: int) -> None:
        stage.sendblue.faults.success_code = code
        await stage.text()
        await arrived_once(stage)
        assert sends(stage) == [code]

    await in_each([202, 200], scene)


async def test_a_busy_line_is_tried_again_whatever_comes_with_its_429(in_each: InEach) -> None:
    async def scene(stage: Stage, body: str) -> None:
        stage.sendblue.faults.patch({"rate_limited": True, "busy_body": body})
        await stage.text()
        await until(lambda: sends(stage) == [429])
        stage.sendblue.faults.rate_limited = False
        await arrived_once(stage)
        assert sends(stage)[-1] == 202

    await in_each(["", "empty", "text", "object"], scene)


async def test_whatever_a_line_may_send_in_a_second_each_text_arrives_once(in_each: InEach) -> None:
    async def scene(stage: Stage, most: int) -> None:
        stage.sendblue.faults.per_second = most
        await stage.text("One")
        await stage.text("Two", to="+14155552672")
        await until(lambda: told(stage, "✅ Delivered") == 2)
        assert sorted(bubble.content for bubble in stage.bubbles()) == ["One", "Two"]
        assert (429 in sends(stage)) == (most == 1)

    await in_each([0, 1, 10], scene)


async def test_a_text_that_went_out_behind_a_429_is_not_repeated_once_a_callback_says_so(in_each: InEach) -> None:
    async def scene(stage: Stage, sent: bool) -> None:
        stage.sendblue.faults.patch({"rate_limited": True, "sent_though_busy": sent})
        await stage.text()
        await until(lambda: sends(stage) == [429])
        stage.sendblue.faults.rate_limited = False
        await arrived_once(stage)
        assert sends(stage) == ([429] if sent else [429, 202])

    await in_each([False, True], scene)


@pytest.mark.xfail(strict=True, reason="a 429 is believed (decision 8)")
async def test_a_text_that_went_out_behind_a_429_is_not_repeated_without_callbacks_either(stage: Stage) -> None:
    stage.sendblue.faults.patch({"rate_limited": True, "sent_though_busy": True, "lose_callbacks": True})
    await stage.text()
    await until(lambda: sends(stage))
    stage.sendblue.faults.rate_limited = False
    await until(lambda: told(stage, "Delivered"))
    assert len(stage.bubbles()) == 1


def delivered(stage: Stage) -> list[str]:
    return [text for text in stage.texts() if "✅ *Delivered*" in text]


async def test_of_two_equal_texts_each_thread_tells_what_became_of_its_own(in_each: InEach) -> None:
    async def scene(stage: Stage, dedupe: bool) -> None:
        stage.sendblue.faults.dedupe = dedupe
        await stage.text()
        await arrived_once(stage)
        await stage.text()
        if dedupe:
            await until(lambda: told(stage, "took it for an earlier, equal text and may have sent nothing"))
            await until(lambda: told(stage, "Please decide"))
        else:
            await until(lambda: len(delivered(stage)) == 2)
        assert len(delivered(stage)) == len(stage.bubbles()) == (1 if dedupe else 2)

    await in_each([False, True], scene, doubt_window=0.6)


async def test_a_refusal_is_told_even_where_it_names_the_handle_of_an_earlier_text(stage: Stage) -> None:
    await stage.text()
    await arrived_once(stage)
    refusal = {"status": "ERROR", "error_code": 4000, "error_message": "said before"}
    stage.sendblue.faults.answers.append((202, refusal | {"message_handle": stage.bubbles()[0].handle}))
    await stage.text()
    await until(lambda: told(stage, "❌ Not sent") and told(stage, "said before"))
    assert len(stage.bubbles()) == 1


async def test_a_text_that_is_sent_again_by_decision_arrives_as_often_as_the_thread_says(in_each: InEach) -> None:
    async def scene(stage: Stage, dedupe: bool) -> None:
        lost = {"drop_after_accept": True, "lose_callbacks": True}
        stage.sendblue.faults.patch(lost | {"dedupe": dedupe, "list_lag": 60})
        await stage.text()
        await until(lambda: told(stage, "Please decide"))
        stage.sendblue.faults.patch(dict.fromkeys(lost, False))
        [asked] = [one for one in stage.slack.replies("C0GENERAL", stage.root().ts) if "Please decide" in one.text]
        await stage.slack.click("C0GENERAL", asked.ts, "resend")
        await until(lambda: told(stage, "Second try: ✅ Delivered"))
        await stage.sendblue.report(stage.bubbles()[0].handle, "DELIVERED")
        if not dedupe:
            await until(lambda: told(stage, "so the customer has it twice"))
        assert len(stage.bubbles()) == 1 + told(stage, "so the customer has it twice") == (1 if dedupe else 2)

    await in_each([False, True], scene, doubt_window=0.6)


async def test_a_text_of_emoji_goes_out_whole_whether_characters_or_utf_16_units_are_counted(in_each: InEach) -> None:
    async def scene(stage: Stage, unit: str) -> None:
        stage.sendblue.faults.length_unit = unit
        await stage.text("🙂" * 12_000)
        await until(lambda: stage.shown().count("✅ *Delivered*") == 2)
        assert "".join(bubble.content for bubble in stage.bubbles()) == "🙂" * 12_000

    await in_each(["", "utf-16"], scene)


async def test_a_text_that_is_too_long_in_bytes_is_told_as_not_sent(in_each: InEach) -> None:
    async def scene(stage: Stage, position: dict[str, Any]) -> None:
        stage.sendblue.faults.patch({"length_unit": "bytes"} | position)
        await stage.text("é" * 10_000)
        await not_sent(stage)
        assert told(stage, "content must be shorter than 18996 characters")

    await in_each([{}, {"overlong": "2xx"}, {"overlong": "2xx", "success_code": 200}], scene)


async def test_a_style_that_sendblue_does_not_know_is_told_or_left_out(in_each: InEach) -> None:
    async def scene(stage: Stage, answer: str) -> None:
        stage.sendblue.faults.unknown_style = answer
        await stage.text("--style confetti Hooray")
        if answer == "refused":
            await not_sent(stage)
            assert told(stage, "send_style is not one of the allowed values")
        else:
            await arrived_once(stage)
            assert stage.bubbles()[0].send_style == ("" if answer else "confetti")

    await in_each(["", "refused", "ignored"], scene)


async def test_a_picture_that_cannot_be_fetched_is_told_however_sendblue_says_so(in_each: InEach) -> None:
    async def scene(stage: Stage, answer: str) -> None:
        stage.sendblue.faults.patch({"drop_media": True} if answer == "dropped" else {"bad_media": answer})
        await stage.text("--media https://example.com/menu.png The menu")
        if answer in ("refused", "2xx"):
            await not_sent(stage)
        elif answer == "later":
            await until(lambda: told(stage, "❌ Failed") and "❌ *Failed*" in stage.shown())
            assert sends(stage) == [202]
        else:
            await arrived_once(stage)
            assert bool(told(stage, "without the picture")) == (answer == "dropped")

    await in_each(["", "refused", "2xx", "later", "dropped"], scene)
