"""Who may text customers and from where, and how long things may take."""

from collections.abc import Collection
from datetime import timedelta

from msgspec import Struct


class Rules(Struct, frozen=True):
    """Who may text, and from where: everybody and everywhere where nothing is named."""

    channels: Collection[str] = ()  # `C…`, `G…`, `D…`
    users: Collection[str] = ()  # `U…`, `W…`
    groups: Collection[str] = ()  # `S…`
    guests: bool = False


class Durations(Struct, frozen=True, kw_only=True):
    """The settings of the same names; docs/settings.md explains them."""

    stale_after: timedelta
    watch_for: timedelta
    doubt_window: timedelta
    send_within: timedelta
    sendblue_timeout: timedelta
    sendblue_send_interval: timedelta
    slack_post_interval: timedelta
    keep_text_for: timedelta
    keep_history_for: timedelta

    @property
    def sent_waits(self) -> timedelta:
        """How long *Sent* waits for *Delivered*, so that both are one post: two posts' time, two seconds at most."""
        return min(2 * self.slack_post_interval, timedelta(seconds=2))
