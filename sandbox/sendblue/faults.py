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
    lose_inbound: bool = False
    """The webhook tells nothing of what customers write."""
    duplicate_inbound: bool = False
    """The webhook tells everything that customers write three times."""
    delay_inbound: float = 0.0
    """Seconds the webhook is late with what customers write."""
    shuffle_inbound: bool = False
    """The webhook keeps back what a customer writes until it has told the next."""
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
    refuse_upload: int = 0
    """The HTTP status with which an upload is refused, such as 500; 0 for none."""
    hang_after_upload: bool = False
    """An upload is taken, but its answer is held until this is off again, at most 120 s."""
    drop_after_upload: bool = False
    """An upload is taken, but its connection is cut before the answer."""
    bare_upload: bool = False
    """The answer to an upload has no `media_url`."""
    refuse_media: int = 0
    """The HTTP status with which media are refused, such as 404 for what is gone; 0 for none."""
    media_html: bool = False
    """Media are answered with HTTP 200 and a page."""
    media_elsewhere: str = ""
    """The address to which whoever reads media is sent on with HTTP 302; "" for nowhere."""
    media_lives: float = 30 * 86_400.0
    """Seconds until media are gone."""
    media_length: str = ""
    """The `Content-Length` of media: the true one, `none`, `less` or `more`."""
    cut_media: bool = False
    """The connection is cut when half of a file was read."""
    slow_media: float = 0.0
    """Seconds over which the reading of a file is spread."""
    hang_media: bool = False
    """Media are not answered until this is off again."""
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

    # What follows are no faults: the documents leave open, or contradict each other about, which position is the real
    # one. The tests in tests/unproven run the bot in each. A word that is not named here acts as "".
    success_code: int = 202
    """The HTTP status of an answer that takes a send, or refuses it inside a success."""
    upload_code: int = 200
    """The HTTP status of an answer that takes an upload."""
    upload_error: str = "error"
    """What a refused upload's reason is called: `error`, `message` or `error_message`."""
    refused_types: str = ""
    """File name extensions that an upload is refused for, with commas between them, such as `heic,caf`."""
    media_items: str = ""
    """How a customer's words and several files come: the words with the first file, and each further file as a message
    of its own, with its own handle; `words_first` or `words_last`, a message of their own; or a `list` of addresses."""
    unknown_body: str = ""
    """The body of the 404 for an unknown handle: the usual envelope, `empty`, or `html`."""
    busy_body: str = ""
    """The body of a 429: a message with the code "5509", `empty`, `text`, or `object` for `{"error": {…}}`."""
    sent_though_busy: bool = False
    """A send that is answered with 429 goes out all the same."""
    per_second: int = 0
    """How many sends a line may make within a second, the others get 429; 0 for any number."""
    callback_secret: str = ""
    """What status callbacks carry as `sb-signing-secret`; "" for no such header."""
    repeat_callbacks: str = "5xx"
    """Which answers to a callback have it sent again: `never`, `5xx`, or `non-2xx`, which includes no answer."""
    camel_callback: bool = False
    """Only the older spelling `statusCallback` is heard in a send."""
    never_read: bool = False
    """READ is never reported."""
    dedupe: bool = False
    """A send equal to an earlier one sends nothing, and is answered with the earlier one's handle."""
    length_unit: str = ""
    """What the longest text is counted in: characters, `utf-16` units, or `bytes`."""
    overlong: str = ""
    """The answer to a text that is too long: HTTP 400, or `2xx` with status ERROR and code 4000."""
    unknown_style: str = ""
    """No `send_style` is known: all are taken as they are, or `refused` with HTTP 400, or `ignored`."""
    bad_media: str = ""
    """No media can be fetched: `refused` with HTTP 400, `2xx` with status ERROR, or `later` in ERROR."""
    falls_back: bool = False
    """An accepted message ends in ERROR, and then the same one is SENT as SMS."""
    rcs: str = ""
    """The phone has RCS, and this status is the end: `SENT` or `DELIVERED`."""
    list_spelling: str = "camel"
    """How the list wants `order_by` written, `camel` (createdAt) or `snake` (created_at); the other gets HTTP 400."""
    list_unordered: bool = False
    """The list ignores `order_by` and `order_direction`."""
    list_newest_first: bool = False
    """The list ignores `order_direction`: the newest message comes first."""
    list_cap: int = 0
    """How many messages one page of the list holds at most, whatever was asked for; 0 for 1000."""
    list_cap_refused: bool = False
    """A `limit` above the cap gets HTTP 400 instead of a shorter page."""
    list_offset_ignored: bool = False
    """Every page of the list is the first."""
    list_bare: bool = False
    """The list says nothing of `pagination`."""
    list_by_send_time: bool = False
    """`created_at` in the list is when a message was handed over, not when it was taken in."""
