"""What the app must be in Slack, and what Slack says it is. A test compares this with manifest.yml."""

from dataclasses import dataclass
from datetime import datetime

NAME = "bluethread"  # what people type in `/invite @…`

SCOPES = frozenset(
    {
        *("commands", "chat:write", "channels:join", "users:read", "usergroups:read"),
        *("channels:history", "groups:history", "im:history", "mpim:history"),
    }
)
"""What the token must be allowed, and no more. The manifest itself is not where the bot is deployed."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What Slack says of our token."""

    error: str = ""  # why Slack refuses it, in its word; "" when it does not, and then the rest is known
    bot: str = ""
    team: str = ""
    is_bot: bool = False
    scopes: frozenset[str] | None = None  # None when Slack does not say
    now: datetime | None = None  # Slack's clock, whole seconds; None when its answer has no time
