"""The pretend Slack: one workspace, its Web API, and the people in it."""

import json
from collections.abc import Callable, Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.board import Board
from sandbox.courier import Courier
from sandbox.slack.chat import Chat
from sandbox.slack.endpoint import Endpoint
from sandbox.slack.escapes import unescaped
from sandbox.slack.events import Events
from sandbox.slack.faults import SlackFaults
from sandbox.slack.file_doors import FileDoors
from sandbox.slack.files import Files
from sandbox.slack.hands import (
    Hands,
    action_of,
    click_payload,
    command_fields,
    event_envelope,
    gesture,
)
from sandbox.slack.methods import Methods
from sandbox.slack.pace import Pace
from sandbox.slack.people import People
from sandbox.slack.records import Channel, CommandAnswer, Ephemeral, SlackMessage, SlackRefusalError, View
from sandbox.slack.response_urls import ResponseUrls
from sandbox.slack.sharing import Sharing
from sandbox.slack.views import Views
from sandbox.slack.workspace import ACTORS, BOT_USER, GROUP_NAMES, ME, PEOPLE, Workspace, kind_of
from sandbox.traffic import ApiCall, Json

MESSAGES_SHOWN = 500


class PretendSlack:
    """A Slack workspace with the bot installed.

    `app` answers `/api/{method}`, `/response/{id}` and what `files` need; `base_url` is where it is served and
    `app_url` the bot's `/slack/events`: set both before anybody types.
    """

    def __init__(self, board: Board, bot_token: str, signing_secret: str, post_interval: float = 1.0) -> None:
        board.conceal(bot_token, signing_secret)
        self._board = board
        self._courier = Courier(board, "slack")
        self._hands = Hands(self._courier, signing_secret)
        self._workspace = Workspace(board)
        self._pace = Pace(post_interval)
        self.faults = SlackFaults()
        self._addresses = ResponseUrls(board, self._workspace, self.faults)
        self.events = Events(self._hands, self.faults)
        self.files = Files(self.faults, lambda: self.base_url)
        people = People(self._workspace, self.files, self.events)
        self.reply, self.edit, self.unfurl, self.remove = people.reply, people.edit, people.unfurl, people.remove
        self.remove_file = people.remove_file
        self._views = Views(board, self._hands)
        self.submit, self.dismiss = self._views.submit, self._views.dismiss
        self.mentions = self._workspace.mentions
        chat = Chat(self._workspace, self._pace, self.faults, self.events)
        self._sharing = Sharing(self._workspace, self.files, self.faults, chat, self.events, lambda: self.base_url)
        self.settle_shares = self._sharing.background.settle
        methods = Methods(self._workspace, chat, self._sharing, self.faults, self._views)
        self._endpoint = Endpoint(board, self.faults, methods, bot_token)
        self._doors = FileDoors(board, self._workspace, self.files, self._sharing, self.faults, bot_token)
        self.base_url = ""
        self.app = Starlette(
            routes=[
                Route("/api/{method}", self._api, methods=["GET", "POST"]),
                Route("/response/{name}", self._addresses.door, methods=["POST"]),
                *self._doors.routes(),
            ]
        )

    @property
    def app_url(self) -> str:
        """The bot's address for commands, clicks and events."""
        return self._hands.url

    @app_url.setter
    def app_url(self, url: str) -> None:
        self._hands.url = url

    @property
    def post_interval(self) -> float:
        """Seconds between posts to one channel; 0 for no limit."""
        return self._pace.interval

    @post_interval.setter
    def post_interval(self, seconds: float) -> None:
        self._pace.interval = seconds

    @property
    def scopes(self) -> list[str]:
        """What the app was granted; `auth.test` and every other answer name it in `x-oauth-scopes`."""
        return self._workspace.scopes

    @scopes.setter
    def scopes(self, scopes: list[str]) -> None:
        self._workspace.scopes = scopes

    @property
    def bot_name(self) -> str:
        """What people type in `/invite @…`, as `auth.test` says it."""
        return self._workspace.bot_name

    @bot_name.setter
    def bot_name(self, name: str) -> None:
        self._workspace.bot_name = name

    @property
    def clock_ahead(self) -> float:
        """Seconds that the `Date` of every answer is later than it is."""
        return self._endpoint.clock_ahead

    @clock_ahead.setter
    def clock_ahead(self, seconds: float) -> None:
        self._endpoint.clock_ahead = seconds

    @property
    def calls(self) -> list[ApiCall]:
        """Every Web API call that came in, oldest first."""
        return list(self._endpoint.calls)

    @property
    def transfers(self) -> list[ApiCall]:
        """Every "upload" and "download" of a file's bytes, oldest first."""
        return list(self._doors.calls)

    @property
    def ephemerals(self) -> list[Ephemeral]:
        """What single people were shown, oldest first."""
        return list(self._workspace.ephemerals)

    @property
    def views(self) -> list[View]:
        """The dialogs that are open, oldest first."""
        return list(self._views.open_ones.values())

    def messages(self, channel: str) -> list[SlackMessage]:
        """Return the messages in a channel itself, oldest first; deleted ones are marked."""
        return self._workspace.transcript(channel).roots()

    def replies(self, channel: str, ts: str) -> list[SlackMessage]:
        """Return the replies in a thread, oldest first; deleted ones are marked."""
        return self._workspace.transcript(channel).replies(ts)

    async def type(
        self,
        text: str,
        channel: str = "C0GENERAL",
        user: str = ME,
        trigger_id: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> CommandAnswer:
        """Type a slash command, and show its answer as Slack does. `text` goes out as it stands: escaped or not.

        Raises:
            ValueError: `text` is no command.
            SlackRefusalError: there is no such channel or person.
        """
        if not text.startswith("/"):
            raise ValueError("A command begins with a slash.")
        place = self._place(channel, user)
        name = self._addresses.issue(channel, user, command=unescaped(text))
        fields = command_fields(text, place, user, self._url(name), trigger_id or self._views.trigger(user))
        fields["channel_name"] = self._called(place)
        return self._shown(name, await self._hands.send_form(fields, headers))

    async def click(
        self, channel: str, ts: str, action_id: str, value: str | None = None, user: str = ME
    ) -> CommandAnswer:
        """Click a button on a message, or on an ephemeral by its id.

        Raises:
            SlackRefusalError: there is no such channel, person or message.
        """
        place = self._place(channel, user)
        message = self._clickable(channel, ts)
        name = self._addresses.issue(channel, user, command=None, origin_ts=ts)
        action = action_of(message.blocks, action_id, value)
        payload = gesture("block_actions", user, self._views.trigger(user))
        payload |= click_payload(place, message, action, self._url(name))
        payload["channel"]["name"] = self._called(place)
        return await self._hands.send_form({"payload": json.dumps(payload)})

    async def send_event(self, event: Json, retry_num: int | None = None) -> CommandAnswer:
        """Send an event, wrapped unless it is a whole envelope already, as Slack's nth retry if so asked."""
        envelope = event if "event" in event or event.get("type") == "url_verification" else None
        headers = {}
        if retry_num is not None:
            headers = {"X-Slack-Retry-Num": str(retry_num), "X-Slack-Retry-Reason": "http_timeout"}
        return await self._hands.send_json(envelope or event_envelope(event), headers)

    def say(self, channel: str, text: str, user: str = ME, thread_ts: str | None = None) -> SlackMessage:
        """Write an ordinary message that the app is not told of, as where it has no event for messages."""
        self._place(channel, user)
        ts = self._workspace.next_ts()
        return self._workspace.add(SlackMessage(channel, ts, thread_ts, user, None, text))

    def delete(self, channel: str, ts: str) -> None:
        """Delete a message without the app being told.

        Raises:
            SlackRefusalError: there is no such channel.
        """
        message = self._workspace.transcript(self._workspace.channel(channel).id).find(ts)
        if message is not None:
            message.deleted = True
            self._workspace.show(message)

    def invite(self, channel: str) -> None:
        """Make the bot a member, as anybody in the channel can by `/invite`.

        Raises:
            SlackRefusalError: `method_not_supported_for_channel_type` between two people, `is_archived`.
        """
        place = self._workspace.channel(channel)
        if place.kind == "dm":
            raise SlackRefusalError("method_not_supported_for_channel_type")
        if place.archived:
            raise SlackRefusalError("is_archived")
        self._workspace.enter(place)

    def kick(self, channel: str) -> bool:
        """Take the bot out of a channel; return whether it was in."""
        return self._workspace.leave(self._workspace.channel(channel))

    def when_entered(self, tell: Callable[[], None]) -> None:
        """Have `tell` called whenever the bot became a member of a channel, or ceased to be one."""
        self._workspace.entered = tell

    def archive(self, channel: str) -> None:
        """Archive a channel."""
        self._workspace.channel(channel).archived = True

    def snapshot(self) -> Json:
        """Return everything the page shows of Slack."""
        channels = self._workspace.channels.values()
        seen = [channel for channel in channels if not channel.people or set(channel.people) & set(ACTORS)]
        actors = [{"id": person, "name": PEOPLE[person], "kind": kind_of(person)} for person in ACTORS]
        named = PEOPLE | {BOT_USER: self.bot_name} | GROUP_NAMES
        return {
            "channels": [channel.snapshot() for channel in seen],
            "actors": actors,
            "users": [{"id": name, "name": shown} for name, shown in named.items()],
            "me": ME,
            "messages": self._workspace.messages_shown(MESSAGES_SHOWN),
            "ephemerals": [ephemeral.event() for ephemeral in self._workspace.ephemerals],
            "views": [view.event() for view in self.views],
        }

    async def aclose(self) -> None:
        """Close what was opened."""
        await self._sharing.background.aclose()
        await self.events.aclose()
        await self._courier.aclose()

    def _url(self, name: str) -> str:
        return f"{self.base_url}/response/{name}"

    def _called(self, place: Channel) -> str:
        return place.name if self.faults.plain_channel_names else place.command_name

    def _place(self, channel: str, user: str) -> Channel:
        if user not in PEOPLE:
            raise SlackRefusalError("user_not_found")
        return self._workspace.channel(channel)

    def _clickable(self, channel: str, ts: str) -> SlackMessage | Ephemeral:
        for ephemeral in self._workspace.ephemerals:
            if ephemeral.id == ts:
                return ephemeral
        message = self._workspace.transcript(channel).find(ts)
        if message is None:
            raise SlackRefusalError("message_not_found")
        return message

    def _shown(self, name: str, answer: CommandAnswer) -> CommandAnswer:
        """Show what a command was answered; an empty answer shows nothing."""
        if answer.failure is None and answer.body:
            body = answer.body if isinstance(answer.body, dict) else {"text": answer.body}
            self._addresses.answer(name, body)
        return answer

    async def _api(self, request: Request) -> Response:
        return await self._endpoint.answer(request, self.scopes)
