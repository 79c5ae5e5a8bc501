"""The page's hands: what a person in front of it can do."""

import json
import re
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.attachments import attached, missing, shown
from sandbox.bot_process import BotFailedError
from sandbox.faults import Switches
from sandbox.playing import Playing
from sandbox.sendblue.tapbacks import SIGNS
from sandbox.slack import CommandAnswer, SlackRefusalError, View
from sandbox.slack.composer import picked
from sandbox.slack.escapes import escaped
from sandbox.traffic import Json
from sandbox.world import World

LONGEST_TEXT = 20_000
COMMANDS = ("/imessage",)
"""What the app has registered; `/invite` is Slack's own."""

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_Action = Callable[[Json], Awaitable[Json]]


class RequestError(ValueError):
    """Something the person asked for cannot be done; the message is for them."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


class Control:
    """One method per POST under `/control/`. Each takes the body's JSON and returns the answer's.

    A message may come with `files: [{name, data, mimetype?}]`, `data` in base64; its `text` may be missing then.
    """

    def __init__(self, world: World, playing: Playing) -> None:
        self._world = world
        self._playing = playing

    def routes(self) -> list[Route]:
        """Return the routes, relative to `/control`."""
        actions: dict[str, _Action] = {
            "/type": self.type,
            "/click": self.click,
            "/slack/faults": self.slack_faults,
            "/sendblue/faults": self.sendblue_faults,
            "/read": self.read,
            "/reply": self.reply,
            "/react": self.react,
            "/write": self.write,
            "/edit": self.edit,
            "/delete": self.delete,
            "/submit": self.submit,
            "/dismiss": self.dismiss,
            "/bot": self.bot,
            "/reset": self.reset,
            "/scene": self.scene,
        }
        files = [Route("/slack/files/{id}", self.slack_file), Route("/sendblue/media/{id}", self.sendblue_file)]
        return [*files, *(Route(path, _door(action), methods=["POST"]) for path, action in actions.items())]

    async def type(self, body: Json) -> Json:
        """A slash command, or an ordinary message; either way escaped, as Slack does with what people type."""
        slack = self._world.slack
        text, channel, user = _words(body), _text(body, "channel"), _text(body, "user")
        if not text.startswith("/"):
            return await self.write(body)
        if body.get("files"):
            raise RequestError("Slack takes no files with a command.")
        command = text.split()[0]
        if command == "/invite":
            slack.invite(channel)
            return {"failure": None, "text": ""}
        if command not in COMMANDS:
            raise RequestError(f"{command} is no command here. There are {' and '.join([*COMMANDS, '/invite'])}.")
        return _answered(await slack.type(escaped(text), channel=channel, user=user))

    async def write(self, body: Json) -> Json:
        """An ordinary message: in a thread if one is named, and in its channel as well with `broadcast`."""
        thread_ts = _text(body, "thread_ts") if body.get("thread_ts") else None
        broadcast = thread_ts is not None and body.get("broadcast") is True
        if thread_ts and _words(body).startswith("/"):
            raise RequestError("Slack takes no commands in a thread. Use the channel’s own box.")
        place, user, files = (_text(body, "channel"), thread_ts), _text(body, "user"), attached(body)
        reply = self._world.slack.reply
        said = await reply(*place, self._picked(body), user=user, broadcast=broadcast, files=files)
        return {"failure": None, "text": "", "ts": said.ts}

    async def edit(self, body: Json) -> Json:
        """Other words for one's own message."""
        place = _text(body, "channel"), _text(body, "ts")
        await self._world.slack.edit(*place, self._picked(body), user=_text(body, "user"))
        return {}

    async def click(self, body: Json) -> Json:
        """A button on a message."""
        place = _text(body, "channel"), _text(body, "ts"), _text(body, "action_id")
        value = body.get("value")
        kept = None if value is None else str(value)
        return _answered(await self._world.slack.click(*place, kept, user=_text(body, "user")))

    async def slack_faults(self, body: Json) -> Json:
        """Flip switches of Slack."""
        return _flipped(self._world.slack.faults, body)

    async def sendblue_faults(self, body: Json) -> Json:
        """Flip switches of Sendblue."""
        return _flipped(self._world.sendblue.faults, body)

    async def read(self, body: Json) -> Json:
        """Open a message on the phone."""
        self._world.sendblue.customer_reads(self._ours(body))
        return {}

    async def react(self, body: Json) -> Json:
        """Put a tapback on a message on the phone, or take it back."""
        sign = _text(body, "sign")
        if sign not in SIGNS:
            raise RequestError(f"The tapbacks are {' '.join(SIGNS)}.")
        await self._world.sendblue.customer_reacts(self._ours(body), sign)
        return {}

    async def reply(self, body: Json) -> Json:
        """Write from a phone: to our line, or in the group chat."""
        number = _text(body, "number")
        if not _E164.fullmatch(number):
            raise RequestError("A phone number looks like +14155552671 here.")
        sendblue = self._world.sendblue
        says = sendblue.group_says if body.get("group") is True else sendblue.customer_says
        await says(number, _words(body), media=[(name, data) for name, data, _ in attached(body)])
        return {}

    async def delete(self, body: Json) -> Json:
        """Delete a message in Slack, or the `file` of a message.

        One deletes one's own, or without a `user` any, as an admin of the workspace can.
        """
        user = _text(body, "user") if "user" in body else None
        place = _text(body, "channel"), _text(body, "ts")
        if "file" in body:
            await self._world.slack.remove_file(*place, _text(body, "file"), user=user)
        else:
            await self._world.slack.remove(*place, user=user)
        return {}

    async def submit(self, body: Json) -> Json:
        """Hand in a dialog; what was written comes by `block_id`."""
        values = body.get("values")
        written = {str(name): str(value) for name, value in values.items()} if isinstance(values, dict) else {}
        return _answered(await self._world.slack.submit(self._view(body), written))

    async def dismiss(self, body: Json) -> Json:
        """Close a dialog."""
        await self._world.slack.dismiss(self._view(body))
        return {}

    async def bot(self, body: Json) -> Json:
        """Kill the bot, or start it."""
        actions = {"kill": self._world.bot.kill, "start": self._world.bot.start}
        action = actions.get(_text(body, "action"))
        if action is None:
            raise RequestError("The bot can be told to kill or start.")
        await action()
        return self._world.bot.snapshot()

    async def reset(self, _body: Json) -> Json:
        """Switch every fault off."""
        self._playing.leave_the_switches()
        self._world.reset_faults()
        return self._world.faults()

    async def scene(self, body: Json) -> Json:
        """Play a scene of the tour, one at a time."""
        title = _text(body, "title")
        if title not in self._playing.titles:
            raise RequestError("There is no such scene.", 404)
        if self._playing.title:
            raise RequestError(f"Wait until “{self._playing.title}” is over.", 409)
        return self._playing.start(title)

    async def slack_file(self, request: Request) -> Response:
        """Answer a GET of a file in Slack, as its people see it."""
        file = self._world.slack.files.find(request.path_params["id"])
        if file is None or file.deleted:
            return missing()
        return shown(file.content, file.name, file.mimetype)

    async def sendblue_file(self, request: Request) -> Response:
        """Answer a GET of a file on the phone."""
        medium = self._world.sendblue.media.find(request.path_params["id"])
        return missing() if medium is None else shown(medium.content, medium.name, medium.mimetype)

    def _picked(self, body: Json) -> str:
        return picked(_words(body), self._world.slack.mentions())

    def _view(self, body: Json) -> View:
        for view in self._world.slack.views:
            if view.id == body.get("id"):
                return view
        raise RequestError("This dialog is closed.", 404)

    def _ours(self, body: Json) -> str:
        """Return the handle of one of our texts that a request names."""
        handle = _text(body, "handle")
        if handle not in {message.handle for message in self._world.sendblue.messages if message.outbound}:
            raise RequestError("There is no such message on any phone.", 404)
        return handle


def _door(action: _Action) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(await action(await _body(request)))
        except SlackRefusalError as refusal:
            return _sorry(404, f"Slack says: {refusal.error}.")
        except BotFailedError as failure:
            return _sorry(502, str(failure))
        except ValueError as complaint:
            return _sorry(getattr(complaint, "status", 400), str(complaint))

    return answer


async def _body(request: Request) -> Json:
    """Return the JSON object sent. Asking for its content type keeps other web pages' forms out."""
    if "json" not in request.headers.get("content-type", ""):
        raise RequestError("The body must be JSON, with a content type that says so.", 415)
    try:
        body = json.loads(await request.body())
    except ValueError:
        raise RequestError("The body is not JSON.") from None
    if not isinstance(body, dict):
        raise RequestError("The body must be a JSON object.")
    return body


def _text(body: Json, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise RequestError(f"{name} is missing.")
    if len(value) > LONGEST_TEXT:
        raise RequestError(f"{name} is longer than {LONGEST_TEXT} characters.")
    return value.strip()


def _words(body: Json) -> str:
    """Return the text of a message; it may be missing beside files."""
    return _text(body, "text") if body.get("text") or not body.get("files") else ""


def _flipped(switches: Switches, body: Json) -> Json:
    switches.patch(body)
    return switches.state()


def _answered(answer: CommandAnswer) -> Json:
    status, seconds = answer.status, round(answer.seconds, 4)
    return {"failure": answer.failure, "text": answer.text, "status": status, "seconds": seconds}


def _sorry(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status)
