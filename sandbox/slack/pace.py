"""Slack's limit on posts to one channel."""

import math
import time
from collections import deque

BURST = 2
"""Posts one interval may hold: the one allowed, and one extra."""


class Pace:
    """Counts posts per channel; the third within `interval` seconds must wait. 0 switches it off."""

    def __init__(self, interval: float) -> None:
        self.interval = interval
        self._posts: dict[str, deque[float]] = {}

    def retry_after(self, channel: str) -> int:
        """Take a place for a post and return 0, or return the whole seconds to wait first."""
        now = time.monotonic()
        posts = self._posts.setdefault(channel, deque(maxlen=BURST))
        if self.interval > 0 and len(posts) == BURST and now - posts[0] < self.interval:
            return max(1, math.ceil(posts[0] + self.interval - now))
        posts.append(now)
        return 0
