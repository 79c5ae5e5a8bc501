"""What can go wrong with Slack."""

from dataclasses import dataclass, field

from sandbox.faults import Switches


@dataclass
class SlackFaults(Switches):
    """Faults of the Web API; everything off by default, flipped at any time."""

    down: bool = False
    """HTTP 503 to every call."""
    html_502: bool = False
    """A proxy's HTML page with HTTP 502 instead of JSON."""
    rate_limited: bool = False
    """HTTP 429 with `Retry-After: 1` to every chat.* call."""
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
