"""What can go wrong with Slack."""

from dataclasses import dataclass, field

from sandbox.faults import Switches


@dataclass
class SlackFaults(Switches):
    """Faults of the Web API and of events; everything off by default, flipped at any time."""

    down: bool = False
    """HTTP 503 to every call."""
    html_502: bool = False
    """A proxy's HTML page with HTTP 502 instead of JSON."""
    rate_limited: bool = False
    """HTTP 429 with `Retry-After: 1` to every chat.*, reactions.* and files.* call."""
    hang: bool = False
    """Calls are taken and neither done nor answered until this is off again."""
    lose_answer: int = 0
    """The next this many chat.postMessage are done, and their connection is cut before the answer."""
    late_post: float = 0.0
    """The next chat.postMessage is cut off unanswered, and done so many seconds later."""
    late_edit: float = 0.0
    """The same for the next chat.update."""
    errors: dict[str, str] = field(default_factory=dict)
    """Method to error name: `{"chat.postMessage": "is_archived"}`."""
    refuse_reactions: str = ""
    """The error with which reactions.add is refused, such as `missing_scope`; "" for none."""
    refuse_ephemerals: str = ""
    """The same for chat.postEphemeral."""
    lose_events: bool = False
    """Events are never delivered."""
    repeat_events: bool = False
    """Every event is delivered twice, under the same `event_id`."""
    twin_events: bool = False
    """Every event has a twin: the same message, `client_msg_id` and all, under another `event_id`."""
    delay_events: float = 0.0
    """Seconds that events are late."""

    uploads: str = ""
    """What the workspace lets apps upload: everything, `images`, or `none`."""
    refused_types: str = ""
    """File name extensions that the workspace does not take, with commas between them, such as `exe,svg`."""
    largest_upload: int = 1_000_000_000
    """Bytes of the largest file that the workspace takes."""
    upload_url_lives: float = 3_600.0
    """Seconds until an upload URL expires."""
    hang_upload: bool = False
    """Uploaded bytes are taken and not answered until this is off again."""
    refuse_upload: int = 0
    """The HTTP status with which uploaded bytes are refused; 0 for none."""
    lose_upload_answer: int = 0
    """The next this many uploads are taken, and their connection is cut before the answer."""
    lose_upload_url: int = 0
    """The same for files.getUploadURLExternal."""
    lose_share_answer: int = 0
    """The same for files.completeUploadExternal."""
    late_share: float = 0.0
    """Seconds that the message with an uploaded file is late; the call was answered long before."""
    never_share: bool = False
    """The message with an uploaded file never comes about, though the call was answered."""
    scan_seconds: float = 0.0
    """How long a new file is scanned: until then it has neither type nor size nor address, and no bytes."""
    download_html: bool = False
    """A download is answered with HTTP 200 and a page to sign in."""
    refuse_download: int = 0
    """The HTTP status with which a download is refused, or sent elsewhere; 0 for none."""
    size_lies: str = ""
    """A download has `fewer` or `more` bytes than the file's `size` says."""
    cut_download: bool = False
    """The connection of a download is cut midway."""
    slow_download: float = 0.0
    """Seconds over which a download is spread."""
    hang_download: bool = False
    """A download is not answered until this is off again."""

    own_events: bool = False
    """No fault: the app is told of its own posts and edits as well, as it is in every real workspace. Off, since
    nearly no test needs to wait for them."""

    # What follows are no faults: the documents leave open, or contradict each other about, which position is the real
    # one. The tests in tests/unproven run the bot in each.
    share_again: bool = False
    """A second files.completeUploadExternal of the same files posts them a second time, instead of nothing."""
    upload_once: bool = False
    """An upload URL takes bytes only once, and then HTTP 400."""
    orphan_replies: bool = False
    """A reply to a deleted parent is posted into the channel, without `thread_ts`, instead of `thread_not_found`."""
    tombstones: bool = False
    """A deleted parent that has replies still stands in the history and in its thread, as a `tombstone`."""
    replies_refused: str = ""
    """The error with which conversations.replies refuses a bot in channels, such as `missing_scope`; "" for none."""
    dm_posts: bool = False
    """The bot may post, though not read, in a conversation between two people."""
    largest_metadata: int = 1_024
    """Bytes of metadata a post may carry. The real limit is not published."""
    largest_blocks: int = 13_200
    """Characters in all blocks of one message. Undocumented; integrators reported this one."""
    history_interval: float = 0.0
    """Seconds between two calls of conversations.history or .replies, whose pages then hold 15 messages; 0 for none."""
    plain_channel_names: bool = False
    """Commands and clicks name private channels and conversations by their own name, not by their kind."""

    def refusals(self) -> dict[str, str]:
        """Return the error with which each method is refused, "" for none."""
        named = {"reactions.add": self.refuse_reactions, "chat.postEphemeral": self.refuse_ephemerals}
        return named | self.errors
