"""The tour must notice a bot that breaks its promises, and be content with one that keeps them."""

import io

from sandbox.narrator import Narrator, plain
from sandbox.scenes import MENU, PHOTO, SCENES, a_plain_text
from sandbox.sendblue.intake import message_to
from sandbox.slack import SlackMessage
from sandbox.slack.workspace import shown
from sandbox.stage import Stage
from sandbox.tour import tour
from tests.sandbox.silent_bot import SILENT_BOT


def narrator() -> tuple[Narrator, io.StringIO]:
    paper = io.StringIO()
    return Narrator(paper), paper


async def impatient(stage: Stage) -> None:
    stage.patience = 0.3
    await a_plain_text(stage)


async def test_a_bot_that_says_yes_and_does_nothing_is_found_out():
    voice, paper = narrator()
    broken = await tour(voice, {"A plain text": impatient}, SILENT_BOT)
    assert broken == ["A plain text: the thread says “delivered”"]
    assert "BROKEN   the thread says “delivered”" in paper.getvalue()


async def test_the_real_bot_keeps_its_word():
    voice, paper = narrator()
    title = "A channel without the bot"
    assert await tour(voice, {"A plain text": a_plain_text, title: SCENES[title]}) == []
    transcript = paper.getvalue()
    assert "phone    Table at eight?" in transcript
    assert "Delivered as iMessage" in transcript
    assert "BROKEN" not in transcript
    assert "\x1b" not in transcript  # no colours, no spinner where nobody can see them


async def test_what_is_typed_in_a_thread_and_its_mark_stand_in_the_transcript():
    voice, paper = narrator()
    assert await tour(voice, {title: SCENES[title] for title in ("A note", "Ask, then send")}) == []
    transcript = paper.getvalue()
    assert "Ana      └ !psst, they are regulars" in transcript
    assert "mark     🔒 on “!psst, they are regulars”" in transcript
    assert "Ana      clicks Send" in transcript
    assert "BROKEN" not in transcript


async def test_files_pass_both_ways_whole_though_the_bot_is_killed_while_it_copies_them():
    voice, paper = narrator()
    titles = ("A photo from the phone", "A menu from the thread")
    assert await tour(voice, {title: SCENES[title] for title in titles}) == []
    assert "kept     table.jpg stands in the thread once, whole" in paper.getvalue()
    assert "kept     menu.png is on the phone once, whole" in paper.getvalue()


async def test_a_file_that_did_not_arrive_is_found_out():
    async def nothing(stage: Stage) -> None:
        stage.thread_has(PHOTO)
        stage.phone_has(MENU)

    voice, _ = narrator()
    assert await tour(voice, {"Nothing": nothing}, SILENT_BOT) == [
        "Nothing: table.jpg stands in the thread once, whole",
        "Nothing: menu.png is on the phone once, whole",
    ]


def test_files_stand_in_the_transcript_by_their_names():
    voice, paper = narrator()
    said = message_to("+15550100900", "+14155552671", "")
    said.media_url, said.media = "https://example.com/menu.jpg", [{"name": "menu.jpg"}]
    voice.tell(("phone", said.event()))
    files = [{"id": "F0MENU", "name": "menu.png"}]
    voice.tell(("message", shown(SlackMessage("C0GENERAL", "1.2", None, "U0BLUE", "B0BLUE", "Look", files=files))))
    assert "phone    [menu.jpg]" in paper.getvalue()
    assert "thread   Look [menu.png]" in paper.getvalue()


def test_slacks_markup_is_read_aloud():
    text = "*<@U0ANA>* says 2 * 3 &lt; 7 &amp; more, <!date^1700000000^{time}|Nov 14, 22:13 UTC>"
    assert plain(text) == "@Ana says 2 * 3 < 7 & more, Nov 14, 22:13 UTC"
