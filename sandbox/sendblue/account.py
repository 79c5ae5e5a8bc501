"""What the account does with a request that came through the door: HTTP status and body of each answer."""

import time
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from sandbox.sendblue.faults import SendblueFaults
from sandbox.sendblue.intake import message_from, opted_out
from sandbox.sendblue.journeys import journey
from sandbox.sendblue.lists import page
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
from sandbox.sendblue.webhooks import Webhooks
from sandbox.traffic import Json

Answer: TypeAlias = tuple[int, object]
"""HTTP status, body."""


class Account:
    """One method per call. Refusals are raised as SendblueRefusalError."""

    def __init__(self, faults: SendblueFaults, phones: Phones, opt_outs: OptOuts, lines: Sequence[str]) -> None:
        self._faults = faults
        self._phones = phones
        self._opt_outs = opt_outs
        self._lines = lines
        self._webhooks = Webhooks()
        self.line_states: dict[str, str] = {}

    def send(self, fields: Json) -> tuple[Answer, PhoneMessage | None]:
        """POST /api/send-message. Returns the answer, and the message if one was accepted."""
        if self._faults.answers:
            answer, *self._faults.answers = self._faults.answers
            return answer, None
        if self._faults.rate_limited:
            raise send_error("5509", "Rate limit exceeded", 429)
        message = message_from(fields, self._lines, status=journey(self._faults)[0])
        if message.number in self._opt_outs:
            raise SendblueRefusalError(400, opted_out(fields))
        if self._faults.refuse:
            return self._refused(message), None
        if self._faults.drop_media:
            message.media_url = None
        self._phones.send_off(message)
        return (202, message.body()), message

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
        return 200, page([message for message in self._phones.messages if message.at <= newest], fields)

    def one(self, handle: str) -> Answer:
        """GET /api/v2/messages/{handle}."""
        message = self._phones.find(handle)
        if message is None:
            raise request_error("Message not found", 404)
        return 200, {"status": "OK", "data": message.body()}

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

    def _refused(self, message: PhoneMessage) -> Answer:
        """Refuse with the code the faults name: 4xxx as HTTP 400, the others as a message in ERROR."""
        code = code_of(self._faults.refuse)
        if isinstance(code, int) and 4000 <= code < 5000:
            raise send_error(code, f"Refused with code {code}")
        error = {"status": "ERROR", "message_handle": None, "error_code": code}
        return 202, message.body() | error | {"error_message": f"Refused with code {code}"}

    def _found(self, handle: str) -> PhoneMessage:
        message = None if self._faults.status_404 else self._phones.find(handle)
        if message is None:
            raise request_error("Message not found", 404)
        return message
