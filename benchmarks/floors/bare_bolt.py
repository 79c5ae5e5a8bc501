"""A bare Bolt app that only acks: `documented` as its guide shows it, `before_response` without waiting for the ack.

Neither asks Slack who it is on the first request (`authorize` is given), so the floor is as low as Bolt allows.
"""

import os

from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route


def _served(*, before_response: bool) -> Starlette:
    bolt = AsyncApp(
        signing_secret=os.environ["SLACK_SIGNING_SECRET"],
        authorize=_authorize,
        process_before_response=before_response,
    )
    bolt.command("/imessage")(_imessage)
    bolt.event("message")(_message)
    handler = AsyncSlackRequestHandler(bolt)

    async def events(request: Request) -> Response:
        return await handler.handle(request)

    return Starlette(routes=[Route("/slack/events", events, methods=["POST"]), Route("/readyz", _readyz)])


async def _authorize(**_: object) -> AuthorizeResult:
    return AuthorizeResult(enterprise_id=None, team_id=None, bot_token="xoxb-0")  # noqa: S106 - no real one


async def _imessage(ack: AsyncAck) -> None:
    await ack("Got it.")


async def _message() -> None:
    """Bolt acks an event by itself."""


async def _readyz(request: Request) -> Response:
    del request
    return PlainTextResponse("ok\n")


documented = _served(before_response=False)
before_response = _served(before_response=True)
