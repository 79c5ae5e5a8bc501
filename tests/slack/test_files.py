"""How bytes go to Slack."""

import asyncio
import io

from bot.slack.files import SlackFiles
from bot.slack.notifier import Notifier
from sandbox.board import Board
from sandbox.serving import serving
from sandbox.slack import PretendSlack
from tests.conftest import SIGNING, TOKEN

SIZE = 2 << 20


class Noting(io.BytesIO):
    """A file that notes in which turn of the event loop each piece is read."""

    turn = 0

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.read_in: list[int] = []

    def read(self, size: int | None = -1) -> bytes:
        self.read_in.append(self.turn)
        return super().read(size)

    async def count(self) -> None:
        while True:
            await asyncio.sleep(0)
            self.turn += 1


async def test_others_have_their_turn_between_two_pieces_of_a_file() -> None:
    slack, file = PretendSlack(Board(), TOKEN, SIGNING), Noting(bytes(SIZE))
    async with serving(slack.app) as slack.base_url, Notifier(f"{slack.base_url}/api/", TOKEN) as notifier:
        counting = asyncio.create_task(file.count())
        file_id = await SlackFiles(notifier.client, timeout=20).put(file, SIZE, "clip.mp4", "")
        counting.cancel()
    assert slack.files[file_id].size == SIZE
    assert len(file.read_in) > 10
    assert len(set(file.read_in)) == len(file.read_in)
    await slack.aclose()
