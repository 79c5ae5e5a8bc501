"""What the app shares in the pretend Slack: announced, uploaded, completed, and in a message a moment later."""

import asyncio
import json
import time

import aiohttp
import pytest

from sandbox.contents import MIB, MadeUp
from tests.conftest import until
from tests.samples import JPEG, MP4
from tests.sandbox.conftest import PLACE, refusal, replies
from tests.shapes import raw


class TestUploading:
    async def test_two_files_stand_in_one_message_of_ours(self, slack, client, info, upload, complete, root):
        first, second = await upload(), await upload("clip.mp4", MP4)
        answer = await complete(first, second, initial_comment="From Ana")
        assert answer.data.keys() == json.loads(raw("slack/answers", "upload_complete")).keys()
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
        for data in (JPEG, bytes(300_000) + b"\r\n--"):
            url, file = await announce(length=len(data))
            form = aiohttp.FormData()
            form.add_field("token", "whatever")
            form.add_field("filename", data, filename="menu.jpg", content_type="image/jpeg")
            async with http.post(url, data=form) as answer:
                assert answer.status == 200
            assert slack.files[file].content.data == data

    async def test_a_file_may_be_announced_in_a_form_or_in_json(self, client):
        shape = json.loads(raw("slack/answers", "upload_url"))
        for how in ("params", "data", "json"):
            given = {how: {"filename": "menu.jpg", "length": 3, "alt_txt": "x" * 1000}}
            assert (await client.api_call("files.getUploadURLExternal", **given)).data.keys() == shape.keys()

    @pytest.mark.parametrize(
        ("switches", "given", "error"),
        [
            ({}, {"length": 0}, "missing_argument"),
            ({}, {"length": ""}, "missing_argument"),
            ({}, {"name": ""}, "missing_argument"),
            ({}, {"alt_txt": "x" * 1001}, "alt_txt_too_large"),
            ({}, {"snippet_type": "text", "length": 1_000_001}, "snippet_too_large"),
            ({"uploads": "none"}, {}, "file_uploads_disabled"),
            ({"uploads": "images"}, {"name": "menu.pdf"}, "file_uploads_except_images_disabled"),
            ({"refused_types": "exe,jpg"}, {}, "file_type_not_allowed"),
            ({"largest_upload": 10}, {"length": 11}, "file_upload_size_restricted"),
        ],
    )
    async def test_what_the_workspace_does_not_take_is_refused_at_once(self, slack, announce, switches, given, error):
        slack.faults.patch(switches)
        assert await refusal(announce(**given)) == error

    async def test_images_are_taken_where_nothing_else_is(self, slack, announce):
        slack.faults.uploads = "images"
        assert await announce("menu.JPG")

    @pytest.mark.parametrize("data", [JPEG[:-1], JPEG + b"x", b""])
    async def test_bytes_of_another_length_are_not_taken(self, announce, http, complete, data):
        url, file = await announce(length=len(JPEG))
        async with http.post(url, data=data) as answer:
            assert (answer.status, await answer.text()) == (400, "length mismatch")
        assert await refusal(complete(file)) == "file_not_found"

    async def test_a_form_without_a_file_is_not_taken(self, announce, http):
        url, _ = await announce()
        async with http.post(url, data=aiohttp.FormData({"a": "b"}, default_to_multipart=True)) as answer:
            assert (answer.status, await answer.text()) == (400, "no file")
        async with http.post(url, data=b"--x\r\n", headers={"Content-Type": "multipart/form-data"}) as answer:
            assert answer.status == 400

    async def test_an_upload_url_expires(self, slack, announce, http):
        slack.faults.upload_url_lives = 0
        url, _ = await announce()
        for gone in (url, f"{slack.base_url}/upload/v1/unknown"):
            async with http.post(gone, data=JPEG) as answer:
                assert answer.status == 404

    async def test_an_upload_can_be_refused_once_or_always(self, slack, announce, http):
        url, file = await announce()
        slack.faults.refuse_upload = 503
        async with http.post(url, data=JPEG) as answer:
            assert answer.status == 503
        assert slack.files[file].content is None
        slack.faults.refuse_upload = 0
        for once, statuses in ((False, [200, 200]), (True, [400])):
            slack.faults.upload_once = once
            for status in statuses:
                async with http.post(url, data=JPEG) as answer:
                    assert answer.status == status

    async def test_the_answer_to_an_upload_can_be_lost(self, slack, announce, http):
        url, file = await announce()
        slack.faults.lose_upload_answer = 1
        with pytest.raises(aiohttp.ClientError):
            await http.post(url, data=JPEG)
        assert (slack.files[file].content.data, slack.faults.lose_upload_answer) == (JPEG, 0)

    async def test_an_upload_can_hang(self, slack, announce, http):
        url, file = await announce()
        slack.faults.hang_upload = True
        uploading = asyncio.ensure_future(http.post(url, data=JPEG))
        await until(lambda: slack.files[file].content)
        assert not uploading.done()
        slack.faults.hang_upload = False
        async with await uploading as answer:
            assert answer.status == 200

    async def test_what_breaks_off_is_not_taken(self, slack, announce, http):
        async def pieces():
            yield JPEG[:10]
            raise ConnectionError

        url, file = await announce()
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            await http.post(url, data=pieces(), headers={"Content-Length": str(len(JPEG))})
        await until(lambda: slack.transfers)
        async with http.post(url, data=JPEG) as answer:
            assert answer.status == 200
        assert [call.status for call in slack.transfers] == [0, 200]
        assert slack.files[file].content.data == JPEG

    async def test_of_large_files_only_size_and_digest_need_to_be_kept(self, slack, announce, http):
        slack.files.store.largest_kept = 5 * MIB
        made = MadeUp(6 * MIB, JPEG)
        url, file = await announce(length=made.size)

        async def pieces():
            for piece in made.pieces():
                yield piece

        async with http.post(url, data=pieces(), headers={"Content-Length": str(made.size)}) as answer:
            assert answer.status == 200
        content = slack.files[file].content
        assert (content.size, content.sha256, content.data) == (made.size, made.sha256, None)

    async def test_upload_urls_are_hidden_in_the_log(self, board, upload, announce):
        url, _ = await announce()
        await upload()
        assert url.rpartition("/")[2] not in json.dumps(board.traffic())
        assert any(row["path"] == "/upload/v1/•••" for row in board.traffic())


class TestSharing:
    async def test_unknown_files_and_those_of_others_are_not_shared(self, slack, complete, announce, root):
        said = await slack.reply(PLACE, root, "", files=[("Menu.jpg", JPEG, "image/jpeg")])
        _, without_bytes = await announce()
        for file in ("F0NONE", without_bytes, said.files[0].id):
            assert await refusal(complete(file)) == "file_not_found"

    @pytest.mark.parametrize(
        ("place", "error"),
        [
            ({"channel_id": "C0RANDOM", "thread_ts": None}, "not_in_channel"),
            ({"channel_id": "G0SECRET", "thread_ts": None}, "channel_not_found"),
            ({"channel_id": "C0OLD", "thread_ts": None}, "is_archived"),
            ({"channel_id": "C0NEWS", "thread_ts": None}, "restricted_action"),
            ({"channel_id": "U0ANA", "thread_ts": None}, "channel_not_found"),
            ({"thread_ts": "1.2"}, "thread_not_found"),
            ({"files": []}, "invalid_arguments"),
        ],
    )
    async def test_places_are_refused_as_for_a_post(self, upload, complete, place, error):
        assert await refusal(complete(await upload(), **place)) == error

    async def test_each_method_needs_its_scope(self, slack, announce, upload, complete, info):
        file = await upload()
        slack.scopes = [scope for scope in slack.scopes if not scope.startswith("files:")]
        for call in (announce(), complete(file), info(file)):
            assert await refusal(call) == "missing_scope"

    async def test_a_direct_message_is_a_private_share_without_a_thread(self, slack, upload, complete, info):
        file = await upload()
        await complete(file, channel_id="D0BOTU0ANA", thread_ts=None)
        await until(lambda: slack.messages("D0BOTU0ANA"))
        [message] = slack.messages("D0BOTU0ANA")
        assert (await info(file))["shares"] == {"private": {"D0BOTU0ANA": [{"ts": message.ts}]}}

    async def test_without_a_place_a_file_stays_where_nobody_sees_it(self, slack, upload, complete, info):
        file = await upload()
        await complete(file, channel_id=None)
        await slack.settle_shares()
        assert (await info(file))["shares"] == {}

    async def test_blocks_count_only_without_a_comment(self, slack, upload, complete, root):
        blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "Blocks"}}]
        await complete(await upload(), blocks=blocks)
        await until(lambda: slack.replies(PLACE, root))
        await complete(await upload(), blocks=blocks, initial_comment="Comment")
        first, second = await until(lambda: (there := slack.replies(PLACE, root))[1:] and there)
        assert [bool(first.blocks), bool(second.blocks), second.text] == [True, False, "Comment"]

    async def test_a_share_can_be_late(self, slack, upload, complete, root):
        slack.faults.late_share = 0.2
        begun = time.monotonic()
        await complete(await upload())
        await until(lambda: slack.replies(PLACE, root))
        assert time.monotonic() - begun > 0.2

    @pytest.mark.parametrize("again", [False, True])
    async def test_a_share_that_never_came_about_can_be_asked_for_again(
        self, slack, upload, complete, info, root, again
    ):
        slack.faults.patch({"never_share": True, "share_again": again})
        file = await upload()
        assert (await complete(file))["ok"]
        assert (await info(file))["shares"] == {}
        slack.faults.never_share = False
        await complete(file)
        await until(lambda: slack.replies(PLACE, root))
        assert len(slack.files[file].shares["public"][PLACE]) == 1

    @pytest.mark.parametrize(("again", "times"), [(False, 1), (True, 3)])
    async def test_files_completed_again_are_shared_once_or_each_time(
        self, slack, upload, complete, info, root, again, times
    ):
        slack.faults.share_again = again
        file = await upload()
        await complete(file)
        await complete(file)  # while the first is under way
        await until(lambda: slack.replies(PLACE, root))
        await complete(file)
        await slack.settle_shares()
        shares = (await info(file))["shares"]["public"][PLACE]
        assert len(shares) == len(slack.replies(PLACE, root)) == times

    async def test_answers_can_be_lost_after_the_deed(self, slack, announce, upload, complete, root):
        file = await upload()
        slack.faults.patch({"lose_share_answer": 1, "lose_upload_url": 1})
        for call in (announce(), complete(file)):
            with pytest.raises(aiohttp.ClientError):
                await call
        await until(lambda: slack.replies(PLACE, root))
        assert slack.files[file].shares
        assert await announce()

    async def test_the_app_is_told_of_its_own_share_if_so_asked(self, slack, bot, upload, complete):
        slack.faults.own_events = True
        await complete(await upload())
        [event] = await until(lambda: bot.events)
        assert (event["subtype"], event["bot_id"], len(event["files"])) == ("file_share", "B0BLUE", 1)

    async def test_too_many_calls_are_told_to_wait(self, slack, client):
        slack.faults.rate_limited = True
        assert await refusal(client.api_call("files.info", params={"file": "F0X"})) == "ratelimited"
