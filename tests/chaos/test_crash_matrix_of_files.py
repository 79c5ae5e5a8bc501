"""kill -9 before and after each network step of a file, from a phone to its thread and from a thread to a phone.

Each file is shown once, below its words; no text leaves without its file, and none of which another file is refused.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.slack.questions import SEND
from tests.chaos.conftest import WEBHOOK_SECRET, OpenRuin, Ruin, cases
from tests.conftest import LINE, until


@dataclass(frozen=True)
class Life:
    """How many files are sent, and what is wrong with the neighbours meanwhile. after: words said after them."""

    files: int = 1
    words: str = "Our table."
    after: str = ""
    hooked: bool = True
    slack: dict[str, Any] = field(default_factory=dict)
    sendblue: dict[str, Any] = field(default_factory=dict)


def shown(*, again: bool = False, **more: Any) -> dict[str, Any]:
    """Return a Slack's switches. again: a file that is shared a second time stands there twice."""
    return {"share_again": again} | more


PLAIN, AGAIN = Life(slack=shown()), Life(slack=shown(again=True))
ONCE = Life(slack={"upload_once": True})
TALK, TALK_AGAIN = (Life(after="Is it right?", slack=shown(again=again)) for again in (False, True))
UNANSWERED, UNANSWERED_AGAIN = (Life(slack=shown(again=again, lose_share_answer=1)) for again in (False, True))
LATE, LATE_AGAIN = (Life(after="Well?", slack=shown(again=again, late_share=3.0)) for again in (False, True))
UPLOAD_UNANSWERED = Life(slack={"lose_upload_answer": 1})
SEVERAL = Life(files=3, words="", slack=shown(again=True))
GONE = Life(sendblue={"refuse_media": 404})
DOWNLOAD, URL, BYTES = "/media/inbound-file-store/", "/api/files.getUploadURLExternal", "/upload/v1/"
SHARE, LOOK, POST = "/api/files.completeUploadExternal", "/api/files.info", "/api/chat.postMessage"
LIST = f"/api/v2/messages$?is_outbound=false&sendblue_number=%2B{LINE[1:]}"

FROM_PHONE = {
    "webhook": (PLAIN, "/sendblue/webhook", 1),
    "list": (Life(hooked=False), LIST, 2),
    "words": (PLAIN, POST, 1),
    "download": (PLAIN, DOWNLOAD, 1),
    "upload URL": (PLAIN, URL, 1),
    "bytes": (PLAIN, BYTES, 1),
    "bytes that are taken once": (ONCE, BYTES, 1),
    "bytes after a lost answer": (UPLOAD_UNANSWERED, BYTES, 2),
    "share": (PLAIN, SHARE, 1),
    "share that would show twice": (AGAIN, SHARE, 1),
    "look": (PLAIN, LOOK, 1),
    "look that could show twice": (AGAIN, LOOK, 1),
    "look after a lost answer": (UNANSWERED, LOOK, 1),
    "look after a lost answer that could show twice": (UNANSWERED_AGAIN, LOOK, 1),
    "share that is late": (LATE, SHARE, 1),
    "share that is late and would show twice": (LATE_AGAIN, SHARE, 1),
    "second look at what is late": (LATE_AGAIN, LOOK, 2),
    "words after a file": (TALK, POST, 2),
    "words after a file that would show twice": (TALK_AGAIN, POST, 2),
    "download of the second": (SEVERAL, DOWNLOAD, 2),
    "bytes of the third": (SEVERAL, BYTES, 3),
    "share of several": (SEVERAL, SHARE, 1),
    "words about what cannot be copied": (GONE, POST, 2),
}
SHORT = {
    ("sqlite", "bytes", "after"),
    ("sqlite", "share that would show twice", "after"),
    ("sqlite", "second look at what is late", "before"),
    ("postgresql", "webhook", "after"),
    ("postgresql", "download", "after"),
    ("postgresql", "share that would show twice", "before"),
}


async def _begun(open_ruin: OpenRuin, *, hooked: bool = True, **settings: str) -> Ruin:
    """Have a customer who was texted once, in a thread that says all there is to say."""
    ruin = await open_ruin(step=0.05, **settings)
    if hooked:
        ruin.sendblue.webhook_url, ruin.sendblue.webhook_secret = f"{ruin.url}/sendblue/webhook", WEBHOOK_SECRET
    await ruin.bot.start()
    await ruin.ledger.type("Table at eight?")
    await ruin.end()
    return ruin


@pytest.mark.parametrize(("engine", "step", "after"), cases(FROM_PHONE, SHORT))
async def test_killed_at_one_step_of_a_file_from_the_phone(
    open_ruin: OpenRuin, judge: Callable[[Ruin], None], step: str, *, after: bool
) -> None:
    life, path, nth = FROM_PHONE[step]
    ruin = await _begun(open_ruin, hooked=life.hooked)
    number = ruin.ledger.promises[0].number
    ruin.slack.faults.patch(life.slack)
    ruin.sendblue.faults.patch(life.sendblue)
    ruin.trap.set(path, nth, after=after)

    async def send() -> None:
        await ruin.files.from_phone(number, life.words, life.files)
        if life.after:
            await ruin.ledger.answer(number, life.after)

    sending = asyncio.create_task(send())
    await until(lambda: ruin.trap.sprung or (sending.done() and ruin.over()), within=20)
    ruin.sendblue.faults.reset()
    if ruin.trap.sprung:  # else this life had fewer steps
        await ruin.revive()
    await sending
    await ruin.end(within=90)  # a share that did not come about is looked for during a minute
    judge(ruin)
    if life.after:
        [(thread, place)] = ruin.files.places()[ruin.files.sent[0].data]
        assert place < next(at for at, post in enumerate(thread) if life.after in post.text)


SENT, TWO = Life(), Life(files=2)
REFUSED = Life(files=-1)  # a photo, and what no phone is sent
BUSY = Life(sendblue={"refuse_upload": 500})
DOUBTED = Life(files=2, sendblue={"drop_after_accept": True, "lose_callbacks": True})
ASKED = Life(files=2)
READ, UPLOAD, SEND_IT = "/files-pri/", "/api/upload-file", "/api/send-message"

FROM_THREAD = {
    "event": (SENT, "/slack/events", 1),
    "what Slack says of it": (SENT, LOOK, 1),
    "download": (SENT, READ, 1),
    "upload": (SENT, UPLOAD, 1),
    "send": (SENT, SEND_IT, 1),
    "callback": (SENT, "/sendblue/status/", 1),
    "mark": (SENT, "/api/reactions.add", 1),
    "upload after a failure": (BUSY, UPLOAD, 2),
    "second download": (TWO, READ, 2),
    "second upload": (TWO, UPLOAD, 2),
    "send of the first": (TWO, SEND_IT, 1),
    "send of the second": (TWO, SEND_IT, 2),
    "what Slack says of what is refused": (REFUSED, LOOK, 2),
    "download of what is refused": (REFUSED, READ, 2),
    "mark of a refusal": (REFUSED, "/api/reactions.add", 1),
    "words about a refusal": (REFUSED, POST, 1),
    "search in doubt": (DOUBTED, "/api/v2/messages$?is_outbound=true", 1),
    "question": (ASKED, "/api/chat.postEphemeral", 1),
    "click": (ASKED, "/slack/events", 2),
    "upload after the click": (ASKED, UPLOAD, 1),
    "send after the click": (ASKED, SEND_IT, 1),
}
SHORT_OUT = {
    ("sqlite", "upload", "after"),
    ("sqlite", "send of the second", "before"),
    ("sqlite", "download of what is refused", "before"),
    ("postgresql", "event", "after"),
    ("postgresql", "second upload", "before"),
    ("postgresql", "click", "after"),
}


@pytest.mark.parametrize(("engine", "step", "after"), cases(FROM_THREAD, SHORT_OUT))
async def test_killed_at_one_step_of_a_file_from_the_thread(
    open_ruin: OpenRuin, judge: Callable[[Ruin], None], step: str, *, after: bool
) -> None:
    life, path, nth = FROM_THREAD[step]
    asked = life is ASKED
    ruin = await _begun(open_ruin, THREAD_REPLIES="ask" if asked else "send")
    root, number = ruin.roots()[0], ruin.ledger.promises[0].number
    ruin.slack.faults.patch(life.slack)
    ruin.sendblue.faults.patch(life.sendblue)
    ruin.trap.set(path, nth, after=after)
    files = [ruin.files.photo() for _ in range(abs(life.files))]
    files += [ruin.files.program()] if life is REFUSED else []
    click, kind = (SEND, "held") if asked else ("", "reply")
    typing = ruin.colleagues.type(root, number, "U0BEN", kind, click, files)
    typed = asyncio.create_task(typing)
    await until(lambda: ruin.trap.sprung or (typed.done() and ruin.over()), within=20)
    ruin.sendblue.faults.reset()
    if ruin.trap.sprung:  # else its news were merged
        await ruin.revive()
    one = await typed
    later = await ruin.colleagues.type(root, number, "U0BEN", kind, click)
    await ruin.end(within=40)
    judge(ruin)
    there = [bubble.content for bubble in ruin.bubbles()]
    assert later.words in there
    if one.refused:
        assert one.words not in there
