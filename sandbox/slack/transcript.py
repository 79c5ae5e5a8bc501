"""The messages of one channel."""

from sandbox.slack.records import SlackMessage

KEPT = 5000
"""Messages a channel keeps; beyond that its oldest thread goes."""


class Transcript:
    """A channel's messages: roots in order, each with its replies in order."""

    def __init__(self) -> None:
        self._messages: dict[str, SlackMessage] = {}
        self._threads: dict[str, list[SlackMessage]] = {}

    def add(self, message: SlackMessage) -> None:
        """Append a root, or a reply to a root that is there."""
        self._messages[message.ts] = message
        if message.thread_ts is None:
            self._threads[message.ts] = []
        else:
            self._threads[message.thread_ts].append(message)
            message.parent_user = self._messages[message.thread_ts].user
        if len(self._messages) > KEPT:
            self._forget(next(iter(self._threads)))

    def find(self, ts: object) -> SlackMessage | None:
        """Return the message named `ts` unless it was deleted."""
        message = self._messages.get(str(ts))
        return None if message is None or message.deleted else message

    def root(self, ts: object) -> SlackMessage | None:
        """Return the message named `ts` if it can carry a thread."""
        message = self.find(ts)
        return message if message is not None and message.thread_ts is None else None

    def deleted_root(self, ts: object) -> SlackMessage | None:
        """Return the message named `ts` if it could carry a thread and was deleted."""
        message = self._messages.get(str(ts))
        return message if message is not None and message.deleted and message.thread_ts is None else None

    def tombstone(self, ts: object) -> SlackMessage | None:
        """Return the message named `ts` if it was deleted while it had replies."""
        message = self.deleted_root(ts)
        there = message is not None and any(not reply.deleted for reply in self.replies(message.ts))
        return message if there else None

    def roots(self) -> list[SlackMessage]:
        """Return the messages in the channel itself, oldest first, deleted ones included."""
        return [self._messages[ts] for ts in self._threads]

    def replies(self, ts: str) -> list[SlackMessage]:
        """Return the replies to a root, oldest first, deleted ones included."""
        return list(self._threads.get(ts, ()))

    def everything(self) -> list[SlackMessage]:
        """Return roots and replies in the order in which they came."""
        return list(self._messages.values())

    def _forget(self, ts: str) -> None:
        for reply in self._threads.pop(ts):
            del self._messages[reply.ts]
        del self._messages[ts]
