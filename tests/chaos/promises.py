"""What was promised, compared in the end with what the pretend phone and the pretend Slack show."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields

from bot.domain.splitting import split_text
from bot.domain.thread import LONGEST_SHOWN
from sandbox.sendblue import PretendSendblue
from sandbox.sendblue.media import Sent
from sandbox.sendblue.records import PhoneMessage
from sandbox.slack import PretendSlack
from sandbox.slack.records import CommandAnswer, SlackMessage

SHOWN_AS = {
    "QUEUED": "*Sending",
    "SENT": "*Sent*",
    "ERROR": "*Failed*",
    "DELIVERED": "*Delivered*",
    "READ": "*Read*",
}
"""A status on the phone → how the root of its thread says so."""

_NOT_OUT = ("*Not sent*", "*Not known")
_ORDER = ("We don't know yet", "Sendblue has it", "📨 Sent", "✅ Delivered", "👀 Read")


@dataclass
class Closing:
    """How it ended: a row of the closing table. All columns from `doubled` on must be zero."""

    engine: str
    processes: int
    kills: int
    sends: int
    answers: int = 0  # what customers wrote
    typed: int = 0  # what colleagues typed in threads
    files: int = 0  # what both sent beside words
    doubled: int = 0  # texts that reached the phone more than once, files of customers that are shown more than once
    half: int = 0  # texts without their file, or with one although another of theirs was refused
    lost: int = 0  # acknowledged and never seen again, or for ever on its way; an answer or a file that nobody sees
    wrong: int = 0  # the thread says something else than the phone, "not sent" was a lie, an answer is out of place
    duplicates: int = 0  # roots, replies or answers that stand there twice
    leaked: int = 0  # typed and not for the customer, or no more, and on their phone, or kept
    disordered: int = 0  # texts of a conversation that overtook each other
    marks: int = 0  # on typed words before they were stored, that say more than is so, or whose last is missing
    notes: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not any(getattr(self, name) for name in COLUMNS[COLUMNS.index("doubled") :])

    def note(self, column: str, note: str) -> None:
        """Count one failure in a column, and remember what it was."""
        setattr(self, column, getattr(self, column) + 1)
        self.notes.append(f"{column}: {note}")

    def row(self) -> dict[str, str | int]:
        """Return it without the notes, as it is carried from a worker process to the table."""
        return {name: value for name, value in asdict(self).items() if name != "notes"}


COLUMNS = tuple(one.name for one in fields(Closing) if one.name != "notes")


@dataclass
class Promise:
    """One command that was typed, and its answer. number: E.164, nobody else's; parts: how many texts it makes."""

    text: str
    number: str
    channel: str
    parts: int
    answer: CommandAnswer

    @property
    def given(self) -> bool:
        return self.answer.failure is None and "Got it" in self.answer.text

    @property
    def refused(self) -> bool:
        return "Not sent" in self.answer.text


class Ledger:
    """Types commands, remembers what was answered, and looks at both neighbours in the end.

    Every text must differ from all others in its first 40 characters. It goes to a number of its own, unless it is a
    later one, of one part, in the conversation of an earlier one.
    """

    def __init__(self, slack: PretendSlack, sendblue: PretendSendblue) -> None:
        self._slack = slack
        self._sendblue = sendblue
        self.ends = frozenset({"ERROR", "DELIVERED", "READ"})  # statuses after which a phone says nothing more
        self.promises: list[Promise] = []
        self.answers: list[tuple[str, str]] = []  # number, words: all different, none the beginning of another
        self._numbers = itertools.count(2_000_000)

    async def type(
        self,
        text: str,
        *,
        channel: str = "C0GENERAL",
        options: str = "",
        parts: int = 1,
        user: str = "U0ANA",
        number: str = "",
    ) -> Promise:
        number = number or f"+1415{next(self._numbers)}"
        answer = await self._slack.type(f"/imessage {number} {options} {text}", channel=channel, user=user)
        promise = Promise(text, number, channel, parts, answer)
        self.promises.append(promise)
        return promise

    async def answer(self, number: str, words: str, media: Sequence[Sent] = ()) -> None:
        """Have a customer write, perhaps with files. What is too long for one post counts as several answers."""
        self.answers += [(number, part.strip()) for part in split_text(words, LONGEST_SHOWN) if part]
        await self._sendblue.customer_says(number, words, media=media)

    def roots(self) -> dict[str, list[SlackMessage]]:
        """Return the beginning of a text → the bot's posts of it, in a channel or in a customer's thread."""
        found: dict[str, list[SlackMessage]] = {}
        for root, replies in self.threads():
            for post in (root, *(reply for reply in replies if reply.text.startswith("Text from"))):
                quoted = post.text.partition("“")[2].partition("” · ")[0]
                found.setdefault(quoted[:40], []).append(post)
        return found

    def threads(self) -> Iterator[tuple[SlackMessage, list[SlackMessage]]]:
        """Yield each root of the bot's that stands in a channel, and what stands below it, oldest first."""
        for channel in dict.fromkeys(promise.channel for promise in self.promises):
            for root in self._slack.messages(channel):
                if root.bot_id and not root.deleted:
                    yield root, [one for one in self._slack.replies(channel, root.ts) if not one.deleted]

    def shown(self) -> dict[str, list[str]]:
        """Return words of customers → what the roots say of the threads where they stand."""
        found: dict[str, list[str]] = {}
        for root, replies in self.threads():
            for line in [line for post in (root, *replies) for line in post.text.split("\n")]:
                found.setdefault(line.rpartition(": ")[2].strip(), []).append(root.text)
        return found

    def phones(self) -> dict[str, list[PhoneMessage]]:
        """Return number → what it was sent, oldest first."""
        found: dict[str, list[PhoneMessage]] = {}
        for bubble in self._sendblue.messages:
            if bubble.outbound:
                found.setdefault(bubble.number, []).append(bubble)
        return found

    def unsettled(self) -> list[str]:
        """Return what still has to happen before the end can be judged."""
        roots, phones, shown_at = self.roots(), self.phones(), self.shown()
        left = [f"answer {words}: not shown" for _, words in self.answers if words not in shown_at]
        for promise in self.promises:
            bubbles = _of(promise, phones.get(promise.number, []))
            left += [f"{promise.text[:40]}: {one.status}" for one in bubbles if one.status not in self.ends]
            shown = roots.get(promise.text[:40], [])
            if not shown and (promise.given or bubbles):
                left.append(f"{promise.text[:40]}: no thread")
            left += [
                f"{promise.text[:40]}: {root.text[-90:]!r}, phone {[one.status for one in bubbles]}"
                for root in shown
                if not _true(root, bubbles, promise.parts)
            ]
        return left

    def close(self, engine: str, processes: int, kills: int, others: Callable[[PhoneMessage], bool]) -> Closing:
        """Judge all of it. others: which texts on phones are none of this ledger's."""
        """Compare. Call it when nothing is unsettled any more, or never will be settled."""
        closing = Closing(engine, processes, kills, len(self.promises), len(self.answers))
        roots, phones = self.roots(), self.phones()
        for promise in self.promises:
            there = phones.get(promise.number, [])
            bubbles, shown = _of(promise, there), roots.get(promise.text[:40], [])
            phones[promise.number] = [one for one in there if one not in bubbles]
            self._judge(promise, bubbles, shown, closing)
            for root in shown:
                self._judge_replies(promise, root, closing)
        self._judge_answers(closing)
        for number, bubbles in phones.items():
            for left in [one for one in bubbles if not others(one)]:
                closing.note("wrong", f"{number}: nobody wrote {left.content[:40]!r}")
        return closing

    def _judge_answers(self, closing: Closing) -> None:
        shown = self.shown()
        for number, words in self.answers:
            places = shown.get(words, [])
            if not places:
                closing.note("lost", f"the answer {words}")
            elif len(places) > 1:
                closing.note("duplicates", f"the answer {words} stands {len(places)} times")
            elif number[-4:] not in places[0]:
                closing.note("wrong", f"the answer {words} stands under {places[0][:40]!r}")

    def _judge(
        self, promise: Promise, bubbles: list[PhoneMessage], roots: list[SlackMessage], closing: Closing
    ) -> None:
        name, texts = promise.text[:40], [one.content for one in bubbles]
        if len(set(texts)) < len(texts):
            closing.note("doubled", f"{name}: {len(texts)} on the phone")
        elif not promise.text.startswith("".join(texts)):
            closing.note("wrong", f"{name}: the phone reads something else")
        if len(roots) > 1:
            closing.note("duplicates", f"{name}: {len(roots)} roots")
        if promise.given and not roots:
            closing.note("lost", f"{name}: acknowledged, no thread, {len(texts)} on the phone")
        if promise.refused and (roots or bubbles):
            closing.note("wrong", f"{name}: said to be not sent, {len(texts)} on the phone, {len(roots)} roots")
        if bubbles and not roots:
            closing.note("wrong", f"{name}: went out without a thread")
        for root in roots[:1]:
            if "*Sending" in root.text:
                closing.note("lost", f"{name}: still on its way, phone {[one.status for one in bubbles]}")
            elif not _true(root, bubbles, promise.parts):
                closing.note("wrong", f"{name}: {root.text[-90:]!r}, phone {[one.status for one in bubbles]}")

    def _judge_replies(self, promise: Promise, root: SlackMessage, closing: Closing) -> None:
        replies = [reply.text for reply in self._slack.replies(promise.channel, root.ts)]
        for text, times in Counter(replies).items():  # of posts of files, `Files` says how often each may stand
            if times > 1 and text and not text.startswith("📎"):
                closing.note("duplicates", f"{promise.text[:40]}: {times} times {text[:60]!r}")
        alone = sum(other.number == promise.number for other in self.promises) == 1  # else the news are of several
        if promise.parts == 1 and alone:
            own = [text for text in replies if ", about “" not in text]
            ranks = [next((rank for rank, word in enumerate(_ORDER) if word in text), None) for text in own]
            told = [rank for rank in ranks if rank is not None]
            if told != sorted(told):
                closing.note("wrong", f"{promise.text[:40]}: news went back: {replies}")


def _of(promise: Promise, bubbles: list[PhoneMessage]) -> list[PhoneMessage]:
    """Return those on a number's phone that are of this text."""
    return [one for one in bubbles if promise.parts > 1 or one.content[:40] == promise.text[:40]]


def _true(root: SlackMessage, bubbles: list[PhoneMessage], parts: int) -> bool:
    """Whether a root says what the phone shows; what is on no phone must be said to be not out, or in doubt."""
    said = all(SHOWN_AS[one.status] in root.text for one in bubbles)
    return said and (len(bubbles) >= parts or any(word in root.text for word in _NOT_OUT))
