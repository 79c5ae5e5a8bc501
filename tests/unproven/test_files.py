"""What the documents leave open about files, in Slack and at Sendblue."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from tests.conftest import CUSTOMER, Stage, until
from tests.samples import JPEG, PDF, PNG
from tests.services.test_files import GENERAL, copies, pictures, share, thread
from tests.unproven.conftest import InEach

HOOK, INBOX = "webhook-secret", "C0RANDOM"
SETTINGS = {"thread_replies": "send", "sendblue_webhook_secret": HOOK, "inbox_channel": INBOX}


async def opened(stage: Stage, **position: Any) -> None:
    """Have a customer's thread stand, and both services be in this position."""
    stage.sendblue.webhook_url, stage.sendblue.webhook_secret = f"{stage.url}/sendblue/webhook", HOOK
    await stage.text()
    await until(lambda: "Delivered" in stage.shown(), within=30)
    for faults in (stage.slack.faults, stage.sendblue.faults):
        faults.patch({name: value for name, value in position.items() if hasattr(faults, name)})


async def test_a_file_stands_once_in_its_thread_whatever_a_second_upload_or_completion_does(in_each: InEach) -> None:
    async def scene(stage: Stage, position: tuple[bool, bool, str]) -> None:
        share_again, upload_once, lost = position
        await opened(stage, share_again=share_again, upload_once=upload_once, **{lost: 1})
        await stage.sendblue.customer_says(CUSTOMER, "Look", media=[("one.jpg", JPEG)])
        await until(lambda: copies(stage))
        await stage.sendblue.customer_says(CUSTOMER, "And?")
        await until(lambda: "And?" in stage.replies()[-1])
        assert copies(stage) == ["one.jpg"]

    lost = ["lose_upload_url", "lose_upload_answer", "lose_share_answer"]
    await in_each(product([False, True], [False, True], lost), scene, **SETTINGS)


async def test_a_file_whose_thread_is_deleted_meanwhile_stands_in_the_inbox(in_each: InEach) -> None:
    async def scene(stage: Stage, position: tuple[bool, bool]) -> None:
        share_again, orphan_replies = position
        await opened(stage, share_again=share_again, orphan_replies=orphan_replies, slow_media=0.7)
        await stage.sendblue.customer_says(CUSTOMER, "Look", media=[("one.jpg", JPEG)])
        await until(lambda: thread(stage))
        stage.slack.delete(GENERAL, stage.roots()[0].ts)
        await until(lambda: stage.roots(INBOX), within=20)
        root = stage.root(INBOX)
        below = await until(lambda: [one for one in stage.slack.replies(INBOX, root.ts) if one.files], within=20)
        assert "Look" in root.text
        assert [file.name for one in below for file in one.files] == ["one.jpg"]

    await in_each(product([False, True], [False, True]), scene, **SETTINGS)


async def test_what_follows_a_file_is_shown_whether_slack_shows_the_file_soon_late_or_never(in_each: InEach) -> None:
    async def scene(stage: Stage, position: dict[str, Any]) -> None:
        await opened(stage, **position)
        await stage.sendblue.customer_says(CUSTOMER, "", media=[("one.jpg", JPEG)])
        await until(lambda: any("completeUpload" in call.method for call in stage.slack.calls))
        await stage.sendblue.customer_says(CUSTOMER, "And?")
        await until(lambda: any("And?" in text for text in stage.replies()), within=20)
        assert copies(stage) == ([] if position.get("never_share") else ["one.jpg"])

    await in_each([{}, {"late_share": 1.5}, {"never_share": True}], scene, **SETTINGS)


async def test_each_file_and_the_words_stand_once_however_sendblue_tells_of_them(in_each: InEach) -> None:
    async def scene(stage: Stage, media_items: str) -> None:
        await opened(stage, media_items=media_items)
        await stage.sendblue.customer_says(CUSTOMER, "Two of them", media=[("one.jpg", JPEG), ("two.pdf", PDF)])
        await until(lambda: len(copies(stage)) == 2)
        assert sorted(copies(stage)) == ["one.jpg", "two.pdf"]
        await until(lambda: [one for one in thread(stage) if "Two of them" in one.text])
        assert sum("Two of them" in one.text for one in thread(stage)) == 1

    await in_each(["", "words_first", "words_last", "list"], scene, **SETTINGS)


async def test_a_file_reaches_the_phone_whichever_success_an_upload_is_answered_with(in_each: InEach) -> None:
    async def scene(stage: Stage, code: int) -> None:
        await opened(stage, upload_code=code)
        await share(stage, "Our menu", ("menu.png", PNG, "image/png"))
        await until(lambda: pictures(stage))
        assert pictures(stage) == [("Our menu", PNG)]

    await in_each([200, 201, 202], scene, **SETTINGS)


async def test_what_sendblue_does_not_take_is_said_and_no_words_leave_without_it(
    in_each: InEach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.storage.attachments._HOLDS", timedelta(seconds=1))

    async def scene(stage: Stage, position: dict[str, Any]) -> None:
        await opened(stage, **position)
        reply = await share(stage, "Our menu", ("menu.png", PNG, "image/png"))
        await until(lambda: "x" in reply.reactions)
        await until(lambda: "its file" in stage.replies()[-1])
        await share(stage, "Never mind")
        await until(lambda: len(stage.bubbles()) == 2)
        assert stage.bubbles()[1].content == "Never mind"

    reasons = [{"refuse_upload": 413, "upload_error": name} for name in ("error", "message", "error_message")]
    await in_each([*reasons, {"refused_types": "png"}, {"bare_upload": True}], scene, **SETTINGS)


async def test_a_download_that_is_not_the_file_is_said_and_no_words_leave_without_it(
    in_each: InEach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.storage.attachments._HOLDS", timedelta(seconds=1))
    monkeypatch.setattr("bot.services.carrying._UNREADY_FOR", timedelta(seconds=0.5))

    async def scene(stage: Stage, position: dict[str, Any]) -> None:
        await opened(stage, **position)
        reply = await share(stage, "Our menu", ("menu.png", PNG, "image/png"))
        await until(lambda: "x" in reply.reactions)
        await until(lambda: "its file" in stage.replies()[-1])
        assert len(stage.bubbles()) == 1

    lies = [{"size_lies": "fewer"}, {"size_lies": "more"}, {"cut_download": True}, {"download_html": True}]
    await in_each([*lies, {"refuse_download": 302}, {"refuse_download": 403}], scene, **SETTINGS)
