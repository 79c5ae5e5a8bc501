"""Files, both ways: what customers send stands in their thread, what people share there reaches the phone."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.slack.questions import KEEP, SEND
from bot.slack.wording import COPY_AGAIN
from sandbox.slack.records import SlackMessage
from tests.conftest import CUSTOMER, Stage, until
from tests.samples import HTML, JPEG, MP4, PDF, PNG, VCF

Opened = Callable[..., Any]
GENERAL, HOOK = "C0GENERAL", "webhook-secret"


@pytest.fixture
async def talk(open_stage: Opened) -> Stage:
    """A stage with a customer's thread, where what is typed is sent at once."""
    stage: Stage = await open_stage(
        thread_replies="send", sendblue_webhook_secret=HOOK, inbox_channel="C0RANDOM", catch_up_interval=0.5
    )
    stage.sendblue.webhook_url, stage.sendblue.webhook_secret = f"{stage.url}/sendblue/webhook", HOOK
    await stage.text()
    await until(lambda: "Delivered" in stage.shown())
    return stage


def thread(stage: Stage) -> list[SlackMessage]:
    """What stands in the thread beside how the first text does."""
    replies = stage.slack.replies(GENERAL, stage.roots()[0].ts)
    return [one for one in replies if not one.text.startswith(("📨", "✅"))]


def lines(stage: Stage) -> list[str]:
    """What stands in the thread: words as they are, posts of files as the names in them."""
    return [" + ".join(file.name for file in one.files) if one.files else one.text for one in thread(stage)]


def copies(stage: Stage) -> list[str]:
    return [file.name for one in thread(stage) for file in one.files if one.bot_id]


def received(stage: Stage, url: str | None) -> bytes:
    medium = stage.sendblue.media.at(url or "")
    return medium.content.data if medium else b""


def pictures(stage: Stage) -> list[tuple[str, bytes]]:
    """What has reached the phone after the first text: words, and the bytes of what came with them."""
    return [(text.content, received(stage, text.media_url)) for text in stage.bubbles()[1:]]


async def share(stage: Stage, text: str, *files: Any, **how: Any) -> SlackMessage:
    return await stage.slack.reply(GENERAL, stage.roots()[0].ts, text, files=files, **how)


class TestFromThePhone:
    async def test_a_photo_stands_below_its_words_with_who_and_when(self, talk: Stage) -> None:
        await talk.sendblue.customer_says(CUSTOMER, "Our table", media=[("IMG_2041.jpg", JPEG)])
        await until(lambda: copies(talk))
        [words, photo] = thread(talk)
        assert "Our table" in words.text
        assert "📎 Photo (IMG_2041.jpg)" in words.text
        [file] = photo.files
        assert (file.name, file.mimetype, file.content.data) == ("IMG_2041.jpg", "image/jpeg", JPEG)
        assert file.title.startswith("Photo from +1 ••• 2671, ")
        assert file.alt_txt == file.title

    async def test_what_follows_a_file_stands_below_it(self, talk: Stage) -> None:
        talk.sendblue.faults.slow_media = 1.0
        await talk.sendblue.customer_says(CUSTOMER, "", media=[("menu.pdf", PDF)])
        await until(lambda: thread(talk))
        await talk.sendblue.customer_says(CUSTOMER, "Is it right?")
        await until(lambda: len(thread(talk)) == 3)
        assert lines(talk)[1] == "menu.pdf"
        assert "Is it right?" in lines(talk)[2]

    async def test_a_burst_of_pictures_is_one_post(self, talk: Stage) -> None:
        talk.sendblue.faults.slow_media = 1.0
        for name in ("one.jpg", "two.jpg", "three.jpg"):
            await talk.sendblue.customer_says(CUSTOMER, "", media=[(name, JPEG)])
        await until(lambda: len(copies(talk)) == 3)
        assert lines(talk)[-1] == "one.jpg + two.jpg + three.jpg"

    async def test_a_file_of_an_unknown_customer_stands_below_the_root_that_shows_its_words(self, talk: Stage) -> None:
        await talk.sendblue.customer_says("+14155550188", "", media=[("me.vcf", VCF)])
        await until(lambda: talk.roots("C0RANDOM"))
        root = talk.root("C0RANDOM")
        assert "📎 Contact card (me.vcf)" in root.text
        await until(lambda: talk.slack.replies("C0RANDOM", root.ts))
        [copy] = talk.slack.replies("C0RANDOM", root.ts)
        assert [file.name for file in copy.files] == ["me.vcf"]

    async def test_a_file_is_shown_once_whatever_came_of_the_answer(self, talk: Stage) -> None:
        talk.slack.faults.lose_share_answer = 1
        talk.slack.faults.share_again = True
        await talk.sendblue.customer_says(CUSTOMER, "", media=[("clip.mp4", MP4)])
        await until(lambda: copies(talk))
        await talk.sendblue.customer_says(CUSTOMER, "Seen it?")
        await until(lambda: "Seen it?" in talk.replies()[-1])
        assert copies(talk) == ["clip.mp4"]

    async def test_what_comes_after_a_file_waits_until_slack_shows_it(self, talk: Stage) -> None:
        talk.slack.faults.late_share = 1.5
        await talk.sendblue.customer_says(CUSTOMER, "", media=[("clip.mp4", MP4)])
        await until(lambda: any("completeUpload" in call.method for call in talk.slack.calls))
        await talk.sendblue.customer_says(CUSTOMER, "Seen it?")
        await until(lambda: len(thread(talk)) == 3)
        assert lines(talk)[1] == "clip.mp4"

    async def test_what_cannot_be_copied_is_said_once_and_copied_by_a_click(self, talk: Stage) -> None:
        talk.sendblue.faults.refuse_media = 404
        await talk.sendblue.customer_says(CUSTOMER, "Look", media=[("one.jpg", JPEG)])
        await until(lambda: len(thread(talk)) == 2)
        said = thread(talk)[1]
        assert (
            "I could not copy a file of theirs: Sendblue says that it does not have it. I keep trying until"
            in said.text
        )
        talk.sendblue.faults.refuse_media = 0
        await talk.slack.click(GENERAL, said.ts, COPY_AGAIN)
        await until(lambda: copies(talk) == ["one.jpg"])
        assert len(thread(talk)) == 3

    async def test_what_is_said_meanwhile_does_not_wait_for_what_cannot_be_copied(self, talk: Stage) -> None:
        talk.sendblue.faults.refuse_media = 404
        await talk.sendblue.customer_says(CUSTOMER, "Look", media=[("one.jpg", JPEG)])
        await until(lambda: len(thread(talk)) == 2)
        await talk.sendblue.customer_says(CUSTOMER, "And?")
        await until(lambda: "And?" in talk.replies()[-1])

    async def test_a_page_that_says_it_is_a_picture_is_named_as_what_it_is(self, talk: Stage) -> None:
        await talk.sendblue.customer_says(CUSTOMER, "", media=[("photo.jpg", HTML)])
        await until(lambda: copies(talk))
        assert copies(talk) == ["photo.html"]

    async def test_files_of_a_thread_whose_root_is_deleted_go_to_the_inbox_with_their_words(self, talk: Stage) -> None:
        talk.sendblue.faults.slow_media = 1.0
        await talk.sendblue.customer_says(CUSTOMER, "Look", media=[("one.jpg", JPEG)])
        await until(lambda: thread(talk))
        talk.slack.delete(GENERAL, talk.roots()[0].ts)
        await until(lambda: talk.roots("C0RANDOM"))
        root = talk.root("C0RANDOM")
        await until(lambda: talk.slack.replies("C0RANDOM", root.ts))
        assert "Look" in root.text
        assert [file.name for file in talk.slack.replies("C0RANDOM", root.ts)[0].files] == ["one.jpg"]


class TestFromTheThread:
    async def test_a_file_reaches_the_phone_with_its_words(self, talk: Stage) -> None:
        reply = await share(talk, "Our menu", ("menu.png", PNG, "image/png"))
        await until(lambda: "white_check_mark" in reply.reactions)
        assert pictures(talk) == [("Our menu", PNG)]

    async def test_several_files_leave_in_their_order_words_with_the_first(self, talk: Stage) -> None:
        reply = await share(talk, "All", ("a.png", PNG, "image/png"), ("b.jpg", JPEG, "image/jpeg"))
        await until(lambda: "white_check_mark" in reply.reactions)
        assert pictures(talk) == [("All", PNG), ("", JPEG)]

    async def test_a_file_needs_no_words(self, talk: Stage) -> None:
        reply = await share(talk, "", ("menu.pdf", PDF, "application/pdf"))
        await until(lambda: "white_check_mark" in reply.reactions)
        assert pictures(talk) == [("", PDF)]

    async def test_the_question_names_the_files_and_nothing_of_them_leaves_before_the_click(
        self, open_stage: Opened
    ) -> None:
        stage: Stage = await open_stage()
        await stage.text()
        await until(lambda: "Delivered" in stage.shown())
        await share(stage, "Our menu", ("menu.png", PNG, "image/png"))
        await until(lambda: [one for one in stage.slack.ephemerals if "Send this to" in one.text])
        question = stage.slack.ephemerals[-1]
        assert question.text.endswith("“Our menu” 📎 menu.png")
        assert not [call for call in stage.sendblue.calls if "upload-file" in call.method]
        await stage.slack.click(GENERAL, question.id, SEND)
        await until(lambda: len(stage.bubbles()) == 2)
        assert pictures(stage) == [("Our menu", PNG)]

    async def test_a_note_keeps_its_files_from_leaving(self, open_stage: Opened) -> None:
        stage: Stage = await open_stage()
        await stage.text()
        await until(lambda: "Delivered" in stage.shown())
        reply = await share(stage, "Our menu", ("menu.png", PNG, "image/png"))
        await until(lambda: [one for one in stage.slack.ephemerals if "Send this to" in one.text])
        await stage.slack.click(GENERAL, stage.slack.ephemerals[-1].id, KEEP)
        await until(lambda: "lock" in reply.reactions)
        assert not [call for call in stage.sendblue.calls if "upload-file" in call.method]

    async def test_nothing_leaves_when_one_of_the_files_cannot(self, talk: Stage) -> None:
        reply = await share(talk, "Both", ("a.png", PNG, "image/png"), ("b.exe", b"MZ" + bytes(90), "application/x-x"))
        await until(lambda: "x" in reply.reactions)
        await until(lambda: "customers' phones can't be sent this type of file" in talk.replies()[-1])
        assert pictures(talk) == []

    async def test_a_later_text_waits_for_the_files_of_the_one_before(self, talk: Stage) -> None:
        talk.slack.faults.slow_download = 1.0
        await share(talk, "First", ("a.png", PNG, "image/png"))
        await share(talk, "Second")
        await until(lambda: len(talk.bubbles()) == 3)
        assert [words for words, _ in pictures(talk)[:1]] == ["First"]
        assert talk.bubbles()[2].content == "Second"

    async def test_an_upload_without_an_answer_is_repeated_and_the_text_leaves_once(self, talk: Stage) -> None:
        talk.sendblue.faults.drop_after_upload = True
        reply = await share(talk, "Our menu", ("menu.png", PNG, "image/png"))
        await until(lambda: any("upload-file" in call.method for call in talk.sendblue.calls))
        talk.sendblue.faults.drop_after_upload = False
        await until(lambda: "white_check_mark" in reply.reactions)
        assert pictures(talk) == [("Our menu", PNG)]

    async def test_a_file_that_slack_still_looks_at_is_waited_for(self, talk: Stage) -> None:
        talk.slack.faults.scan_seconds = 1.5
        reply = await share(talk, "Our menu", ("menu.png", PNG, "image/png"))
        await until(lambda: "white_check_mark" in reply.reactions, within=12)
        assert pictures(talk) == [("Our menu", PNG)]

    async def test_a_deleted_reply_takes_its_file_back_while_that_is_on_its_way(self, talk: Stage) -> None:
        talk.slack.faults.slow_download = 2.0
        reply = await share(talk, "Our menu", ("menu.png", PNG, "image/png"))
        await until(lambda: any(call.method == "files.info" for call in talk.slack.calls))
        await talk.slack.remove(GENERAL, reply.ts)
        await share(talk, "Sorry")
        await until(lambda: len(talk.bubbles()) == 2)
        assert talk.bubbles()[1].content == "Sorry"

    @pytest.mark.parametrize("mode", ["external", "snippet"])
    async def test_what_is_no_file_is_refused_in_a_sentence(self, talk: Stage, mode: Any) -> None:
        await share(talk, "See this", talk.slack.files.make("plan", b"", user="U0ANA", mode=mode))
        await until(lambda: any("can't be sent" in one.text for one in talk.slack.ephemerals))
        assert pictures(talk) == []
