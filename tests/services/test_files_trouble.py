"""Files when Slack, Sendblue or people do not do what was expected of them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.files.kinds import Kind, safe_name
from bot.services import carrying
from bot.slack.wording import COPY_AGAIN
from bot.storage import attachments
from tests.conftest import CUSTOMER, Stage, until
from tests.samples import JPEG, PNG
from tests.services.test_files import GENERAL, copies, share, talk, thread  # noqa: F401 - a fixture

Opened = Callable[..., Any]
SHARE = "files.completeUploadExternal"


def shares(stage: Stage) -> int:
    return sum(call.method == SHARE for call in stage.slack.calls)


class TestWhatSlackDoesNotShow:
    @pytest.mark.parametrize("code", ["file_sharing_disabled", "invalid_arguments"])
    async def test_a_refusal_leaves_the_thread_open_and_is_said_with_a_button(self, talk: Stage, code: str) -> None:  # noqa: F811
        talk.slack.faults.errors = {SHARE: code}
        await talk.sendblue.customer_says(CUSTOMER, "Look", media=[("one.jpg", JPEG)])
        await until(lambda: len(thread(talk)) == 2)
        said = thread(talk)[1]
        assert "I could not copy a file of theirs" in said.text
        await talk.sendblue.customer_says(CUSTOMER, "And?")
        await until(lambda: "And?" in talk.replies()[-1])
        assert not talk.roots("C0RANDOM")
        assert shares(talk) < 8
        talk.slack.faults.errors = {}
        await talk.slack.click(GENERAL, said.ts, COPY_AGAIN)
        await until(lambda: copies(talk) == ["one.jpg"])

    async def test_words_pass_a_file_that_slack_does_not_show_for_now(self, talk: Stage) -> None:  # noqa: F811
        talk.slack.faults.errors = {SHARE: "message_limit_exceeded"}
        await talk.sendblue.customer_says(CUSTOMER, "Look", media=[("one.jpg", JPEG)])
        await until(lambda: shares(talk))
        await talk.sendblue.customer_says(CUSTOMER, "And?")
        await until(lambda: "And?" in talk.replies()[-1])
        talk.slack.faults.errors = {}
        await until(lambda: copies(talk) == ["one.jpg"])


async def test_a_root_that_is_deleted_before_its_file_stands_is_posted_anew_with_it(talk: Stage) -> None:  # noqa: F811
    talk.sendblue.faults.slow_media = 1.0
    await talk.sendblue.customer_says("+14155550188", "Hello", media=[("me.jpg", JPEG)])
    await until(lambda: talk.roots("C0RANDOM"))
    first = talk.root("C0RANDOM").ts
    talk.slack.delete("C0RANDOM", first)
    [root] = await until(lambda: [one for one in talk.roots("C0RANDOM") if one.ts != first], within=20)
    [copy] = await until(lambda: [one for one in talk.slack.replies("C0RANDOM", root.ts) if one.files])
    assert "Hello" in root.text
    assert [file.name for file in copy.files] == ["me.jpg"]


async def test_nothing_of_a_text_leaves_when_its_customer_opts_out_while_its_file_is_copied(talk: Stage) -> None:  # noqa: F811
    talk.slack.faults.slow_download = 1.0
    reply = await share(talk, "Our menu", ("menu.png", PNG, "image/png"))
    await until(lambda: any(call.method == "files.info" for call in talk.slack.calls))
    await talk.sendblue.customer_says(CUSTOMER, "STOP")
    await until(lambda: "x" in reply.reactions)
    await until(lambda: any("upload-file" in call.method for call in talk.sendblue.calls))
    assert len(talk.bubbles()) == 1


async def test_a_file_that_takes_too_long_holds_nobody_up_for_longer_than_said(
    talk: Stage,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attachments, "_HOLDS", timedelta(seconds=1.5))
    talk.slack.faults.hang_download = True
    reply = await share(talk, "Our menu", ("menu.png", PNG, "image/png"))
    await share(talk, "Second")
    await until(lambda: "x" in reply.reactions)
    await until(lambda: len(talk.bubbles()) == 2)
    assert talk.bubbles()[1].content == "Second"
    assert "I could not hand its file to Sendblue in time." in "\n".join(talk.replies())


@pytest.mark.parametrize("incoming", [True, False])
async def test_a_fault_of_ours_is_tried_again_like_any_other(
    talk: Stage,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    incoming: bool,
) -> None:
    """And sooner than its claim ends; a fault that stays is met no more often than any other."""
    tries = list[str]()

    def faulty(name: str, kind: Kind) -> str:
        tries.append(name)
        if len(tries) < 3:
            raise LookupError
        return safe_name(name, kind)

    monkeypatch.setattr(carrying, "safe_name", faulty)
    if incoming:
        await talk.sendblue.customer_says(CUSTOMER, "Look", media=[("one.jpg", JPEG)])
        await until(lambda: copies(talk) == ["one.jpg"])
    else:
        await share(talk, "Our menu", ("menu.png", PNG, "image/png"))
        await until(lambda: len(talk.bubbles()) == 2)
    assert len(tries) == 3
