"""Where a thread can be opened, and what happens where it cannot."""

import pytest

from tests.conftest import Stage, until


async def test_a_public_channel_is_joined_by_itself(stage: Stage) -> None:
    await stage.text(channel="C0RANDOM")
    await until(lambda: "Delivered" in stage.shown("C0RANDOM"))
    assert len(stage.bubbles()) == 1


async def test_in_a_private_channel_without_the_bot_nothing_leaves_and_the_sender_is_told_how_to_mend_it(
    stage: Stage,
) -> None:
    await stage.text(channel="G0SECRET")
    told = await until(lambda: [e.text for e in stage.slack.ephemerals if "Not sent" in e.text])
    assert told == ["Not sent: I'm not in this channel. Run `/invite @bluethread`, then send again."]
    assert stage.bubbles() == []


@pytest.mark.parametrize(("channel", "words"), [("C0OLD", "archived"), ("C0NEWS", "restricted")])
async def test_in_an_archived_or_restricted_channel_nothing_leaves(stage: Stage, channel: str, words: str) -> None:
    await stage.text(channel=channel)
    await until(lambda: any("Not sent" in e.text and words in e.text for e in stage.slack.ephemerals))
    assert stage.bubbles() == []


async def test_between_two_people_the_thread_opens_in_the_bots_own_dm(stage: Stage) -> None:
    await stage.text(channel="D0ANABEN")
    await until(lambda: any("direct messages" in e.text for e in stage.slack.ephemerals))
    await until(lambda: "Delivered" in stage.shown("D0BOTU0ANA"))
    assert len(stage.bubbles()) == 1
    assert any("Delivered" in reply for reply in stage.replies("D0BOTU0ANA"))


async def test_when_the_thread_is_deleted_the_news_goes_to_the_senders_dm(stage: Stage) -> None:
    stage.sendblue.faults.stay = "SENT"
    await stage.text()
    await until(lambda: any("Sent as iMessage" in text for text in stage.replies()))
    stage.slack.delete("C0GENERAL", stage.root().ts)
    await stage.sendblue.report(stage.bubbles()[0].handle, "DELIVERED")
    root = await until(lambda: next(iter(stage.roots("D0BOTU0ANA")), None))
    assert "Delivered" in root.text
    assert "can't post where you asked" in root.text


async def test_when_the_channel_is_archived_later_the_news_goes_to_the_senders_dm(stage: Stage) -> None:
    stage.sendblue.faults.stay = "SENT"
    await stage.text()
    await until(lambda: any("Sent as iMessage" in text for text in stage.replies()))
    stage.slack.archive("C0GENERAL")
    await stage.sendblue.report(stage.bubbles()[0].handle, "READ")
    root = await until(lambda: next(iter(stage.roots("D0BOTU0ANA")), None))
    assert "Read" in root.text


async def test_when_the_answer_url_is_used_up_the_sender_is_told_in_a_dm(stage: Stage) -> None:
    stage.slack.base_url = "http://127.0.0.1:1"  # nobody answers there any more
    stage.slack.base_url = stage.settings.slack_api_url.removesuffix("/api") + "/gone"
    await stage.text(channel="G0SECRET")
    root = await until(lambda: next(iter(stage.roots("D0BOTU0ANA")), None))
    assert root.text == (
        "About your text to +1 415-555-2671 in <#G0SECRET>. "
        "Not sent: I'm not in this channel. Run `/invite @bluethread`, then send again."
    )


async def test_where_private_answers_cannot_be_reached_the_sender_is_told_in_a_dm_within_a_minute(stage: Stage) -> None:
    stage.slack.base_url = "http://127.0.0.1:1"  # hooks.slack.com, behind a firewall
    await stage.text(channel="G0SECRET")
    root = await until(lambda: next(iter(stage.roots("D0BOTU0ANA")), None), within=30)
    assert "Not sent: I'm not in this channel." in root.text
    assert stage.bubbles() == []


async def test_a_root_that_cannot_be_edited_does_not_stop_the_replies(stage: Stage) -> None:
    stage.slack.faults.errors["chat.update"] = "edit_window_closed"
    await stage.text()
    await until(lambda: any("Delivered" in text for text in stage.replies()))
    edits = [call for call in stage.slack.calls if call.method == "chat.update"]
    assert len(edits) <= 3


async def test_a_revoked_token_holds_everything_until_it_is_mended(stage: Stage) -> None:
    stage.slack.faults.errors["chat.postMessage"] = "token_revoked"
    await stage.text()
    await until(lambda: any(call.answer.get("error") == "token_revoked" for call in stage.slack.calls))
    assert stage.bubbles() == []
    stage.slack.faults.errors.clear()
    await until(lambda: any("Delivered" in text for text in stage.replies()))
    assert len(stage.bubbles()) == 1
