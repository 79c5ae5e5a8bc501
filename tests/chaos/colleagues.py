"""What colleagues type in customers' threads, and what must have become of it: on the phone, or kept to themselves."""

import asyncio
import itertools
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.mark import DELIVERED, DOUBT, FAILED, KEPT, READ, TAKEN
from bot.slack.questions import ALWAYS, SEND
from sandbox.sendblue import PretendSendblue
from sandbox.sendblue.records import PhoneMessage
from sandbox.slack import PretendSlack
from sandbox.slack.records import Ephemeral, SlackMessage
from sandbox.slack.workspace import TEAM
from tests.chaos.books import ask
from tests.chaos.files import Files, Shared
from tests.chaos.promises import Closing

_FINAL = {"DELIVERED": DELIVERED, "READ": READ, "ERROR": FAILED}
_ORDER = ("ERROR", "QUEUED", "SENT", "DELIVERED", "READ")  # of several texts the first of these counts
_TRUE_OF = {  # a mark → what the phone must show by then; "": nothing
    TAKEN: {"QUEUED", "SENT", "DELIVERED", "READ", "ERROR"},
    DELIVERED: {"DELIVERED", "READ"},
    READ: {"READ"},
    FAILED: {"", "ERROR"},
    KEPT: {""},
}


@dataclass(eq=False)
class Typed:
    """Something that a colleague typed. click: what they answer when they are asked; "" for nothing.

    words: unlike all others, and none the beginning of another.
    """

    words: str
    number: str
    author: str
    is_note: bool = False
    is_held: bool = False
    click: str = ""
    files: tuple[bytes, ...] = ()
    refused: bool = False  # one of its files is of a type that no phone is sent
    message: SlackMessage | None = None  # once it stands in Slack

    @property
    def may_leave(self) -> bool:
        return not self.is_note and not self.refused and (not self.is_held or self.click in (SEND, ALWAYS))

    @property
    def parts(self) -> int:
        """How many texts it is: the words go with the first file, each other file by itself."""
        return max(1, len(self.files))


class Colleagues:
    """Type, answer what they are asked, and look in the end at phones, marks and the database."""

    def __init__(self, slack: PretendSlack, sendblue: PretendSendblue, files: Files, database_url: str) -> None:
        self._slack, self._sendblue, self._files, self._url = slack, sendblue, files, database_url
        self._early: list[str] = []  # marks that said more than was stored, or known
        self._count = itertools.count(1)
        self.typed: list[Typed] = []

    async def type(
        self,
        root: SlackMessage,
        number: str,
        author: str,
        kind: str,
        click: str = "",
        files: Sequence[Shared] = (),
    ) -> Typed:
        """Type in a customer's thread. kind: "reply", "note" or "held", where it is asked about."""
        words = f"{'!' if kind == 'note' else ''}Typed {next(self._count)} as {kind}."
        refused = any(name.endswith(".exe") for name, _, _ in files)
        shared = tuple(data for _, data, _ in files)
        typed = Typed(words, number, author, kind == "note", kind == "held", click, shared, refused)
        self.typed.append(typed)
        typed.message = await self._slack.reply(root.channel, root.ts, words, user=author, files=files)
        if click:
            await self._answer(typed)
        return typed

    async def _answer(self, typed: Typed, *, within: float = 90) -> None:
        """Click on the question once it is there, again if that fails; give up when it is decided."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            for place, question in self._questions(typed):
                if (await self._slack.click(place, question, typed.click, user=typed.author)).failure is None:
                    return
            await asyncio.sleep(0.2)

    def _questions(self, typed: Typed) -> list[tuple[str, str]]:
        """Return where somebody is asked about words of theirs, and by which message."""
        direct = self._slack.messages(f"D0BOT{typed.author}")
        found: list[SlackMessage | Ephemeral] = [*self._slack.ephemerals, *direct]
        asked = [one for one in found if f"“{typed.words}”" in one.text and one.blocks]
        return [(one.channel, one.id if isinstance(one, Ephemeral) else one.ts) for one in asked[-1:]]

    def hear(self, kind: str, data: Mapping[str, Any]) -> None:
        """Look at a mark the moment it is put: its words are stored, and it says no more than is so."""
        if kind != "message" or not data["reactions"]:
            return
        typed = next((one for one in self.typed if one.words == data["text"]), None)
        if typed is None:
            return
        mark, where = data["reactions"][-1], f"typed_ts = '{data['ts']}' AND channel = '{data['channel']}'"
        statuses = self._statuses(typed, self._there(typed))
        if not ask(self._url, f"SELECT 1 FROM threads WHERE {where}"):
            self._early.append(f"{typed.words} has {mark} and is not stored")
        true = _TRUE_OF.get(mark, statuses)
        if not (statuses & true if mark == FAILED else statuses <= true):
            self._early.append(f"{typed.words} has {mark}, phone {statuses}")

    def _there(self, typed: Typed) -> list[PhoneMessage]:
        texts, words = (one for one in self._sendblue.messages if one.outbound), typed.words.lstrip("!")
        return [one for one in texts if words in one.content or self._is_file_of(typed, one)]

    def _is_file_of(self, typed: Typed, bubble: PhoneMessage) -> bool:
        return bool(typed.files and bubble.media_url) and self._files.on(bubble) in typed.files

    def _statuses(self, typed: Typed, there: Sequence[PhoneMessage]) -> set[str]:
        """Return how far its texts came; "" among them where one is on no phone."""
        return {one.status for one in there} | ({""} if len(there) < typed.parts else set())

    def owns(self, bubble: PhoneMessage) -> bool:
        """Whether a text on a phone is something typed."""
        typed = re.fullmatch(r"!?Typed \d+ as \w+\.", bubble.content) is not None
        return typed or any(self._is_file_of(one, bubble) for one in self.typed)

    def _stored(self) -> dict[str, str]:
        """Return key → direction of what was typed."""
        return dict(ask(self._url, "SELECT key, direction FROM messages WHERE key LIKE 'reply:%'"))

    def unsettled(self) -> list[str]:
        """Return what still has to happen before the end can be judged."""
        if not self.typed:
            return []
        stored = self._stored()
        left = [(one, self._still(one, stored)) for one in self.typed]
        return [f"{one.words} {why}" for one, why in left if why]

    def _still(self, typed: Typed, stored: Mapping[str, str]) -> str:
        message = typed.message
        if message is None:
            return "is being typed"
        direction = stored.get(_key(message, typed), "")
        if direction in ("", "held"):
            return direction or "is not stored"
        there, marks = self._there(typed), message.reactions
        if direction == "note":
            return "" if typed.is_note or KEPT in marks else f"is a note, marked {marks}"
        statuses = self._statuses(typed, there)
        final = {FAILED, DOUBT} if "" in statuses else {_FINAL.get(min(statuses, key=_ORDER.index), "")}
        if not final & set(marks):
            return f"is {statuses}, marked {marks}"
        replies = [one.text for one in self._slack.replies(message.channel, message.thread_ts or "") if one.bot_id]
        said = any(typed.words in text for text in replies)
        return "" if DELIVERED in final or READ in final or said else f"is marked {marks}, and not said in words"

    def judge(self, closing: Closing) -> None:
        """Count what was broken."""
        closing.typed = len(self.typed)
        closing.files += sum(len(one.files) for one in self.typed)
        stored = self._stored()
        for note in self._early:
            closing.note("marks", note)
        for typed in self.typed:
            self._judge(typed, stored, closing)
        for (text,) in ask(self._url, "SELECT text FROM messages WHERE direction = 'note' AND key LIKE 'reply:%'"):
            if text:
                closing.note("leaked", f"{text} was to be forgotten")
        self._judge_order(closing)

    def _judge(self, typed: Typed, stored: Mapping[str, str], closing: Closing) -> None:
        there = self._there(typed)
        message = typed.message
        direction = stored.get(_key(message, typed), "") if message else ""
        came = [(one.content, self._files.on(one)) for one in there]
        if len(set(came)) < len(came):
            closing.note("doubled", f"{typed.words}: {len(there)} on the phone")
        ought = [("" if place else typed.words.lstrip("!"), file) for place, file in enumerate(typed.files or (b"",))]
        if (typed.refused and there) or sorted(set(came)) != sorted(ought[: len(set(came))]):
            closing.note("half", f"{typed.words}: {[(words, len(file)) for words, file in came]} on the phone")
        if there and not typed.may_leave:
            closing.note("leaked", f"{typed.words}: on the phone of {there[0].number}, though it was to be kept")
        if any(one.number != typed.number for one in there):
            closing.note("wrong", f"{typed.words}: on the phone of {[one.number for one in there]}")
        if not direction or (direction != "out" and not typed.is_note and not typed.is_held):
            closing.note("lost", f"{typed.words}: typed, and {direction or 'not stored'}")
        elif why := self._still(typed, stored):
            closing.note("marks", f"{typed.words}: {why}")

    def _judge_order(self, closing: Closing) -> None:
        """Each conversation's texts reached the phone as they were accepted, but those that were once in doubt."""
        question = """
            SELECT conversation_id, seq, text FROM messages WHERE direction = 'out' AND NOT EXISTS (
                SELECT 1 FROM sends JOIN reports ON reports.send_id = sends.id
                WHERE sends.message_id = messages.id AND reports.delivery = 20
            )
        """
        places = {text: (conversation, seq) for conversation, seq, text in ask(self._url, question)}
        last: dict[str, int] = {}
        for bubble in self._sendblue.messages:
            if bubble.outbound and bubble.content in places:
                conversation, seq = places[bubble.content]
                if seq < last.get(conversation, -1):
                    closing.note("disordered", f"{bubble.content} left as {seq}, after {last[conversation]}")
                last[conversation] = seq


def _key(message: SlackMessage, typed: Typed) -> str:
    return f"reply:{TEAM['id']}:{typed.author}:{message.client_msg_id}"
