"""The refusals whose form is not known: too much at once, and a handle that nobody knows."""

import time
from collections import deque

from sandbox.sendblue.faults import SendblueFaults
from sandbox.sendblue.records import SendblueRefusalError, request_error, send_error

_NOT_FOUND_PAGE = "<html><head><title>404</title></head><body>Not Found</body></html>"


class Rest:
    """Counts what each line sent within the last second."""

    def __init__(self) -> None:
        self._sends: dict[str, deque[float]] = {}

    def needed(self, line: str, most: int) -> bool:
        """Take a place for a send and return False, or return True where `most` are taken; 0 is any number."""
        sends, now = self._sends.setdefault(line, deque()), time.monotonic()
        while sends and now - sends[0] >= 1:
            sends.popleft()
        if most and len(sends) >= most:
            return True
        sends.append(now)
        return False


def busy(faults: SendblueFaults) -> SendblueRefusalError:
    """Return HTTP 429 with the body the faults name."""
    if faults.busy_body in ("empty", "text"):
        return SendblueRefusalError(429, "" if faults.busy_body == "empty" else "Too Many Requests")
    if faults.busy_body == "object":
        return SendblueRefusalError(429, {"error": {"code": "rate_limited", "message": "Too many requests"}})
    return send_error("5509", "Rate limit exceeded", 429)


def not_found(faults: SendblueFaults) -> SendblueRefusalError:
    """Return HTTP 404 with the body the faults name."""
    if faults.unknown_body in ("empty", "html"):
        return SendblueRefusalError(404, "" if faults.unknown_body == "empty" else _NOT_FOUND_PAGE)
    return request_error("Message not found", 404)
