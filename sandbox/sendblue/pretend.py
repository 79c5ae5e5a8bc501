"""The pretend Sendblue: one account, its lines, and everybody's phone."""

import asyncio
from collections.abc import Sequence

from starlette.applications import Starlette

from sandbox.board import Board
from sandbox.courier import Courier
from sandbox.sendblue.account import Account
from sandbox.sendblue.callbacks import Callbacks
from sandbox.sendblue.endpoint import Endpoint
from sandbox.sendblue.faults import SendblueFaults
from sandbox.sendblue.groups import GROUP
from sandbox.sendblue.intake import message_to
from sandbox.sendblue.media import Media, Sent, items
from sandbox.sendblue.media_door import MediaDoor
from sandbox.sendblue.optouts import OptOuts
from sandbox.sendblue.phones import Phones
from sandbox.sendblue.records import PhoneMessage
from sandbox.sendblue.tapbacks import tapback
from sandbox.traffic import ApiCall, Json

MESSAGES_SHOWN = 500


class PretendSendblue:
    """A Sendblue account. `app` answers `/api/…` and `/media/…`; `base_url` is where it is served.

    `step` is seconds between the statuses of a message. Callbacks answered with HTTP 5xx are repeated up to three
    times, `retry_wait` seconds apart. Set `webhook_url` to have what customers write sent to the bot.
    """

    def __init__(
        self,
        board: Board,
        key_id: str,
        secret: str,
        lines: Sequence[str] = ("+15550100900",),
        *,
        step: float = 0.4,
        retry_wait: float = 0.2,
    ) -> None:
        board.conceal(key_id, secret)
        self.faults = SendblueFaults()
        self.lines = list(lines)
        self.webhook_url = ""
        self.webhook_secret = ""
        self._courier = Courier(board, "sendblue")
        self._callbacks = Callbacks(self._courier, self.faults, retry_wait)
        self._phones = Phones(board, self.faults, self._callbacks, step)
        self._opt_outs = OptOuts(self.faults)
        self._opt_outs.changed = lambda: board.say("opted_out", {"numbers": self._opt_outs.numbers})
        self.base_url = ""
        self.media = Media(self.faults, lambda: self.base_url)
        self._account = Account(self.faults, self._phones, self._opt_outs, self.media, self.lines)
        self._endpoint = Endpoint(board, self.faults, self._account, (key_id, secret))
        self._door = MediaDoor(board, self.media, self.faults)
        self.app = Starlette(routes=[*self._endpoint.routes(), self._door.route()])

    @property
    def messages(self) -> list[PhoneMessage]:
        """What is on the phones, oldest first, both ways."""
        return self._phones.messages

    @property
    def calls(self) -> list[ApiCall]:
        """Every request that came in, oldest first; `method` is such as "POST /api/send-message"."""
        return list(self._endpoint.calls)

    @property
    def transfers(self) -> list[ApiCall]:
        """Every "download" of media, oldest first."""
        return list(self._door.calls)

    @property
    def line_states(self) -> dict[str, str]:
        """Lines that are not ONLINE, and what they are instead."""
        return self._account.line_states

    @property
    def step(self) -> float:
        """Seconds between the statuses of a message."""
        return self._phones.step

    @step.setter
    def step(self, seconds: float) -> None:
        self._phones.step = seconds

    async def settle(self) -> None:
        """Wait until every message has arrived and every callback was sent."""
        await self._phones.background.settle()

    async def report(self, handle: str, status: str, **fields: object) -> int | None:
        """Send one status callback now, whatever the faults say; `fields` are added or override.

        Returns the HTTP status of the bot's answer, None if none came or nobody asked for callbacks.
        """
        message = self._known(handle)
        body = self._phones.change(message, status, fields)
        return await self._callbacks.post(message.status_callback, body) if message.status_callback else None

    def customer_reads(self, handle: str) -> asyncio.Task[None]:
        """Open a message on the phone; the callback goes out by itself and may be awaited."""
        message = self._known(handle)
        if self.faults.never_read:
            return self._phones.background.start(asyncio.sleep(0))
        return self._phones.report(message, self._phones.change(message, "READ", {}))

    async def customer_says(
        self, number: str, text: str, *, line: str = "", media: Sequence[Sent] = (), **fields: object
    ) -> int | None:
        """Write to a line; return the HTTP status of the bot's last answer to the webhook, if any.

        line: by default the one that texted them last, else the first. media: files that come with it, and `text` may
        be "" then. fields: of the record, such as `media_url`. STOP and its like opt the customer out of the account,
        START in again.
        """
        self._opt_outs.hear(number, text)
        lines = [message.line for message in self.messages if message.number == number]
        urls = [self.media.sent(name, data).url for name, data in media]
        status = None
        for words, addresses in items(text, urls, self.faults.media_items):
            place = line or [*self.lines[:1], *lines][-1]
            message = message_to(place, number, words, opted_out=number in self._opt_outs)
            message.media_url, message.media = next(iter(addresses), None), self.media.shown(addresses)
            message.more |= fields | ({"media_url": addresses} if len(addresses) > 1 else {})
            status = await self._came_in(message)
        return status

    async def group_says(self, number: str, text: str, *, media: Sequence[Sent] = ()) -> int | None:
        """Write in the group chat, as the member with this number; otherwise as `customer_says`."""
        return await self.customer_says(number, text, line=self.lines[0], media=media, **GROUP.fields(self.lines[0]))

    async def customer_reacts(self, handle: str, sign: str) -> int | None:
        """Put a tapback on one of our texts, or take it back if it is there; return as `customer_says`."""
        target = self._known(handle)
        on_it = [message.sign for message in self.messages if message.reacts_to == handle]
        added = on_it[-1:] != [sign]
        text = tapback(sign, target.content, added=added)
        message = message_to(target.line, target.number, text, opted_out=target.number in self._opt_outs)
        message.reacts_to, message.sign = handle, sign if added else ""
        return await self._came_in(message)

    def snapshot(self) -> Json:
        """Return everything the page shows of the phones."""
        phones = [message.event() for message in self.messages[-MESSAGES_SHOWN:]]
        return {
            "phones": phones,
            "lines": self.lines,
            "opted_out": self._opt_outs.numbers,
            "group": GROUP.event(),
        }

    async def aclose(self) -> None:
        """Stop all messages where they are and close what was opened."""
        await self._phones.background.aclose()
        await self._courier.aclose()

    async def _came_in(self, message: PhoneMessage) -> int | None:
        """Put what a customer did on their phone, and tell the bot if it has a webhook."""
        self._phones.add(message)
        if not self.webhook_url:
            return None
        return await self._callbacks.inbound(self.webhook_url, message.body(), self.webhook_secret)

    def _known(self, handle: str) -> PhoneMessage:
        message = self._phones.find(handle)
        if message is None:
            raise KeyError(handle)
        return message
