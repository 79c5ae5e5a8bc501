"""Slack's answers, read by our calls: each is taken for a yes, a no, a later or a doubt, and none crashes a call."""

from contextlib import suppress
from datetime import timedelta

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.errors import CallFailed, NotSent, Refused, Uncertain
from bot.slack.notifier import Notifier
from bot.slack.wording import Post
from sandbox.serving import serving
from tests.conftest import TOKEN
from tests.shapes import raw

NO_TIME = timedelta(0)

TO_A_POST: dict[str, type[CallFailed] | None] = {
    "posted": None,
    "error_channel_not_found": Refused,
    "error_not_in_channel": Refused,
    "error_is_archived": Refused,
    "error_restricted_action": Refused,
    "error_msg_too_long": Refused,
    "error_message_not_found": Refused,
    "error_ratelimited": NotSent,
    "error_rate_limited": NotSent,
    "error_message_limit_exceeded": NotSent,
    "error_internal_error": Uncertain,
    "error_fatal_error": Uncertain,
    "history_with_metadata": Uncertain,
    "upload_url": Uncertain,
    "upload_complete": Uncertain,
    "file_info": Uncertain,
    "file_info_private": Uncertain,
}
"""Shape → how it fails a post; the last are answers to other calls, and say nothing of one."""


@pytest.mark.parametrize(("name", "failure"), TO_A_POST.items())
async def test_an_answer_of_slack_s_is_taken_for_what_it_is(name: str, failure: type[CallFailed] | None) -> None:
    async def answered(_: Request) -> Response:
        return Response(raw("slack/answers", name), media_type="application/json")

    routes = [Route("/{path:path}", answered, methods=["GET", "POST"])]
    async with serving(Starlette(routes=routes)) as url, Notifier(f"{url}/api", TOKEN) as slack:
        if failure is None:
            posted = await slack.post("C0EXAMPLE", Post("Hi", []), id="1")
            assert (posted.channel, posted.ts) == ("C0EXAMPLE", "1764000000.000200")
        else:
            with pytest.raises(failure):
                await slack.post("C0EXAMPLE", Post("Hi", []), id="1")
        for call in (
            slack.update("C0EXAMPLE", "1764000000.000200", Post("Hi", [])),
            slack.join("C0EXAMPLE"),
            slack.find("C0EXAMPLE", id="1", age=NO_TIME, thread_ts=None),
            slack.person("U0ANA"),
            slack.members("S0TEAM"),
            slack.installation(),
        ):
            with suppress(CallFailed):
                await call
