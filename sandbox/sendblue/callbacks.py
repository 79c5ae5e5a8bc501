"""Telling the bot what became of a message."""

import asyncio
import json

from sandbox.courier import Courier
from sandbox.sendblue.faults import SendblueFaults
from sandbox.traffic import Json

ATTEMPTS = 4
"""The first and up to three repetitions. Source: docs, "Webhooks"."""
PATIENCE = 45.0
"""Seconds Sendblue waits for an answer."""


class Callbacks:
    """Sends status callbacks, as badly as the faults say."""

    def __init__(self, courier: Courier, faults: SendblueFaults, retry_wait: float) -> None:
        self._courier = courier
        self._faults = faults
        self._retry_wait = retry_wait
        self._kept_back: Json | None = None

    async def send(self, url: str, body: Json) -> None:
        """Send one status callback: late, never, or three times, if the faults say so."""
        if self._faults.delay_callbacks:
            await asyncio.sleep(self._faults.delay_callbacks)
        if self._faults.lose_callbacks:
            return
        for _ in range(3 if self._faults.duplicate_callbacks else 1):
            await self._repeat(url, body, self._faults.callback_secret)

    async def inbound(self, url: str, body: Json, secret: str) -> int | None:
        """Send what a customer wrote, as badly as the faults say; return the last answer.

        Late, never, three times, or after what comes next. What waits for the next comes with it also once the
        fault is over.
        """
        if self._faults.delay_inbound:
            await asyncio.sleep(self._faults.delay_inbound)
        if self._faults.lose_inbound:
            return None
        if self._faults.shuffle_inbound and self._kept_back is None:
            self._kept_back = body
            return None
        bodies = [body, *([self._kept_back] if self._kept_back else [])]
        self._kept_back = None
        status = None
        for one in bodies:
            for _ in range(3 if self._faults.duplicate_inbound else 1):
                status = await self._repeat(url, one, secret)
        return status

    async def post(self, url: str, body: Json, secret: str = "") -> int | None:
        """POST a body once; return the HTTP status, None if no answer came."""
        headers = {"Content-Type": "application/json"}
        if secret:
            headers["sb-signing-secret"] = secret
        return (await self._courier.post(url, json.dumps(body), headers, PATIENCE)).status

    async def _repeat(self, url: str, body: Json, secret: str) -> int | None:
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(self._retry_wait)
            if not self._unheard(status := await self.post(url, body, secret)):
                break
        return status

    def _unheard(self, status: int | None) -> bool:
        """Whether this answer, or none, has a callback sent again."""
        if self._faults.repeat_callbacks == "never":
            return False
        if self._faults.repeat_callbacks == "non-2xx":
            return status is None or not 200 <= status < 300
        return status is not None and status >= 500
