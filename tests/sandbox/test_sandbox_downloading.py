"""What people share in the pretend Slack, as the app is told of it, looks at it and downloads it."""

import asyncio
import hashlib
import json
import time

import aiohttp
import pytest

from sandbox.contents import MIB, MadeUp
from sandbox.slack import SlackRefusalError
from tests.conftest import until
from tests.samples import HOSTILE_NAMES, JPEG, MP4
from tests.sandbox.conftest import PLACE, TOKEN, TOKENED, refusal, replies
from tests.shapes import raw


class TestDownloading:
    @pytest.fixture
    async def url(self, slack, root) -> str:
        """Where a file is that Ana shared."""
        return str((await slack.reply(PLACE, root, "", files=[("Menu.jpg", JPEG, "image/jpeg")])).files[0].url)

    @pytest.fixture
    def read(self, http):
        async def read(url: str, **headers: str) -> tuple[int, bytes]:
            async with http.get(url, headers=TOKENED | headers, allow_redirects=False) as answer:
                return answer.status, await answer.read()

        return read

    async def test_with_the_token_there_are_bytes_and_else_a_page(self, slack, url, read):
        assert await read(url) == (200, JPEG)
        for wrong in ("", "Bearer other", TOKEN[:-1]):
            status, page = await read(url, Authorization=wrong)
            assert (status, page[:15]) == (200, b"<!DOCTYPE html>")
        slack.scopes = [scope for scope in slack.scopes if scope != "files:read"]
        assert (await read(url))[1].startswith(b"<!DOCTYPE html>")
        assert [(call.method, call.status) for call in slack.transfers] == [("download", 200)] * 5

    async def test_a_download_can_be_a_page_or_a_refusal(self, slack, url, read):
        slack.faults.download_html = True
        assert (await read(url))[1].startswith(b"<!DOCTYPE html>")
        for status in (302, 403, 429, 500):
            slack.faults.refuse_download = status
            assert await read(url) == (status, b"")

    @pytest.mark.parametrize(("lie", "size"), [("fewer", len(JPEG) // 2), ("more", len(JPEG) + 1000)])
    async def test_a_download_can_have_another_size_than_was_said(self, slack, url, read, lie, size):
        slack.faults.size_lies = lie
        status, data = await read(url)
        assert (status, len(data), data[:10]) == (200, size, JPEG[:10])

    async def test_a_download_can_be_cut_off(self, slack, url, read):
        slack.faults.cut_download = True
        with pytest.raises(aiohttp.ClientPayloadError):
            await read(url)

    async def test_a_download_can_be_slow(self, slack, url, read):
        slack.faults.slow_download, begun = 0.2, time.monotonic()
        assert await read(url) == (200, JPEG)
        assert time.monotonic() - begun > 0.15

    async def test_a_download_can_hang(self, slack, url, read):
        slack.faults.hang_download = True
        reading = asyncio.ensure_future(read(url))
        await until(lambda: slack.transfers)
        assert not reading.done()
        slack.faults.hang_download = False
        assert await reading == (200, JPEG)

    async def test_a_file_of_any_size_takes_no_memory(self, slack, root, http):
        made = MadeUp(20 * MIB, JPEG)
        said = await slack.reply(PLACE, root, "", files=[("large.jpg", made, "image/jpeg")])
        async with http.get(said.files[0].url, headers=TOKENED) as answer:
            digest = hashlib.sha256()
            async for piece in answer.content.iter_any():
                digest.update(piece)
        assert (digest.hexdigest(), said.files[0].size, made.data) == (made.sha256, 20 * MIB, None)


class TestPeople:
    async def test_a_file_is_told_of_with_its_type_and_place(self, slack, bot, info, root):
        await slack.reply(PLACE, root, "", files=[("Menu.jpg", JPEG, "image/jpeg")])
        event = bot.events[0]
        assert (event["subtype"], event["text"], "blocks" in event) == ("file_share", "", False)
        [file] = event["files"]
        assert file.keys() - {"created", "user"} == json.loads(raw("slack/events", "file_hosted"))["files"][
            0
        ].keys() - {*("alt_txt", "original_h", "original_w", "thumb_360")}
        assert (file["mimetype"], file["size"], file["mode"]) == ("image/jpeg", len(JPEG), "hosted")
        ts = {"ts": event["ts"], "thread_ts": root}
        assert await info(file["id"]) == file | {"shares": {"public": {PLACE: [ts]}}}

    async def test_a_scan_keeps_type_and_bytes_back_for_a_while(self, slack, bot, info, http, root):
        slack.faults.scan_seconds = 3600
        said = await slack.reply(PLACE, root, "Look", files=[("Menu.jpg", JPEG, "image/jpeg")])
        [file], shape = bot.events[0]["files"], json.loads(raw("slack/events", "file_unfinished"))["files"][0]
        assert (file.keys(), file["mimetype"], file["filetype"]) == (shape.keys(), "", "")
        assert await info(file["id"]) == file
        async with http.get(said.files[0].url, headers=TOKENED) as answer:
            assert (await answer.text()).startswith("<!DOCTYPE html>")
        said.files[0].scanned_at = 0
        assert (await info(file["id"]))["mimetype"] == "image/jpeg"
        async with http.get(said.files[0].url, headers=TOKENED) as answer:
            assert await answer.read() == JPEG

    async def test_a_scan_ends_by_itself(self, slack):
        slack.faults.scan_seconds, begun = 0.1, time.monotonic()
        file = slack.files.make("Menu.jpg", JPEG)
        await until(lambda: file.scanned)
        assert time.monotonic() - begun > 0.1

    @pytest.mark.parametrize("mode", ["external", "snippet", "post", "email"])
    async def test_files_of_other_kinds_are_told_as_slack_does(self, slack, bot, info, http, root, mode):
        made = slack.files.make("Budget", None if mode == "external" else b"1,2", "text/plain", mode=mode)
        await slack.reply(PLACE, root, "", files=[made])
        [file], shape = bot.events[0]["files"], json.loads(raw("slack/events", f"file_{mode}"))["files"][0]
        assert (file["mode"], file["is_external"]) == (shape["mode"], shape["is_external"])
        assert file["url_private"].startswith("https://drive.example.com" if mode == "external" else slack.base_url)
        async with http.get(file["url_private_download"], headers=TOKENED) as answer:
            assert (await answer.read() == b"1,2") is (mode != "external")

    async def test_a_voice_clip_is_called_webm_and_is_none(self, slack, bot, root):
        await slack.reply(PLACE, root, "", files=[slack.files.voice_clip(MP4)])
        [file], shape = bot.events[0]["files"], json.loads(raw("slack/events", "file_voice_clip"))["files"][0]
        told = ("name", "mimetype", "filetype", "subtype")
        assert [file[name] for name in told] == [shape[name] for name in told]

    async def test_a_file_from_elsewhere_is_a_stub_that_can_be_looked_at_or_not(self, slack, bot, info, http, root):
        open_one, closed = (slack.files.make("a.jpg", JPEG, kind=kind) for kind in ("stub", "denied"))
        await slack.reply(PLACE, root, "", user="U0STRANGER", files=[open_one, closed])
        shape = json.loads(raw("slack/events", "file_connect_stub"))["files"][0]
        assert bot.events[0]["files"] == [shape | {"id": file.id} for file in (open_one, closed)]
        looked = await info(open_one.id)
        async with http.get(looked["url_private_download"], headers=TOKENED) as answer:
            assert (looked["mode"], await answer.read()) == ("hosted", JPEG)
        assert await refusal(info(closed.id)) == "access_denied"

    async def test_a_deleted_file_leaves_a_tombstone(self, slack, bot, client, info, http, root):
        said = await slack.reply(PLACE, root, "", files=[("a.jpg", JPEG, "image/jpeg"), ("b.jpg", JPEG, "image/jpeg")])
        first, second = said.files
        await slack.remove_file(PLACE, said.ts, first.id, user="U0ANA")
        event, tombstone = bot.events[-1], {"id": first.id, "mode": "tombstone"}
        assert event["subtype"] == "message_changed"
        assert [file["mode"] for file in event["previous_message"]["files"]] == ["hosted", "hosted"]
        assert event["message"]["files"][0] == (await replies(client, root))[0]["files"][0] == tombstone
        assert event["message"]["files"][1]["id"] == second.id
        assert await refusal(info(first.id)) == "file_deleted"
        async with http.get(first.url, headers=TOKENED) as answer:
            assert answer.status == 404
        for file, user, error in ((second.id, "U0BEN", "cant_delete_file"), ("F0NONE", None, "file_not_found")):
            with pytest.raises(SlackRefusalError, match=error):
                await slack.remove_file(PLACE, said.ts, file, user=user)

    async def test_the_bot_knows_no_file_of_a_place_that_it_cannot_see(self, slack, info):
        said = await slack.reply("G0SECRET", None, "", files=[("a.jpg", JPEG, "image/jpeg")])
        assert await refusal(info(said.files[0].id)) == "file_not_found"

    @pytest.mark.parametrize("name", HOSTILE_NAMES)
    async def test_any_name_is_passed_on_as_it_is_and_leads_to_its_bytes(self, slack, bot, http, root, name):
        await slack.reply(PLACE, root, "", files=[(name, JPEG, "image/jpeg")])
        [file] = bot.events[0]["files"]
        assert file["name"] == name
        async with http.get(file["url_private_download"], headers=TOKENED) as answer:
            assert await answer.read() == JPEG
