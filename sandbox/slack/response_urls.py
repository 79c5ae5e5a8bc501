"""response_url: the return address of a command or a click, good for 5 uses in 30 minutes."""

import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sandbox.board import Board
from sandbox.slack.blocks import check_blocks
from sandbox.slack.faults import SlackFaults
from sandbox.slack.params import flag, read_params, text_of
from sandbox.slack.records import Ephemeral, SlackMessage, SlackRefusalError
from sandbox.slack.workspace import BOT_ID, BOT_USER, Workspace
from sandbox.traffic import Json

USES = 5
LIFETIME = 30 * 60.0
ADDRESSES_KEPT = 2000


@dataclass(slots=True)
class Address:
    """Where answers to one gesture go: its channel, its person, the message it was made on."""

    channel: str
    user: str
    command: str | None
    origin_ts: str | None
    expires: float
    uses: int = 0


class ResponseUrls:
    """Hands out return addresses and takes what is sent to them."""

    def __init__(self, board: Board, workspace: Workspace, faults: SlackFaults) -> None:
        self._board = board
        self._workspace = workspace
        self._faults = faults
        self._addresses: OrderedDict[str, Address] = OrderedDict()

    def issue(self, channel: str, user: str, *, command: str | None, origin_ts: str | None = None) -> str:
        """Return the id of a new address. `origin_ts` names the message whose button was clicked."""
        name = secrets.token_urlsafe(18)
        self._addresses[name] = Address(channel, user, command, origin_ts, time.monotonic() + LIFETIME)
        while len(self._addresses) > ADDRESSES_KEPT:
            self._addresses.popitem(last=False)
        return name

    async def door(self, request: Request) -> Response:
        """Answer `POST /response/{name}`."""
        body = await read_params(request)
        exchange = self._board.begin(("bot", "slack"), "POST", request.url.path, body)
        try:
            self.take(request.path_params["name"], body)
        except SlackRefusalError as refusal:
            gone = refusal.error in ("expired_url", "used_url")
            status = 404 if gone else 400
            self._board.finish(exchange, status, refusal.body())
            return JSONResponse(refusal.body(), status)
        self._board.finish(exchange, 200, "ok")
        return PlainTextResponse("ok")

    def take(self, name: str, body: Json) -> None:
        """Do what was sent to an address.

        Raises:
            SlackRefusalError: `expired_url`, `used_url`, or something wrong with the message.
        """
        address = self._addresses.get(name)
        if address is None or time.monotonic() > address.expires:
            raise SlackRefusalError("expired_url")
        if address.uses >= USES:
            raise SlackRefusalError("used_url")
        address.uses += 1
        if flag(body.get("delete_original")):
            self._delete(address)
        elif flag(body.get("replace_original")) and self._origin(address) is not None:
            self._replace(address, body)
        elif body.get("response_type") == "in_channel":
            self.post(address.channel, body)
        else:
            self.whisper(address, body)

    def whisper(self, address: Address, body: Json, *, replacing: Ephemeral | None = None) -> None:
        """Show the answer to the person who asked, in the place of what they saw before if so asked."""
        text, blocks = self._content(body)
        ts = replacing.id if replacing else self._workspace.next_ts()
        thread_ts = replacing.thread_ts if replacing else text_of(body.get("thread_ts")) or None
        place = address.channel, address.user
        self._workspace.whisper(Ephemeral(ts, *place, text, blocks, address.command, float(ts), thread_ts))

    def answer(self, name: str, body: Json) -> None:
        """Show what was answered to the gesture itself; that uses nothing up."""
        address = self._addresses[name]
        if body.get("response_type") == "in_channel":
            self.post(address.channel, body)
        else:
            self.whisper(address, body)

    def post(self, channel: str, body: Json) -> None:
        """Show the answer to everybody, even where the bot is no member."""
        text, blocks = self._content(body)
        thread_ts = text_of(body.get("thread_ts")) or None
        if thread_ts and self._workspace.transcript(channel).root(thread_ts) is None:
            thread_ts = None
        ts = self._workspace.next_ts()
        self._workspace.add(SlackMessage(channel, ts, thread_ts, BOT_USER, BOT_ID, text, blocks))

    def _replace(self, address: Address, body: Json) -> None:
        origin = self._origin(address)
        if isinstance(origin, Ephemeral):
            self.whisper(address, body, replacing=origin)
        elif origin is not None:
            origin.text, origin.blocks = self._content(body)
            origin.edited_ts = self._workspace.next_ts()
            self._workspace.show(origin)

    def _delete(self, address: Address) -> None:
        origin = self._origin(address)
        if isinstance(origin, Ephemeral):
            self._workspace.unwhisper(origin)
        elif origin is not None:
            origin.deleted = True
            self._workspace.show(origin)

    def _origin(self, address: Address) -> SlackMessage | Ephemeral | None:
        """Return the message the gesture was made on; a command has none."""
        if address.origin_ts is None:
            return None
        for ephemeral in self._workspace.ephemerals:
            if ephemeral.id == address.origin_ts:
                return ephemeral
        return self._workspace.transcript(address.channel).find(address.origin_ts)

    def _content(self, body: Json) -> tuple[str, list[Json]]:
        text, blocks = text_of(body.get("text")), check_blocks(body.get("blocks"), self._faults.largest_blocks)
        if not text and not blocks:
            raise SlackRefusalError("no_text")
        return text, blocks
