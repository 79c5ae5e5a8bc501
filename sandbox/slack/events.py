"""Events on their way to the bot. Source: docs, "The Events API", delivery and retries."""

import asyncio
import secrets

from sandbox.background import Background
from sandbox.slack.faults import SlackFaults
from sandbox.slack.hands import Hands, event_envelope
from sandbox.slack.records import Channel, CommandAnswer
from sandbox.traffic import Json

PAUSES = (0.0, 60.0, 300.0)
"""Seconds before each repetition of an event that was not answered with 2xx within 3 s."""


class Events:
    """Tells the app what happened, as badly as the faults say; `pauses` are those before repetitions."""

    def __init__(self, hands: Hands, faults: SlackFaults) -> None:
        self._hands = hands
        self._faults = faults
        self._background = Background()
        self.pauses = PAUSES

    async def tell(self, channel: Channel, event: Json) -> None:
        """Deliver an event of a channel, if the app is a member of it.

        Ends after the first attempt; what is late or comes again does so in the background.
        """
        if not channel.member or self._faults.lose_events:
            return
        envelopes = [event_envelope(event)]
        if self._faults.twin_events:
            envelopes.append(envelopes[0] | {"event_id": f"Ev{secrets.token_hex(6).upper()}"})
        copies = 2 if self._faults.repeat_events else 1
        deliveries = [self._background.start(self._first(envelope)) for envelope in envelopes for _ in range(copies)]
        if not self._faults.delay_events:
            await asyncio.wait(deliveries)

    def tell_of_own(self, channel: Channel, event: Json) -> None:
        """Deliver an event of what the app itself did, in the background, if the switch is on."""
        if self._faults.own_events:
            self._background.start(self.tell(channel, event))

    async def settle(self) -> None:
        """Wait until every event was delivered or given up."""
        await self._background.settle()

    async def aclose(self) -> None:
        """Give up what is under way."""
        await self._background.aclose()

    async def _first(self, envelope: Json) -> None:
        if self._faults.delay_events:
            await asyncio.sleep(self._faults.delay_events)
        answer = await self._hands.send_json(envelope)
        if answer.failure is not None:
            self._background.start(self._again(envelope, _reason(answer)))

    async def _again(self, envelope: Json, reason: str) -> None:
        for number, pause in enumerate(self.pauses, 1):
            await asyncio.sleep(pause)
            headers = {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": reason}
            answer = await self._hands.send_json(envelope, headers)
            if answer.failure is None:
                return
            reason = _reason(answer)


def _reason(answer: CommandAnswer) -> str:
    if answer.failure == "operation_timeout":
        return "http_timeout"
    return "http_error" if answer.status else "connection_failed"
