"""Bugs somebody could make with files, to be planted as those of bugs.py."""

from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from bot.domain.thread import Thread
from bot.services.file_posts import FilePosts
from bot.storage import conversations
from bot.storage.threads import Outcome
from tests.chaos.simulation.bug import Bug
from tests.statements import Sql


def _words_after_a_file_do_not_wait() -> AbstractContextManager[Any]:
    """Words are shown before the files of earlier ones."""
    return patch.object(Thread, "_waits_for_files", False)


def _a_share_is_repeated_without_looking() -> AbstractContextManager[Any]:
    """A share without an answer is made again."""

    async def look(_: FilePosts, thread: Any) -> Outcome:
        return Outcome(thread.not_posted())

    return patch.object(FilePosts, "look", look)


def _a_text_does_not_wait_for_its_files() -> AbstractContextManager[Any]:
    """What waits for its files goes when anything else lets its conversation out."""
    at_once = conversations._LET_OUT.sqlite.replace("stage = 0", "stage = -1")
    return patch.object(conversations, "_LET_OUT", Sql(at_once))


FILE_BUGS = {
    "words after a file do not wait": Bug(_words_after_a_file_do_not_wait, "words overtake a file", 0),
    "a share is repeated without looking": Bug(_a_share_is_repeated_without_looking, "is shared twice", 0),
    "a text does not wait for its files": Bug(_a_text_does_not_wait_for_its_files, "without its file", 3),
}
