"""A Sendblue that keeps the truth and lies about it, by the seed; and the phones behind it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import IO, TYPE_CHECKING
from uuid import UUID

from msgspec.structs import replace

from bot.domain.delivery import Delivery, HandleFrom, Service
from bot.domain.known import Report
from bot.domain.send import Send
from bot.errors import NotSent, Refused, Uncertain
from bot.sendblue.inbound import Page
from bot.sendblue.wire import HANDLES, Listed
from tests.chaos.simulation.customers import Customers
from tests.chaos.simulation.neighbours import AFTERWARDS, BROKEN, BUSY, DONE, LATE, LOST, REFUSED, UNREACHED, Neighbour

if TYPE_CHECKING:
    from tests.chaos.simulation.world import World


@dataclass(slots=True, eq=False)
class Text:
    """One text as it stands on the customer's phone, and everything it ever was."""

    send_id: UUID
    handle: str
    recipient: str
    line: str
    content: str
    at: datetime
    service: Service
    listed_at: datetime
    picture_lost: bool = False
    history: list[tuple[Delivery, datetime]] = field(default_factory=list)

    @property
    def status(self) -> Delivery:
        """The vendor's latest word."""
        return self.history[-1][0]

    def report(self, source: str, index: int = -1, *, short: bool = False) -> Report:
        """Return what the vendor says about it; `short` leaves out the channel and the error."""
        status, when = self.history[index]
        word = "ERROR" if status is Delivery.FAILED else status.name
        report = Report(source, when, status, word, self.handle, handle_from=HANDLES.get(source, HandleFrom.NOWHERE))
        if short:
            return report
        code = "4002" if status is Delivery.FAILED else ""
        return replace(report, service=self.service, error_code=code, recipient=self.recipient)


class Phone(Neighbour):
    """Stands where `Sendblue` does, and is the customers' phones as well."""

    def __init__(self, world: "World") -> None:
        super().__init__(world, "sendblue", 30)
        self.texts: list[Text] = []
        self.callbacks: list[tuple[UUID, Report]] = []
        self.customers = Customers(world)
        self.uploads: dict[str, str] = {}  # address → what is in the file there
        self.heard = False  # by the process that began last
        self.reads = world.dice.random() < 0.5  # READ is reported
        self.rcs_ends_at_sent = world.dice.random() < 0.3

    def of(self, send_id: UUID) -> list[Text]:
        """Return the texts one send row became: never more than one."""
        return [text for text in self.texts if text.send_id == send_id]

    async def submit(self, send: Send, callback_url: str) -> Report:
        fate, dice = await self._request(f"send {send.id.hex[-4:]}"), self._world.dice
        what = f"send {send.id.hex[-4:]}"
        if fate in (BUSY, UNREACHED, BROKEN, REFUSED):
            self._world.tell(f"sendblue {what}: {fate}")
            raise {
                BUSY: NotSent(dice.choice(("4001", "http_429"))),
                UNREACHED: NotSent("no_connection"),
                BROKEN: Uncertain(dice.choice(("http_503", "5000"))),
                REFUSED: Refused(dice.choice(("OPTED_OUT", "4002"))),
            }[fate]
        if fate is AFTERWARDS:
            self._afterwards(lambda: self._put(send, UUID(callback_url)), what)
        text = self._put(send, UUID(callback_url))
        try:
            await self._answer(fate, f"{what} as {text.handle}")
        except Uncertain:
            handle = text.handle if dice.random() < 0.2 else None
            raise Uncertain(dice.choice(("timeout", "connection_lost", "http_502")), handle=handle) from None
        report = replace(text.report("send", 0), at=self._world.now, picture_lost=text.picture_lost)
        return report if dice.random() < 0.8 else text.report("send")

    def _put(self, send: Send, send_id: UUID) -> Text:
        dice, now = self._world.dice, self._world.now
        self._world.watch.texted(send)
        self._world.watch.words.texted(send)
        text = Text(
            send_id=send_id,
            handle=f"h{len(self.texts) + 1}",
            recipient=send.words.recipient,
            line=send.words.line,
            content=send.words.text,
            at=now,
            service=dice.choice((Service.IMESSAGE, Service.IMESSAGE, Service.RCS, Service.SMS)),
            listed_at=now + timedelta(seconds=dice.choice((0, 0, 5, 60))),
            picture_lost=send.words.media_url is not None and dice.random() < 0.5,
            history=[(Delivery.QUEUED, now)],
        )
        self.texts.append(text)
        self.callbacks.append((text.send_id, text.report("callback")))
        return text

    async def upload(self, file: IO[bytes], name: str, mimetype: str) -> str:
        fate, what = await self._request(f"upload {name}"), f"upload {name}"
        if fate not in (DONE, LATE, LOST):
            self._world.tell(f"sendblue {what}: {fate}")
            raise Refused("file_refused") if fate is REFUSED else NotSent("no_answer")
        url = f"https://sendblue.example/{len(self.uploads) + 1}"
        self.uploads[url] = file.read().decode()
        try:
            await self._answer(fate, what)
        except Uncertain:
            raise NotSent("no_answer") from None
        return url

    async def status(self, handle: str) -> Report:
        text = await self._about(handle, "status")
        return text.report("poll", short=True)

    async def message(self, handle: str) -> Report:
        text = await self._about(handle, "message")
        return text.report("poll")

    async def sent_like(self, send: Send, age: timedelta) -> list[Report]:
        await self._look("list")
        if self.endless and not self._world.honest:
            raise NotSent("list_without_end")
        now = self._world.now
        there = [text for text in self.texts if text.listed_at <= now and now - age - timedelta(minutes=5) <= text.at]
        listed = (
            Listed(text.report("list"), text.content, outbound=True, line=text.line, at=text.at) for text in there
        )
        found = [item.report for item in listed if item.may_be(send)]
        self._world.dice.shuffle(found)  # whatever order was asked for
        return found

    def now(self) -> datetime:
        """Its clock is the true one; before its first answer nobody knows it."""
        return self._world.now if self.heard else self._world.stored_now

    async def said(self, line: str, since: datetime, *, offset: int, outbound: bool = False) -> Page:
        if outbound:  # nobody texts from elsewhere here
            return Page([], [], 0, more=False)
        await self._look(f"list of {line[-4:]} from {offset}")
        self.heard = True
        return self.customers.listed(line, since, offset, endless=self.endless and not self._world.honest)

    async def opt_out(self, customer: str, *, opted_out: bool) -> None:
        await self._look(f"{customer[-4:]} {'out' if opted_out else 'in'}")

    async def _about(self, handle: str, what: str) -> Text:
        await self._look(f"{what} {handle}")
        found = next((text for text in self.texts if text.handle == handle), None)
        if found is None:
            raise Refused("http_404")
        return found

    async def _look(self, what: str) -> None:
        """Questions change nothing, so every trouble is the same: no answer."""
        fate = await self._request(what)
        if fate not in (DONE, LATE):
            raise Refused("http_404") if fate is REFUSED else NotSent("no_answer")
        try:
            await self._answer(fate, what)
        except Uncertain:
            raise NotSent("no_answer") from None
