"""What must hold, after every step and in the end, of what customers write."""

from collections import defaultdict, namedtuple
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from bot.domain.message import Inbound, Notice
from bot.domain.optout import Wish, wish
from bot.domain.thread import Step
from tests.chaos.simulation.customers import Said, pieces
from tests.chaos.simulation.neighbours import Posted
from tests.chaos.simulation.talking import LINES

if TYPE_CHECKING:
    from tests.chaos.simulation.world import World

Message = namedtuple(
    "Message", "id key thread_id conversation_id seq direction said_at to_show showing notice text held_until"
)
Conversation = namedtuple("Conversation", "id line customer thread_id")
LISTS = ("inbound:", "outbound:")  # marks of how far Sendblue's lists are read
_BEFORE = datetime.min.replace(tzinfo=UTC)


class Answers:
    """Compares what the database and Slack have of customers' words with what they wrote."""

    def __init__(self, world: "World", raw: Any) -> None:
        self._world, self._raw = world, raw
        self.messages: dict[str, Message] = {}
        self.conversations: dict[str, Conversation] = {}
        self.shown: dict[str, list[Posted]] = defaultdict(list)  # piece → where it stands, or stood
        self._unread: dict[str, int] | None = None  # lists to be read once more, and the claims that do not count
        self._stops: dict[str, datetime] = {}  # customer → the newest word of that kind
        self._lifts: dict[str, datetime] = {}
        self._showing: list[Any] = []  # tasks of this commit that post what customers said

    def broken(self, promise: str) -> NoReturn:
        self._world.watch.broken(promise)

    def notices(self) -> list[tuple[str, str]]:
        """Return the messages beside which Slack shows buttons, and what for."""
        found = ((one.id, one.notice) for one in self.messages.values() if one.notice and not one.to_show)
        return [(id_, notice) for id_, notice in found if notice in (Notice.STOPPED, Notice.ASKS, Notice.OPTED_OUT)]

    # One kind of work each.

    def took(self, arrival: Any, new: bool) -> None:
        """A message was handed to the database."""
        said = arrival.said
        if not new or said.is_group:
            return
        wanted = wish(said.text)
        if wanted is Wish.STOP:
            self._stops[said.customer] = max(said.at, self._stops.get(said.customer, said.at))
        if wanted is Wish.START:
            self._lifts[said.customer] = max(said.at, self._lifts.get(said.customer, said.at))

    def refused(self, customer: str) -> None:
        """Sendblue said that they have opted out."""
        now = self._world.stored_now
        self._stops[customer] = max(now, self._stops.get(customer, now), self._lifts.get(customer, now))

    def decided(self, click: Any, customer: str) -> None:
        """Somebody decided about texting a customer; "": it did not count."""
        if customer and click.choice is Notice.OPTED_OUT:
            self.refused(customer)
        if customer and click.choice is Notice.UNDONE:
            self._lifts[customer] = self._stops.get(customer, self._world.stored_now) + timedelta(microseconds=1)

    def claimed_to_send(self, send: Any) -> None:
        """A text is about to leave."""
        customer = send.words.recipient
        if customer in self._stops and self._stops[customer] >= self._lifts.get(customer, _BEFORE):
            self.broken(f"a text to {customer} is claimed after a STOP")

    def claimed_to_post(self, task: Any) -> None:
        """Something is about to be posted."""
        thread = task.thread
        if (task.step is Step.REPLY and thread.shows) or (task.step is Step.OPEN and thread.message.inbound):
            self._showing.append(task)

    def noted_reading(self, read: Any, held: bool) -> None:
        """A page or a whole list of what came in was read."""
        key, fence = read.reading.key, read.reading.fence
        if held and self._unread is not None and read.at != read.reading.at and fence > self._unread.get(key, fence):
            del self._unread[key]

    # What the database takes.

    def committed(self, places: Mapping[str, Any], new_places: set[str]) -> None:
        """A transaction is over."""
        read = self._raw.execute
        before, current = self.messages, {one.id: one.thread_id for one in self.conversations.values()}
        self.messages = {r[0]: Message._make(r) for r in read(f"SELECT {', '.join(Message._fields)} FROM messages")}
        rows = read(f"SELECT {', '.join(Conversation._fields)} FROM conversations")
        self.conversations = {row[0]: Conversation._make(row) for row in rows}
        for one in self.messages.values():
            old = before.get(one.id)
            if one == old:
                continue
            place = places[one.thread_id]
            if one.direction == "out" and (place.conversation_id, place.seq) != (one.conversation_id, one.seq):
                self.broken(f"a gesture is not stored with its thread: {one}")
            if one.direction == "in":
                self._changed(old, one, place, {current.get(one.conversation_id), *new_places})
        for task in self._showing:
            self._in_order(task, before)
        self._showing.clear()

    def _changed(self, old: Message | None, new: Message, place: Any, were_current: set[str | None]) -> None:
        now_current = self.conversations[new.conversation_id].thread_id
        if place.conversation_id != new.conversation_id:
            self.broken(f"{new.key} stands in a wrong thread: {place}")
        if old is None and new.thread_id not in {now_current, *were_current}:
            self.broken(f"{new.key} stands in a wrong thread, which is not current: {place}")
        if old is not None and old.thread_id != new.thread_id and now_current == old.thread_id:
            self.broken(f"{new.key} leaves the current thread: {old} → {new}")
        root = (place.conversation_id, place.seq) == (new.conversation_id, new.seq)
        if old is not None and old.to_show and not new.to_show and not root and not self._was_shown(new.key):
            self.broken(f"{new.key} counts as shown, and is not")

    def _was_shown(self, key: str) -> bool:
        """Whether the piece of this key stood in Slack; of an edit, any."""
        handle, _, part = key.removeprefix("in:").partition(":")
        said = next((one for one in self._world.phone.customers.said if one.first.handle == handle), None)
        if said is None:  # a key of another kind: what Slack shows in the end tells
            return True
        number = int(part) - 1 if part.isdecimal() and len(part) < 3 else 0
        return any(self.shown[pieces(version)[number]] for version in said.versions)

    def _in_order(self, task: Any, known: Mapping[str, Message]) -> None:
        """Of what is known and not shown, the oldest is shown first."""
        thread = task.thread
        posting = [thread.message] if task.step is Step.OPEN else [one for one in thread.unshown if one.showing]
        posting = [one for one in posting if one.inbound]  # what people decided goes by our clock
        if not posting:
            return
        last, ids = max(one.said_at for one in posting), {one.id.hex for one in posting}
        for one in self.messages.values():
            waits = one.thread_id == thread.id.hex and one.direction == "in" and one.to_show and one.id not in ids
            if waits and one.id in known and datetime.fromisoformat(one.said_at).replace(tzinfo=UTC) < last:
                self.broken(f"{one.key} is known and shown out of order, after {[one.text for one in posting]}")

    # What happens in Slack.

    def posted(self, post: Posted) -> None:
        """A message appears in Slack."""
        said = [(one, piece) for one in self._world.phone.customers.said for piece in _in(post, one)]
        thread_id, _, number = post.id.partition("-")
        if not said or (number != "0" and post.thread_ts is None):
            return  # astray: its root was deleted
        conversation = self.conversations[self._world.watch.places[thread_id].conversation_id]
        for one, piece in said:
            if (one.first.line, one.first.customer) != (conversation.line, conversation.customer):
                self.broken(f"{piece!r} is shown in a wrong thread: {conversation}")
            there = [other for other in self.shown[piece] if other.visible]
            if one.first.files:  # where a thread is gone before they stand, words go on with their files
                there = [other for other in there if not self._is_gone(other)]
            if any(other.id not in self._world.slack.unreadable for other in there):
                self.broken(f"{piece!r} is shown twice: as {[other.id for other in there]} and as {post.id}")
            self.shown[piece].append(post)
        places = [(post.text.index(piece), one.first.at) for one, piece in said]
        if [at for _, at in sorted(places)] != sorted(at for _, at in places):
            self.broken(f"{post.id} shows answers out of order: {post.text!r}")

    def _is_gone(self, post: Posted) -> bool:
        """Whether its thread is closed, or goes on in somebody's direct messages."""
        place = self._world.watch.places[post.id.partition("-")[0]]
        return bool(place.closed) or place.channel.startswith(("U", "D"))

    def may_be_repeated(self, post: Posted) -> bool:
        """Whether it shows what customers said, and could not be looked for: then twice is better than never."""
        return post.id in self._world.slack.unreadable and any(
            _in(post, one) for one in self._world.phone.customers.said
        )

    # What must be true in the end.

    def are_read(self) -> bool:
        """Whether every list was read once more since this was asked first."""
        if self._unread is None:
            self._unread = {f"inbound:{line}": 0 for line in LINES}
            marks = self._raw.execute("SELECT key, fence FROM progress")
            self._unread |= {key: fence for key, fence in marks if key.startswith(LISTS)}
        return not self._unread

    def check_rest(self) -> None:
        """Whatever was written stands in Slack, or stood there."""
        for said in self._world.phone.customers.said:
            if not any(self._stood(version) for version in said.versions):
                self.broken(f"{said.first.text!r} is lost: {said.first}")
            for version in said.taken:
                if not self._stood(version):
                    self.broken(f"{version.text!r} was taken and is lost: {version}")
        for message in self.messages.values():
            if message.to_show and message.direction == "in":
                self.broken(f"{message.key} is left to be shown: {message}")

    def _stood(self, version: Inbound) -> bool:
        return all(self.shown[piece] for piece in pieces(version))


def _in(post: Posted, said: Said) -> list[str]:
    """Return what a post shows of a message."""
    return [piece for version in said.versions for piece in pieces(version) if piece in post.text]
