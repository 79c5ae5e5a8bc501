"""A message as the phone shows it, and as Sendblue spells it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from sandbox.traffic import Json

ACCOUNT = "ops@example.com"


class SendblueRefusalError(Exception):
    """A request that Sendblue refuses, with its HTTP status and body."""

    def __init__(self, status: int, body: Json | str) -> None:
        said = body if isinstance(body, str) else body.get("message") or body.get("error_message")
        super().__init__(str(said))
        self.status = status
        self.body = body


@dataclass(slots=True)
class PhoneMessage:
    """One bubble on the phone. `number` is the customer's whichever way it went; times are unix seconds.

    `at` is when it was taken in, `sent_at` when it was handed over, None until then.
    `opted_out` says of what a customer wrote whether they were opted out once it was heard.
    A tapback is a message, too: `reacts_to` is the handle of the text it is on, `sign` its emoji, "" once taken back.
    """

    handle: str
    number: str
    from_number: str
    content: str
    media_url: str | None
    status: str
    line: str
    at: float
    updated_at: float
    service: str = "iMessage"
    was_downgraded: bool | None = None
    send_style: str = ""
    status_callback: str | None = None
    outbound: bool = True
    opted_out: bool = False
    reacts_to: str = ""
    sign: str = ""
    sent_at: float | None = None
    error_code: int | str | None = None
    error_message: str | None = None
    media: list[Json] = field(default_factory=list)
    """What the page shows of the files at `media_url`."""
    more: Json = field(default_factory=dict)
    """Further fields a report was given, sent along with everything about this message."""

    @property
    def group_id(self) -> str:
        """The group chat it was written in, "" for none."""
        return str(self.more.get("group_id", ""))

    def event(self) -> Json:
        """Return it as the page reads it."""
        return {
            "handle": self.handle,
            "number": self.number,
            "from_number": self.from_number,
            "content": self.content,
            "media_url": self.media_url,
            "media": self.media if self.media_url else [],
            "outbound": self.outbound,
            "status": self.status,
            "service": self.service,
            "was_downgraded": self.was_downgraded,
            "error_code": self.error_code,
            "send_style": self.send_style,
            "group_id": self.group_id,
            "reacts_to": self.reacts_to,
            "sign": self.sign,
            "at": self.at,
        }

    def body(self) -> Json:
        """Return it as an answer, a list item or a callback spells it.

        Source: live bodies, which say `accountEmail` and `date_sent` where the specification differs.
        """
        return {
            "accountEmail": ACCOUNT,
            "content": self.content,
            "is_outbound": self.outbound,
            "status": self.status,
            "message_handle": self.handle,
            "error_code": self.error_code,
            "error_message": self.error_message,
            "error_reason": None,
            "error_detail": None,
            "date_sent": iso(self.at),
            "date_updated": iso(self.updated_at),
            "from_number": self.from_number,
            "number": self.number,
            "to_number": self.number if self.outbound else self.line,
            "sendblue_number": self.line,
            "service": self.service,
            "was_downgraded": self.was_downgraded,
            "plan": "dedicated",
            "media_url": self.media_url,
            "message_type": "message",
            "group_id": "",
            "group_display_name": None,
            "participants": [],
            "send_style": self.send_style,
            "opted_out": self.opted_out,
            **self.more,
        }


def iso(at: float) -> str:
    """Return unix seconds as ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def code_of(word: str) -> int | str:
    """Return an error code as Sendblue writes it: a number where it is one, a word otherwise."""
    return int(word) if word.isdecimal() else word


def request_error(message: str, status: int = 400) -> SendblueRefusalError:
    """Return a refusal of the request's shape or keys."""
    return SendblueRefusalError(status, {"status": "ERROR", "message": message})


def send_error(code: int | str, message: str, status: int = 400, reason: str = "") -> SendblueRefusalError:
    """Return a refusal in the form of a message with error fields."""
    body: Json = {"status": "ERROR", "error_code": code, "error_message": message, "message_handle": None}
    return SendblueRefusalError(status, body | {"error_reason": reason or message, "error_detail": None})
