"""What customers may do in a simulated world, and what people decide about what they wrote."""

import re
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

from bot.domain.message import Notice
from bot.services.deciding import Click

if TYPE_CHECKING:
    from tests.chaos.simulation.processes import Process

CUSTOMERS = ("+14155552671", "+14155552671", "+14155552672", "+14155552679")  # nobody texts the last
LINES = ("+15550100900", "+15550100901")
_WORDS = ("short", "short", "short", "long", "file", "both", "several", "stop", "start", "perhaps stop")


def words(kind: str, number: int) -> tuple[str, tuple[str, ...]]:
    """Return the text and the files of a message. All are different, and none contains another."""
    names = {"file": ("",), "both": ("",), "several": ("", "b")}.get(kind, ())
    files = tuple(f"https://files.example/IMG_{number}{name}.heic?token=1" for name in names)
    texts = {
        "long": f"Answer {number} begins. Answer {number} goes on. Answer {number} ends.",
        "file": "",
        "stop": f"({'.' * number}stop)",
        "start": f"({'.' * number}start)",
        "perhaps stop": f"Stop texting me, no {number}.",
    }
    return texts.get(kind, f"Answer {number}."), files


class Talking:
    """Each method is one act; a world (see world.py) has what they act upon."""

    dice: Random
    alike: bool
    watch: Any
    phone: Any

    def awake(self) -> list["Process"]:
        """Return the processes that can do anything."""
        raise NotImplementedError

    def say(self, kind: str = "") -> None:
        """A customer writes, or edits what they wrote. kind: of what; by default any."""
        dice, customers = self.dice, self.phone.customers
        firsts = [(said, said.first) for said in customers.said]
        plain = [said for said, first in firsts if re.fullmatch(r"Answer \d+\.", first.text) and not first.files]
        if plain and not kind and dice.random() < 0.1:
            customers.edit(dice.choice(plain))
            return
        if len(customers.said) >= 8:
            return
        text, files = words(kind or dice.choice(_WORDS), len(customers.said) + 1)
        line = LINES[0] if dice.random() < 0.8 else LINES[1]
        customers.write(line, dice.choice(CUSTOMERS[:1] if self.alike else CUSTOMERS), text, files)

    def bring(self) -> None:
        """The webhook brings what a customer wrote: in any order, perhaps once more later, perhaps never."""
        hooks, dice, awake = self.phone.customers.hooks, self.dice, self.awake()
        if not hooks or not awake:
            return
        index = dice.randrange(len(hooks))
        said, version = hooks[index]
        if dice.random() < 0.8:
            hooks.pop(index)
        if dice.random() < 0.15:
            return
        process = dice.choice(awake)
        process.spawn(f"webhook {version.handle}", process.take(said, version))

    def decide(self) -> None:
        """A person clicks a button beside a customer's STOP, or beside what may be one."""
        dice, awake, notices = self.dice, self.awake(), self.watch.answers.notices()
        if not awake or not notices:
            return
        message_id, notice = dice.choice(notices)
        choice = dice.choice((Notice.OPTED_OUT, Notice.KEPT)) if notice == Notice.ASKS else Notice.UNDONE
        process = dice.choice(awake)
        click = Click("U0ANA", ("T1",), "C0ONE", "answer-click")
        work = process.deciding.decide_opt_out(UUID(message_id), choice, click)
        process.spawn(f"click {choice} {message_id[-4:]}", work)
