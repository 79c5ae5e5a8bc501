"""How a simulated world may begin: in the midst of what few seeds would come to by themselves."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

from tests.chaos.simulation.neighbours import BROKEN, LOST


class Beginnings:
    """Each method is one beginning; a world (see world.py) has what it acts upon."""

    dice: Random
    now: datetime
    honest: bool
    alike: bool
    most_sends: int
    phone: Any
    type: Any
    say: Any
    write: Any
    awake: Any
    advance_to: Any
    take_in: Any
    events_left: Any
    _do_what_can_be_done: Any

    def begin_in_doubt(self) -> None:
        """One text is in doubt already, and the same may be sent again: few seeds would get there by themselves."""
        self.honest, self.alike, self.most_sends = True, True, 3
        self.type()
        for kind in ("announce", "send"):
            self._do_what_can_be_done()
            self.awake()[0].claim(kind)
        self.phone.fates = [self.dice.choice((LOST, BROKEN, BROKEN))]
        self._do_what_can_be_done()
        self.honest = False

    def begin_with_files(self) -> None:
        """A thread stands, and files are on their way: few seeds would get there by themselves."""
        self.honest, dice = True, self.dice
        self.type()
        self._do_what_can_be_done()
        self._claim_each("announce")
        self.advance_to(self.now + timedelta(seconds=6))  # a slot further, and long enough to read the root
        if dice.random() < 0.5:
            for kind in dice.choice((("file",), ("both", "short"), ("several", "file"))):
                self.say(kind)
            self.phone.customers.hooked = True
            self._bring_all()
        else:
            self.write(dice.choice(("file", "files", "files", "bare", "bad")))
            self._bring_all()
        kinds = dice.choice((("announce",), ("announce", "carry"), ("carry", "announce"), ("carry", "announce")))
        self._claim_each(*kinds)
        self.advance_to(self.now + timedelta(seconds=6))
        self.honest = False
        self.awake()[0].claim("announce")

    def _bring_all(self) -> None:
        process = self.awake()[0]
        for said in self.phone.customers.said:
            process.spawn(f"webhook {said.first.handle}", process.take(said, said.first))
        for words, event in self.events_left():
            process.spawn(f"event of {words.number}", self.take_in(process, words, event))
        self._do_what_can_be_done()

    def _claim_each(self, *kinds: str) -> None:
        for kind in kinds:
            self.awake()[0].claim(kind)
            self._do_what_can_be_done()
