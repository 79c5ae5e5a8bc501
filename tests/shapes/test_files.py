"""What the bot reads of files in every shape that Slack is known to use for a message with some."""

import json

import pytest

from bot.domain.reply import SharedFile
from handlers.typed import read_message
from tests.shapes import names, raw

MENU = SharedFile("F0MENU", "Menu.png", 48213)
FILES: dict[str, tuple[SharedFile, ...]] = {
    "file_hosted": (MENU,),
    "file_permalink_no_text": (MENU,),
    "file_with_text_and_x_files": (MENU,),
    "thread_broadcast_with_files": (MENU,),
    "file_several": (SharedFile("F0ONE", "one.png", 48213), SharedFile("F0TWO", "two.pdf", 48213)),
    "file_unfinished": (SharedFile("F0MENU", "Menu.png", 0),),
    "file_connect_stub": (SharedFile("F0MENU", "file", 0),),
    "file_voice_clip": (SharedFile("F0MENU", "audio_message.webm", 48213),),
    "file_external": (SharedFile("F0MENU", "Menu.png", 48213, "file_external"),),
    "file_snippet": (SharedFile("F0MENU", "Menu.png", 48213, "file_snippet"),),
    "file_post": (SharedFile("F0MENU", "Menu.png", 48213, "file_snippet"),),
    "file_email": (SharedFile("F0MENU", "Menu.png", 48213, "file_snippet"),),
    "file_tombstone": (),
}
"""Shape → the files in it; why some cannot be sent is known at once."""


@pytest.mark.parametrize(("name", "files"), FILES.items())
def test_what_a_message_says_of_its_files_is_read(name, files):
    reply = read_message(json.loads(raw("slack/events", name)), team="T0TEAM", channel="C0EXAMPLE", us="U0BOT")
    assert reply is not None
    assert reply.files == files


def test_no_shape_with_files_is_left_out():
    told = {name for name in names("slack/events") if b'"files"' in raw("slack/events", name)}
    assert told - set(FILES) == {"attachment_removed"}  # an edit


def test_a_file_that_its_author_took_away_is_no_file_of_the_edited_words():
    event = json.loads(raw("slack/events", "attachment_removed"))
    reply = read_message(event["message"], team="T0TEAM", channel="C0EXAMPLE", us="U0BOT")
    assert reply is not None
    assert reply.files == ()
