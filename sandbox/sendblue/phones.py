"""All messages on all phones, and their way there."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from random import Random

from sandbox.background import Background
from sandbox.board import Board
from sandbox.sendblue.callbacks import Callbacks
from sandbox.sendblue.faults import SendblueFaults
from sandbox.sendblue.journeys import journey, mixed, peculiar
from sandbox.sendblue.records import PhoneMessage
from sandbox.traffic import Json

MESSAGES_KEPT = 10_000

_HANDED_OVER = frozenset({"SENT", "DELIVERED", "READ"})


class Phones:
    """Keeps messages, moves them along and reports on them. `step` is seconds between statuses."""

    def __init__(self, board: Board, faults: SendblueFaults, callbacks: Callbacks, step: float) -> None:
        self._board = board
        self._faults = faults
        self._callbacks = callbacks
        self._random = Random(1)  # noqa: S311 (disorder that is the same in every run)
        self._messages: OrderedDict[str, PhoneMessage] = OrderedDict()
        self.step = step
        self.background = Background()

    @property
    def messages(self) -> list[PhoneMessage]:
        """Every message, oldest first."""
        return list(self._messages.values())

    def find(self, handle: str) -> PhoneMessage | None:
        """Return the message named `handle`."""
        return self._messages.get(handle)

    def equal_to(self, message: PhoneMessage) -> PhoneMessage | None:
        """Return an earlier message from the same line to the same number that reads the same."""
        return next((known for known in self._messages.values() if _reads(known) == _reads(message)), None)

    def add(self, message: PhoneMessage) -> None:
        """Put a message on its phone."""
        self._messages[message.handle] = message
        if len(self._messages) > MESSAGES_KEPT:
            self._messages.popitem(last=False)
        self._board.say("phone", message.event())

    def send_off(self, message: PhoneMessage) -> None:
        """Start an accepted message on the way the faults prescribe now."""
        statuses = journey(self._faults, media=bool(message.media_url))[1:]
        self.add(message)
        self.background.start(self._travel(message, [(status, peculiar(self._faults, status)) for status in statuses]))

    def change(self, message: PhoneMessage, status: str, fields: Json) -> Json:
        """Give a message a status and other fields; return the body that reports it."""
        message.status = status
        message.updated_at = time.time()
        if status in _HANDED_OVER and message.sent_at is None:
            message.sent_at = message.updated_at
        for name, value in fields.items():
            if name in ("service", "was_downgraded", "error_code", "error_message", "media_url"):
                setattr(message, name, value)
            else:
                message.more[name] = value
        self._board.say("phone", message.event())
        return message.body()

    def report(self, message: PhoneMessage, body: Json) -> asyncio.Task[None]:
        """Send a status callback beside everything else."""
        return self.background.start(self._report(message, body))

    async def _travel(self, message: PhoneMessage, steps: Sequence[tuple[str, Json]]) -> None:
        """Move a message on, step by step: a status, and what is peculiar about it then."""
        kept_back: list[Json] = []
        for status, fields in steps:
            await asyncio.sleep(self.step)
            body = self.change(message, status, fields)
            if self._faults.shuffle_callbacks:
                kept_back += [body] * (3 if self._faults.duplicate_callbacks else 1)
            else:
                self.report(message, body)
        for body in mixed(kept_back, self._random):
            self.report(message, body)

    async def _report(self, message: PhoneMessage, body: Json) -> None:
        if message.status_callback:
            await self._callbacks.send(message.status_callback, body)


def _reads(message: PhoneMessage) -> tuple[object, ...]:
    return message.outbound, message.number, message.from_number, message.content, message.media_url
