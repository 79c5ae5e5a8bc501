"""What colleagues type in a simulated world's threads, what they make of it, and what they answer when asked."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec.structs import replace

from bot.domain.reply import Edit, Removal, Reply, SharedFile
from bot.errors import NotStored
from bot.services.deciding import Click
from bot.slack.questions import SEND
from bot.slack.wording import Post

if TYPE_CHECKING:
    from tests.chaos.simulation.neighbours import Posted
    from tests.chaos.simulation.processes import Process

GUEST = "U0GUEST"
EXTERNAL = "elsewhere"
"""Ends the id of a file that nobody can send."""

_AUTHORS = ("U0ANA", "U0ANA", "U0BEN", "U0BEN", GUEST)
_KINDS = ("plain", "plain", "plain", "long", "note", "names", "to us", "file", "files", "bare", "bad")
_FILES = {"file": ("a",), "files": ("a", "b"), "bare": ("a",), "bad": ("a", f"b{EXTERNAL}")}
_MOST = 5

Event = Reply | Edit | Removal


@dataclass(slots=True, eq=False)
class Words:
    """Something typed. reply: as it reads now; its number stands in all its versions and in nothing else."""

    number: int
    reply: Reply
    root: "Posted"
    versions: list[Reply] = field(default_factory=list)
    removed: bool = False
    given_up: bool = False  # Slack tells of it no more: nobody was there
    marks: list[str] = field(default_factory=list)


class Colleagues:
    """All that was typed. events: what Slack has still to tell."""

    def __init__(self) -> None:
        self.words: list[Words] = []
        self.events: list[tuple[Words, Event]] = []
        self.questions: dict[str, str] = {}  # message id → who is asked
        self.unmarkable: set[str] = set()  # ts of words whose mark was refused
        self.unread: set[str] = set()  # roots of threads that could not be read back

    def of(self, text: str) -> Words | None:
        """Return what a text on a phone, or in the database, is of."""
        found = re.search(r"Typed (\d+)", text)
        return None if found is None else self.words[int(found[1]) - 1]

    def at(self, channel: str, ts: str) -> Words:
        return next(one for one in self.words if (one.reply.channel, one.reply.ts) == (channel, ts))

    def asked(self, person: str, post: Post) -> None:
        """Remember the question in something that one person is told."""
        elements = [element for block in post.blocks for element in block.get("elements", ())]
        self.questions |= {one["value"]: person for one in elements if one.get("action_id") == SEND}

    def since(self, channel: str, root_ts: str, at: datetime) -> list[Reply]:
        """Return what stands in a thread."""
        there = [one for one in self.words if (one.reply.channel, one.reply.thread_ts) == (channel, root_ts)]
        return [one.reply for one in there if not one.removed and one.reply.at >= at]


class Typing:
    """Each method is one act; a world (see world.py) has what they act upon."""

    dice: Random
    now: datetime
    slack: Any
    colleagues: Colleagues
    processes: "list[Process]"

    def awake(self) -> "list[Process]":
        """Return the processes that can do anything."""
        raise NotImplementedError

    def tell(self, event: str) -> None:
        """Add a line to the story."""
        raise NotImplementedError

    def write(self, kind: str = "") -> None:
        """A colleague types in a thread. kind: what; by default anything."""
        dice, words = self.dice, self.colleagues.words
        roots = [post for post in self.slack.posts if post.id.endswith("-0") and not post.thread_ts and post.visible]
        read = self.now - timedelta(seconds=1)  # nobody reads a root and answers it faster
        roots = [post for post in roots if not post.id.startswith("note-") and post.at <= read]
        if not roots or len(words) >= _MOST:
            return
        root, number, author = dice.choice(roots), len(words) + 1, dice.choice(_AUTHORS)
        kind = kind or dice.choice(_KINDS)
        text = _text(number, 0, kind)
        ts = f"{self.now.timestamp() + number / 1000:.6f}"
        names, to_us = kind == "names", kind == "to us"
        key = f"reply:T1:{author}:{number}"
        files = tuple(SharedFile(f"S{number}{end}", f"photo {number}{end}", 9) for end in _FILES.get(kind, ()))
        where = (root.channel, root.ts, ts)
        reply = Reply(key, "T1", *where, author, text, names, to_us, names, files=files)
        words.append(Words(number, reply, root, [reply]))
        self.tell(f"{author} types {text!r} with {len(files)} files below {root.id[-10:]}")
        self._tell_bot(words[-1], reply)

    def rewrite(self) -> None:
        """They edit it, perhaps into a note, or delete it."""
        dice = self.dice
        standing = [one for one in self.colleagues.words if not one.removed]
        if not standing:
            return
        words = dice.choice(standing)
        if dice.random() < 0.35:
            words.removed = True
            self.tell(f"{words.reply.text!r} is deleted")
            self._tell_bot(words, Removal(words.reply.channel, words.reply.ts, words.reply))
            return
        text = _text(words.number, len(words.versions), dice.choice(("plain", "plain", "note")))
        words.reply = replace(words.reply, text=text, drafted=False, to_us=False, names_others=False)
        words.versions.append(words.reply)
        self.tell(f"it is edited: {text!r}")
        self._tell_bot(words, Edit(words.reply, f"{self.now.timestamp():.6f}"))

    def _tell_bot(self, words: Words, event: Event) -> None:
        self.colleagues.events += [(words, event)] * self.dice.choice((1, 1, 1, 2))

    def bring_event(self) -> None:
        """Slack tells of it: in any order, perhaps twice, until somebody takes it in."""
        events, awake = self.colleagues.events, self.awake()
        if not events:
            return
        words, event = self.dice.choice(events)
        if awake:
            process = self.dice.choice(awake)
            process.spawn(f"event of {words.number}", self.take_in(process, words, event))
        elif isinstance(event, Reply) and not any(one.alive for one in self.processes) and self.dice.random() < 0.3:
            self.tell(f"Slack gives up to tell of {words.number}")
            events[:] = [one for one in events if one[0] is not words]
            words.given_up = True

    async def take_in(self, process: "Process", words: Words, event: Event) -> None:
        """Have a process told; Slack tells again what was not stored."""
        try:
            await process.replying.take(event)
        except NotStored:
            return
        if (words, event) in self.colleagues.events and self.dice.random() < 0.85:
            self.colleagues.events.remove((words, event))

    def answer(self) -> None:
        """Somebody clicks on a question about words, mostly who was asked; perhaps twice, perhaps long after."""
        dice, awake, questions = self.dice, self.awake(), self.colleagues.questions
        if not awake or not questions:
            return
        message_id, person = dice.choice(sorted(questions.items()))
        who = person if dice.random() < 0.85 else "U0CLEO"
        for _ in range(dice.choice((1, 1, 2))):
            process, choice = dice.choice(awake), dice.choice(("send", "send", "keep", "always"))
            work = process.deciding.decide_reply(UUID(message_id), choice, Click(who, ("T1",), "C0ONE", "answer-click"))
            process.spawn(f"click {choice} {message_id[-4:]}", work)

    def events_left(self) -> Iterator[tuple[Words, Event]]:
        """Yield what Slack has still to tell, and forget it."""
        yield from self.colleagues.events
        self.colleagues.events.clear()


def _text(number: int, version: int, kind: str) -> str:
    version_of = f"Typed {number}{'abcdefghij'[version % 10]}"
    texts = {
        "long": f"{version_of} begins. Typed {number} ends.",
        "note": f"! {version_of}.",
        "bare": "",
        "names": f"{version_of} for <@U0BEN>.",
    }
    return texts.get(kind, f"{version_of}.")
