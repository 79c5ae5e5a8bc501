"""Files in the pretend Slack, as the app uploads, looks at and downloads them."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.conftest import until
from tests.samples import JPEG, MP4
from tests.sandbox.conftest import PLACE, TOKEN, replies
from tests.shapes import raw

TOKENED = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        yield session


@pytest.fixture
def announce(client):
    async def announce(name: str = "menu.jpg", length: int = len(JPEG), **more: Any) -> tuple[str, str]:
        """Return the upload URL and the id of a file."""
        answer = await client.api_call(
            "files.getUploadURLExternal", params={"filename": name, "length": length, **more}
        )
        return answer["upload_url"], answer["file_id"]

    return announce


@pytest.fixture
def upload(announce, http):
    async def upload(name: str = "menu.jpg", data: bytes = JPEG) -> str:
        """Upload a file that is not shared yet, and return its id."""
        url, file = await announce(name, len(data))
        async with http.post(url, data=data) as answer:
            assert (answer.status, await answer.text()) == (200, f"OK - {len(data)}")
        return file

    return upload


@pytest.fixture
def complete(client, root):
    async def complete(*files: str, **more: Any) -> Any:
        """Share files in the thread."""
        given = {"files": [{"id": file, "title": "Menu"} for file in files], "channel_id": PLACE, "thread_ts": root}
        return await client.api_call("files.completeUploadExternal", json=given | more)

    return complete


@pytest.fixture
def info(client):
    async def info(file: str) -> dict[str, Any]:
        return dict((await client.api_call("files.info", params={"file": file}))["file"])

    return info


class TestUploading:
    async def test_two_files_stand_in_one_message_of_ours(self, slack, client, info, upload, complete, root):
        first, second = await upload(), await upload("clip.mp4", MP4)
        answer = await complete(first, second, initial_comment="From Ana")
        assert answer.data.keys() == json.loads(raw("slack/answers", "upload_complete")).keys()
        assert (await info(first))["shares"] == {}
        [share] = await until(lambda: slack.replies(PLACE, root))
        [read] = await replies(client, root)
        assert (read["subtype"], read["text"], read["bot_id"]) == ("file_share", "From Ana", "B0BLUE")
        assert [(file["id"], file["title"], file["mimetype"]) for file in read["files"]] == [
            (first, "Menu", "image/jpeg"),
            (second, "Menu", "video/mp4"),
        ]
        for file in (first, second):
            assert (await info(file))["shares"] == {"public": {PLACE: [{"ts": share.ts, "thread_ts": root}]}}
        assert slack.files[first].content.data == JPEG

    async def test_a_multipart_upload_is_taken_like_a_raw_one(self, slack, announce, http):
        url, file = await announce()
        form = aiohttp.FormData()
        form.add_field("token", "whatever")
        form.add_field("filename", JPEG, filename="menu.jpg", content_type="image/jpeg")
        async with http.post(url, data=form) as answer:
            assert answer.status == 200
        assert slack.files[file].content.data == JPEG


class TestDownloading:
    async def test_a_shared_file_is_told_of_and_downloaded_with_the_token(self, slack, bot, http, info, root):
        await slack.reply(PLACE, root, "", files=[("Menu.jpg", JPEG, "image/jpeg")])
        event = bot.events[0]
        assert (event["subtype"], event["text"], "blocks" in event) == ("file_share", "", False)
        [file] = event["files"]
        assert (file["mimetype"], file["size"], file["mode"]) == ("image/jpeg", len(JPEG), "hosted")
        assert (await info(file["id"]))["url_private_download"] == file["url_private_download"]
        async with http.get(file["url_private_download"], headers=TOKENED) as answer:
            assert (answer.status, await answer.read()) == (200, JPEG)
            assert answer.headers["Content-Length"] == str(len(JPEG))
        async with http.get(file["url_private_download"]) as answer:
            assert (answer.status, (await answer.text())[:15]) == (200, "<!DOCTYPE html>")
