"""What the neighbours, the customers, the people in Slack and fate may do in a simulated world."""

from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from bot.domain.delivery import Delivery, Service
from bot.domain.known import Report
from bot.domain.message import Origin, Request
from bot.services.deciding import Click
from bot.storage.timekeeping import keep_time
from tests.chaos.simulation.phone import Text
from tests.chaos.simulation.processes import Process

_TEXTS = ("Table at eight?", "Table at eight?", "We are closed.", "One long text. In two parts, as it happens.")
_CUSTOMERS = ("+14155552671", "+14155552671", "+14155552672")
_LINES = (None, None, None, "+15550100901")
_PLACES = ("C0ONE", "C0ONE", "C0ONE", "C0ONE", "C0TWO", "D0PAIR")
_NEXT = {Delivery.QUEUED: Delivery.SENT, Delivery.SENT: Delivery.DELIVERED, Delivery.DELIVERED: Delivery.READ}


class Acts:
    """Each method is one act; a world (see world.py) has what they act upon."""

    dice: Random
    now: datetime
    skew: timedelta
    alone: bool
    watch: Any
    slack: Any
    phone: Any
    processes: list[Process]
    commands: list[tuple[Request, Origin]]
    most_sends: int
    alike: bool
    database_away: bool

    def tell(self, event: str) -> None:
        """Add a line to the story."""
        raise NotImplementedError

    def advance_to(self, then: datetime) -> None:
        """Turn the clock."""
        raise NotImplementedError

    def move_phone(self) -> None:
        """The vendor and the customer's phone go on with one text, and the vendor calls back."""
        if not self.phone.texts:
            return
        text = self.dice.choice(self.phone.texts)
        if not self.move(text):
            return
        for _ in range(self.dice.choice((0, 1, 1, 1, 2))):
            self.phone.callbacks.append((text.send_id, text.report("callback")))

    def move(self, text: Text) -> bool:
        """Let one text go one step further; return whether it could."""
        status = self._next_status(text)
        if status is None:
            return False
        if status is Delivery.SENT and text.service is Service.IMESSAGE and self.dice.random() < 0.1:
            text.service = Service.SMS  # the vendor falls back
        text.history.append((status, self.now))
        self.tell(f"sendblue: {text.handle} is {status.name}")
        return True

    def _next_status(self, text: Text) -> Delivery | None:
        if text.status is Delivery.SENT and text.service is Service.SMS:
            return None
        if text.status is Delivery.SENT and text.service is Service.RCS and self.phone.rcs_ends_at_sent:
            return None
        if text.status is Delivery.DELIVERED and not self.phone.reads:
            return None
        if text.status is Delivery.FAILED:  # now and then it was delivered after all
            return Delivery.DELIVERED if self.dice.random() < 0.2 else None
        if text.status < Delivery.DELIVERED and self.dice.random() < 0.12:
            return Delivery.FAILED
        return _NEXT.get(text.status)

    def call_back(self) -> None:
        """A callback arrives: in any order, perhaps twice, perhaps never, perhaps an old or a strange one."""
        dice, awake = self.dice, self.awake()
        if not awake or not self.phone.texts:
            return
        if dice.random() < 0.25:
            text = dice.choice(self.phone.texts)
            send_id, report = text.send_id, text.report("callback", dice.randrange(len(text.history)))
            kind = dice.random()
            if kind < 0.3:
                report = Report("callback", self.now, None, "DOWNGRADED", text.handle)
            elif kind < 0.6 and self.watch.handle_of(send_id) is not None:  # about another text than ours
                report = Report(
                    "callback", self.now, dice.choice(list(Delivery)[3:]), "READ", dice.choice(("h1", "h9"))
                )
                if report.handle == self.watch.handle_of(send_id):
                    return
        elif self.phone.callbacks:
            waiting = self.phone.callbacks
            index = dice.randrange(len(waiting))
            send_id, report = waiting[index]
            if dice.random() < 0.8:
                waiting.pop(index)
            if dice.random() < 0.15:
                return
        else:
            return
        self.hears(send_id, report)

    def type(self) -> None:
        """A person types a command, or Slack delivers one again."""
        dice, awake = self.dice, self.awake()
        if not awake:
            return
        if not self.commands or (len(self.commands) < self.most_sends and dice.random() < 0.7):
            key = f"key{len(self.commands)}"
            origin = Origin(key, "T", dice.choice(_PLACES), dice.choice(("U0ANA", "U0BEN")), f"answer-{key}")
            media = "https://example.com/a.png" if dice.random() < 0.15 else None
            request = Request(dice.choice(_CUSTOMERS), dice.choice(_TEXTS), line=dice.choice(_LINES), media_url=media)
            if self.alike:
                request = Request(_CUSTOMERS[0], _TEXTS[0])
            self.commands.append((request, origin))
        request, origin = dice.choice(self.commands)
        process = dice.choice(awake)
        self.watch.typed[origin.key] += 1
        process.spawn(f"command {origin.key}", process.accept(request, origin))

    def click(self) -> None:
        """A person clicks a button they were shown, perhaps twice, perhaps long after."""
        dice, awake = self.dice, self.awake()
        if not awake or not self.watch.buttons:
            return
        send_id = UUID(dice.choice(sorted(self.watch.buttons)))
        for _ in range(dice.choice((1, 1, 2))):
            deciding_, choice = dice.choice(awake), dice.choice(("resend", "resend", "leave"))
            work = deciding_.deciding.decide(send_id, choice, Click("U0ANA", ("T1",), "C0ONE", "answer-click"))
            deciding_.spawn(f"click {choice} {send_id.hex[-4:]}", work)

    def kill_or_start(self) -> None:
        """kill -9, or a new life."""
        dead = [index for index, process in enumerate(self.processes) if not process.alive]
        index = dead[0] if dead else self.dice.randrange(len(self.processes))
        process = self.processes[index]
        if process.alive:
            self.note_time()
            self.tell(f"kill -9 {process.name}")
            process.kill()
        elif not self.database_away:  # or it would not get up
            self.start(index)

    def start(self, index: int) -> None:
        """Begin a new life of a dead process."""
        self.advance_to(self.now + timedelta(seconds=1 + self.dice.random()))
        self.tell(f"{self.processes[index].name} starts")
        self.processes[index] = process = Process(self, self.processes[index].name)
        self.phone.heard = False
        process.claim("receive")  # customers wrote meanwhile
        process.listen()

    def note_time(self) -> None:
        """Who is awake looks at the clock every second, so until now."""
        if not self.database_away and (awake := self.awake()):
            awake[0].ledger.at_once(keep_time, None)

    def set_clock(self) -> None:
        """Somebody sets the clock of the database's machine. A process alone follows that from its next life on."""
        if self.database_away or (self.alone and self.processes[0].alive):
            return
        self.note_time()
        self.skew += timedelta(seconds=self.dice.choice((-3600, -3600, -600, -90, -3, 30, 3600)))
        self.watch.clock_set()
        self.tell(f"the clock is {self.skew} ahead")

    def freeze(self) -> None:
        """SIGSTOP, or SIGCONT."""
        process = next((process for process in self.processes if process.frozen), self.dice.choice(self.processes))
        self.note_time()
        process.frozen = not process.frozen
        self.tell(f"{process.name} {'stops' if process.frozen else 'goes on'}")

    def trouble_somebody(self) -> None:
        """An outage begins or ends."""
        outages = {"slack": self.slack.down, "slack's token": self.slack.token_dead}
        outages |= {"sendblue": self.phone.down, "database": self.database_away}
        who = next((who for who, away in outages.items() if away), self.dice.choice(list(outages)))
        match who:
            case "slack":
                self.slack.down = not self.slack.down
            case "slack's token":
                self.slack.token_dead = not self.slack.token_dead
            case "sendblue":
                self.phone.down = not self.phone.down
            case _:
                self.database_away = not self.database_away
        self.tell(f"{who}: an outage begins or ends")

    def meddle(self) -> None:
        """People archive a channel, take the bot out of it, or delete what hangs there."""
        kind = self.dice.random()
        if kind < 0.1:
            self.slack.archived.add("C0ONE")
            self.tell("C0ONE is archived")
        elif kind < 0.3:
            self.slack.outside.add("C0ONE")
            self.tell("C0ONE is left")
        elif self.slack.posts:
            posted = self.dice.choice(self.slack.posts)
            posted.deleted = True
            self.tell(f"{posted.id[-10:]} is deleted by hand")

    def hears(self, send_id: UUID, report: Report) -> None:
        """Some process is called back."""
        process = self.dice.choice(self.awake())
        process.spawn(f"callback {report.word} {report.handle}", process.hear(send_id, report))

    def awake(self) -> list[Process]:
        """Return the processes that can do anything."""
        return [process for process in self.processes if process.alive and not process.frozen]
