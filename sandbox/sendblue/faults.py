"""What can go wrong with Sendblue, and how a message may travel."""

from dataclasses import dataclass, field

from sandbox.faults import Switches


@dataclass
class SendblueFaults(Switches):
    """Faults of the API and of the way to the phone; everything off by default, flipped at any time."""

    lose_callbacks: bool = False
    """No status callback is sent."""
    duplicate_callbacks: bool = False
    """Every status callback is sent three times."""
    shuffle_callbacks: bool = False
    """A message's callbacks come together at its end, in a wrong order."""
    delay_callbacks: float = 0.0
    """Seconds each callback is late."""
    sms: bool = False
    """The phone has no iMessage: `was_downgraded`, service SMS, and SENT is the end."""
    opted_out: bool = False
    """As if every customer had said STOP: HTTP 400 with `error_code` 402 and `OPTED_OUT`."""
    refuse: str = ""
    """An error code answered to a send: HTTP 400 for 4xxx, HTTP 202 with status ERROR otherwise."""
    fail: str = ""
    """An error code with which an accepted message ends in ERROR."""
    hang_after_accept: bool = False
    """The message goes out, but its answer is held until this is off again, at most 120 s."""
    drop_after_accept: bool = False
    """The message goes out, but its connection is cut before the answer."""
    rate_limited: bool = False
    """HTTP 429 to a send, without `Retry-After`."""
    down: bool = False
    """HTTP 503 with an HTML page to everything; nothing is accepted."""
    drop_media: bool = False
    """The text goes out without its picture, and `media_url` comes back null."""
    stay: str = ""
    """The status at which messages stop, such as SENT for a phone that is switched off."""
    unauthorized: bool = False
    """HTTP 401 to everything."""
    answers: list[tuple[int, object]] = field(default_factory=list)
    """The next sends get these (HTTP status, body) as they stand; nothing is accepted."""
    flat_status: bool = False
    """GET /api/status answers in its flat form."""
    status_404: bool = False
    """GET /api/status knows no message."""
    hang_status: bool = False
    """GET /api/status is taken and not answered until this is off again, at most 120 s."""
    hang_list: bool = False
    """The same for the list."""
    list_lag: float = 0.0
    """Seconds until a new message appears in the list."""
