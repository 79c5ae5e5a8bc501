"""Files where two who do something about the same one, or what somebody did and what they did next, meet."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace

from bot.domain.attachment import Attachment
from bot.domain.delivery import Delivery
from bot.domain.known import Report
from bot.domain.reply import Edit, SharedFile
from bot.domain.thread import Lane, Step, Thread
from bot.storage.carrying import (
    Carriers,
    Copied,
    Failed,
    Lease,
    Uploaded,
    claim_attachments,
    note_copied,
    note_failed,
    note_uploaded,
    renew,
)
from bot.storage.claims import Capacity
from bot.storage.decisions import NewDecision, decide_many
from bot.storage.held import Heed
from bot.storage.inbound import Arrival, take_many
from bot.storage.reply_edits import Changed, edit_replies
from bot.storage.reports import Heard, apply_many
from bot.storage.threads import Outcome, finish_threads
from tests.statements import asking
from tests.storage.desk import LEASE, SECOND, Desk
from tests.storage.test_inbound import INBOX, a_place, said
from tests.storage.test_typed import SENDS, Writing

FILE = SharedFile("F1", "menu.pdf", 900)


async def claim(desk: Desk) -> list[Attachment]:
    carriers = Carriers(Capacity(10, timedelta(seconds=15), SECOND), first=False)
    return (await desk.store.write(claim_attachments, carriers)).items


async def attachments(desk: Desk, which: str) -> list[Any]:
    return [row[0] for row in await desk.store.read(asking(f"SELECT {which} FROM attachments ORDER BY place"))]


def with_file(desk: Desk) -> Arrival:
    photo = replace(said(desk, "Look").said, files=("https://storage.googleapis.com/x/one.jpg",))
    return Arrival(photo, INBOX)


async def step(desk: Desk) -> tuple[Step, Thread]:
    [claimed] = await desk.threads(interval=timedelta(0))
    return claimed


async def test_a_copy_that_is_done_is_not_begun_anew_when_its_claim_is_held_longer_a_moment_later(desk: Desk) -> None:
    await a_place(desk)
    await desk.store.write(take_many, with_file(desk))
    [one] = await claim(desk)
    await desk.store.write(note_copied, Copied(one, "F1", "Photo"))
    assert not await desk.store.write(renew, Lease(one, LEASE))
    assert await attachments(desk, "due_at") == [None]


@pytest.fixture
async def writing(desk: Desk) -> Writing:
    """Somebody who may type in a thread that is open."""
    await a_place(desk)
    await desk.sends()
    return Writing(desk, SENDS)


async def typed(writing: Writing, *files: SharedFile) -> Attachment:
    """Have somebody type a text with files, and claim the first of these."""
    await writing.types("Our menu", files=files or (FILE,))
    await writing.finishes(await writing.claims())
    [first, *_] = await claim(writing.desk)
    return first


async def test_nothing_leaves_without_its_file_when_it_is_tried_again_while_it_is_given_up(writing: Writing) -> None:
    desk = writing.desk
    one = await typed(writing)
    [text] = await sends_of(desk, "Our menu")
    failed = Report("bot", desk.clock(), Delivery.FAILED, error_code="file_slow", if_still=Delivery.ACCEPTED)
    await desk.store.write(apply_many, Heard(text, failed, timedelta(seconds=120)))
    assert await desk.store.write(decide_many, NewDecision(text, "resend", "U1", uuid4()))
    over = Failed(one, None, "", desk.clock())
    await desk.store.write(note_failed, over)  # whoever gave it up comes to this only now
    [again] = await claim(desk)
    assert again.wanted
    await let_first_text_arrive(desk)
    assert await desk.sends() == []
    await desk.store.write(note_uploaded, Uploaded(again, "https://sendblue.example/menu.pdf"))
    [sent] = await desk.sends()
    assert (sent.words.text, sent.words.media_url) == ("Our menu", "https://sendblue.example/menu.pdf")


async def let_first_text_arrive(desk: Desk) -> None:
    [first] = await sends_of(desk, "Hi")
    await desk.hear(first, Delivery.DELIVERED)
    desk.clock.now += SECOND


async def sends_of(desk: Desk, text: str) -> list[Any]:
    return [row.id for row in await desk.store.read(asking(f"SELECT id FROM sends WHERE text = '{text}'"))]


async def test_an_edit_that_brings_a_file_which_cannot_be_sent_is_refused_aloud(writing: Writing) -> None:
    reply = await writing.types("Our menu")
    new = writing.reply("Our menu", reply.ts, files=(SharedFile("F2", "plan", 0, "file_external"),))
    edit = Changed(Edit(new, "2.2"), "Our menu", SENDS)
    assert await writing.desk.store.write(edit_replies, edit) == "file_external"
    rows = await writing.desk.store.read(asking("SELECT says FROM private_notes"))
    assert [row.says for row in rows] == ["reply:file_external"]
    assert await sends_of(writing.desk, "Our menu") == []


async def test_words_that_waited_for_a_file_take_their_turn_in_the_channel(desk: Desk) -> None:
    await a_place(desk)
    await desk.store.write(take_many, with_file(desk))
    claimed, thread = await step(desk)
    assert claimed is Step.REPLY
    await desk.store.write(finish_threads, Outcome(thread.replied()))
    await desk.store.write(take_many, said(desk, "And?"))
    claimed, thread = await step(desk)
    assert (claimed, claimed.lane) == (Step.WAIT, Lane.FREE)
    await desk.store.write(finish_threads, Outcome(thread, again_in=2 * SECOND, patient=True))
    desk.clock.now += 30 * SECOND
    assert [found for found, _ in await desk.threads()] == []  # it goes to the queue of its channel
    assert [found for found, _ in await desk.threads()] == [Step.REPLY]


async def test_a_clock_that_is_set_back_an_hour_keeps_no_file_and_no_words_behind_it_for_so_long(
    desk: Desk,
) -> None:
    await a_place(desk)
    await desk.store.keep_time()
    await desk.store.write(take_many, with_file(desk))
    _, thread = await step(desk)
    await desk.store.write(finish_threads, Outcome(thread.replied()))
    await desk.store.write(take_many, said(desk, "And?"))
    assert await claim(desk)
    desk.clock.now -= timedelta(hours=1)
    await desk.store.keep_time()
    desk.clock.now += timedelta(seconds=61)
    assert await claim(desk)
    claimed, _ = await step(desk)
    assert claimed is Step.REPLY


async def test_who_takes_a_file_away_after_it_left_is_told_and_offered_no_correction(writing: Writing) -> None:
    desk = writing.desk
    one = await typed(writing)
    await let_first_text_arrive(desk)
    await desk.store.write(note_uploaded, Uploaded(one, "https://sendblue.example/menu.pdf"))
    assert len(await desk.sends()) == 1
    [row] = await desk.store.read(asking("SELECT typed_ts FROM threads WHERE typed_ts IS NOT NULL"))
    new = writing.reply("Our menu", row.typed_ts)
    assert await desk.store.write(edit_replies, Changed(Edit(new, "2.2"), "Our menu", SENDS)) == Heed.LATE
    rows = await desk.store.read(asking("SELECT says FROM private_notes"))
    assert [row.says for row in rows] == ["reply:files_late"]
