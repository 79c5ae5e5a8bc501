"""What the account does with a request that came through the door: HTTP status and body of each answer."""

import time
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from starlette.requests import Request

from sandbox.sendblue.faults import SendblueFaults
from sandbox.sendblue.intake import message_from, opted_out
from sandbox.sendblue.lists import page
from sandbox.sendblue.media import Media
from sandbox.sendblue.optouts import OptOuts
from sandbox.sendblue.phones import Phones
from sandbox.sendblue.records import (
    PhoneMessage,
    SendblueRefusalError,
    code_of,
    iso,
    request_error,
    send_error,
)
from sandbox.sendblue.rest import Rest, busy, not_found
from sandbox.sendblue.webhooks import Webhooks
from sandbox.traffic import Json
from sandbox.uploads import uploaded

Answer: TypeAlias = tuple[int, object]
"""HTTP status, body."""


class Account:
    """One method per call. Refusals are raised as SendblueRefusalError."""

    def __init__(
        self, faults: SendblueFaults, phones: Phones, opt_outs: OptOuts, media: Media, lines: Sequence[str]
    ) -> None:
        self._faults = faults
        self._media = media
        self._phones = phones
        self._opt_outs = opt_outs
        self._lines = lines
        self._webhooks = Webhooks()
        self._rest = Rest()
        self.line_states: dict[str, str] = {}

    def send(self, fields: Json) -> tuple[Answer, PhoneMessage | None]:
        """POST /api/send-message. Returns the answer, and the message if one was accepted."""
        if self._faults.answers:
            answer, *self._faults.answers = self._faults.answers
            return answer, None
        crowded = self._rest.needed(str(fields.get("from_number")), self._faults.per_second)
        too_many = self._faults.rate_limited or crowded
        if too_many and not self._faults.sent_though_busy:
            raise busy(self._faults)
        message = message_from(fields, self._lines, self._faults)
        if message.number in self._opt_outs:
            raise SendblueRefusalError(400, opted_out(fields))
        if code := self._code_against(message):
            return self._refused(message, code), None
        if self._faults.drop_media:
            message.media_url = None
        message.media = self._media.shown([message.media_url] if message.media_url else [])
        if self._faults.dedupe and (earlier := self._phones.equal_to(message)):
            return (self._faults.success_code, earlier.body()), None
        self._phones.send_off(message)
        if too_many:
            raise busy(self._faults)
        return (self._faults.success_code, message.body()), message

    async def upload(self, request: Request) -> Answer:
        """POST /api/upload-file: a multipart form with the file in its field `file`."""
        if self._faults.refuse_upload:
            return self._faults.refuse_upload, {self._faults.upload_error: "The file could not be stored"}
        try:
            medium = await self._media.uploaded(await uploaded(request))
        except ValueError as complaint:
            return 400, {self._faults.upload_error: str(complaint)}
        return self._faults.upload_code, {} if self._faults.bare_upload else {"media_url": medium.url}

    def status(self, fields: Mapping[str, str]) -> Answer:
        """GET /api/status, by `handle`."""
        message = self._found(fields.get("handle", ""))
        if not self._faults.flat_status:
            return 200, {"status": {"status": message.status}, "message_handle": message.handle}
        body = message.body()
        names = ("message_handle", "status", "number", "from_number", "error_code", "error_message")
        times = {"date_created": iso(message.at), "date_updated": iso(message.updated_at)}
        return 200, {name: body[name] for name in names} | times | {"account_email": body["accountEmail"]}

    def listed(self, fields: Mapping[str, str]) -> Answer:
        """GET /api/v2/messages; what is younger than `list_lag` has not reached the replica yet."""
        newest = time.time() - self._faults.list_lag
        return 200, page([message for message in self._phones.messages if message.at <= newest], fields, self._faults)

    def one(self, handle: str) -> Answer:
        """GET /api/v2/messages/{handle}."""
        message = self._phones.find(handle)
        if message is None:
            raise not_found(self._faults)
        return 200, {"status": "OK", "data": message.body()}

    def opt_out(self, fields: Json) -> Answer:
        """POST /api/v2/contacts/opt-out."""
        number, wanted = str(fields.get("number", "")), fields.get("opted_out", True) is True
        if not number:
            raise request_error("number is required")
        self._opt_outs.set(number, opted_out=wanted)
        return 200, {"status": "OK", "number": number, "opted_out": wanted}

    def numbers(self) -> Answer:
        """GET /api/lines."""
        return 200, {"numbers": list(self._lines)}

    def states(self) -> Answer:
        """GET /api/v2/lines/state; ONLINE unless `line_states` says otherwise."""
        known = ((line, self.line_states.get(line, "ONLINE")) for line in self._lines)
        data = [{"sendblue_number": line, "assignment": "assigned", "status": state} for line, state in known]
        return 200, {"status": "OK", "data": data, "snapshot_at": iso(time.time())}

    def webhooks(self, method: str, fields: Json) -> Answer:
        """GET, POST, PUT and DELETE /api/account/webhooks."""
        if method == "GET":
            return 200, self._webhooks.listed()
        change = {"POST": self._webhooks.append, "PUT": self._webhooks.replace}
        return 200, change.get(method, self._webhooks.remove)(fields)

    def _code_against(self, message: PhoneMessage) -> int | str:
        if self._faults.refuse:
            return code_of(self._faults.refuse)
        return 4000 if message.media_url and self._faults.bad_media == "2xx" else ""

    def _refused(self, message: PhoneMessage, code: int | str) -> Answer:
        """Refuse with a code: the faults' 4xxx as HTTP 400, all others as a message in ERROR."""
        if self._faults.refuse and isinstance(code, int) and 4000 <= code < 5000:
            raise send_error(code, f"Refused with code {code}")
        error = {"status": "ERROR", "message_handle": None, "error_code": code}
        return self._faults.success_code, message.body() | error | {"error_message": f"Refused with code {code}"}

    def _found(self, handle: str) -> PhoneMessage:
        message = None if self._faults.status_404 else self._phones.find(handle)
        if message is None:
            raise not_found(self._faults)
        return message
