"""What must hold, after every step and in the end, of what colleagues type in threads."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from bot.domain.delivery import Delivery, Service
from bot.domain.mark import DELIVERED, FAILED, KEPT, READ, TAKEN, mark_of
from bot.domain.reply import Reply
from bot.domain.send import Send
from bot.domain.thread import Thread
from bot.storage.held import Heed
from tests.chaos.simulation.typing import GUEST, Words

if TYPE_CHECKING:
    from tests.chaos.simulation.world import World

_IN_VAIN = ("not_yours", "already_sent", "already_kept", "gone")


class TypedWords:
    """Compares what the database, Slack and the phones have of typed words with what their authors want."""

    def __init__(self, world: "World", raw: Any) -> None:
        self._world, self._raw = world, raw
        self._current: dict[Words, Reply | None] = {}  # what may leave of it; None: nothing any more
        self._waits: dict[Words, bool] = {}  # for its author's word
        self._by_id: dict[str, Words] = {}  # message id → what it is
        self.held_until: list[str] = []

    def _broken(self, promise: str) -> None:
        self._world.watch.broken(promise)

    def _of_key(self, key: str) -> Words | None:
        return next((one for one in self._world.colleagues.words if one.reply.key == key), None)

    def _at(self, channel: str, ts: str) -> Words:
        return self._world.colleagues.at(channel, ts)

    # One kind of work each.

    def take_replies(self, item: Any, heed: str) -> None:
        words, text = self._at(item.reply.channel, item.reply.ts), item.reply.text
        if heed in (Heed.STRANGE, Heed.KNOWN):
            return
        self._current[words] = item.reply if heed in (Heed.HELD, Heed.GOING) else None
        if text.startswith("!") and heed != Heed.KEPT:
            self._broken(f"a note is not kept: {words}")

    def edit_replies(self, item: Any, heed: str) -> None:
        words = self._at(item.edit.reply.channel, item.edit.reply.ts)
        if words in self._current and heed not in (Heed.STRANGE, Heed.KNOWN, Heed.LATE, Heed.KEPT):
            self._world.watch.taken_away(item.edit.reply.ts)
        if heed in (Heed.HELD, Heed.GOING):
            self._current[words] = item.edit.reply
        elif heed not in (Heed.STRANGE, Heed.KNOWN, Heed.LATE):
            self._current[words] = None

    def remove_replies(self, item: Any, heed: str) -> None:
        if heed == Heed.KEPT:
            self._current[self._at(item.removal.channel, item.removal.ts)] = None

    def decide_replies(self, click: Any, became: str) -> None:
        words = self._by_id[click.message_id.hex]
        if became in ("sent", "kept", "expired") and click.by != words.reply.author:
            self._broken(f"somebody else decides about words: {click}")
        if became == "sent":
            self._waits[words] = False
        elif became not in _IN_VAIN:
            self._current[words] = None

    # What the database takes.

    def committed(self, messages: Mapping[str, Any]) -> None:
        """A transaction is over."""
        self.held_until = [one.held_until for one in messages.values() if one.held_until]
        for one in messages.values():
            words = self._of_key(one.key)
            if words is None:
                continue
            self._by_id[one.id] = words
            if one.held_until:
                self._waits[words] = True
            if one.direction == "note":
                self._current[words] = None
                if one.text:
                    self._broken(f"the words of a note are kept: {one}")

    # What happens at the neighbours.

    def marked(self, channel: str, ts: str, mark: str) -> None:
        """A reaction is put on words."""
        words = self._at(channel, ts)
        words.marks.append(mark)
        message_id = next((id_ for id_, one in self._by_id.items() if one is words), None)
        if message_id is None:
            self._broken(f"{words.reply.text!r} is marked {mark} before it is stored")
        rows = [row for row in self._world.watch.rows.values() if row.message_id == message_id]
        parts: dict[int, set[Delivery]] = {row.part: set() for row in rows}
        for row in rows:
            texts = self._world.phone.of(UUID(row.id))
            parts[row.part] |= {_came(text.service, status) for text in texts for status, _ in text.history}
        ever = list(parts.values())
        so = {
            TAKEN: bool(ever) and all(ever),
            DELIVERED: bool(ever) and all(one & {Delivery.DELIVERED, Delivery.READ} for one in ever),
            READ: bool(ever) and all(Delivery.READ in one for one in ever),
            FAILED: any(not one or Delivery.FAILED in one for one in ever),
            KEPT: not any(ever),
        }
        if not so.get(mark, True):
            self._broken(f"{words.reply.text!r} is marked {mark}, which is more than is so: {ever}")

    def texted(self, send: Send) -> None:
        """A text reaches a phone."""
        words = self._by_id.get(send.message_id.hex)
        if words is None:
            return
        current = self._current[words]
        if words.reply.author == GUEST and not self._world.guests:
            self._broken(f"the words of somebody who may not text leave: {words}")
        if current is None:
            self._broken(f"words leave that were to be kept: {words}")
        else:
            self._world.watch.files.texted(send, current)
        if self._waits.get(words, False):
            self._broken(f"words leave without their author's word: {words}")
        if self._world.watch.places[send.thread_id.hex].root_ts is None:
            self._broken(f"words leave before their author was admitted: {words}")

    # What must be true in the end.

    def check_rest(self) -> None:
        """Each is stored, once decided, and nowhere in the database where it is not to be."""
        colleagues = self._world.colleagues
        for words in colleagues.words:
            if words.reply.key not in self._world.watch.keys and not self._may_be_unknown(words):
                self._broken(f"what was typed is lost: {words}")
        if self.held_until:
            self._broken(f"words are held for ever: {self.held_until}")
        for table in ("messages", "sends"):
            for (text,) in self._raw.execute(f"SELECT text FROM {table} WHERE text LIKE '%Typed %'").fetchall():
                if self._current.get(colleagues.of(text)) is None:
                    self._broken(f"words that were to be forgotten stand in {table}: {text!r}")

    def _may_be_unknown(self, words: Words) -> bool:
        """Whether it may have been typed where nobody listens: in a thread that is gone, or is not gone on with."""
        thread_id = words.root.id.partition("-")[0]
        place = self._world.watch.places[thread_id]
        gone = (
            words.removed or place.closed or place.root_ts != words.root.ts or place.parent_id or not words.root.visible
        )
        unread = words.root.ts in self._world.colleagues.unread
        others = [one for one in self._world.watch.places.values() if one.conversation_id == place.conversation_id]
        alone = all(one.parent_id or one.id == thread_id for one in others)  # else it may not have been the current one
        return bool(gone or unread or (words.given_up and not alone))

    def check_thread(self, thread: Thread) -> None:
        """The last mark that the words have earned is there."""
        words = self._at(thread.channel, thread.typed_ts or "")
        mark, excused = mark_of(thread.message, thread.sends), words.removed or thread.closed
        excused = excused or (thread.message.is_note and not thread.rev)  # it could not be sent, which was said
        if mark and mark not in words.marks and not excused and words.reply.ts not in self._world.colleagues.unmarkable:
            self._broken(f"{words.reply.text!r} lacks {mark}: {words.marks} {thread}")


def _came(service: Service, status: Delivery) -> Delivery:
    """Return how far a text came, as a mark says it: nobody reports the delivery of SMS."""
    return Delivery.DELIVERED if service is Service.SMS and status is Delivery.SENT else status
