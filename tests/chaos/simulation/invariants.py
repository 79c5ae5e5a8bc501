"""What must hold after every step of a simulated world, and what must be true once everything has come to rest.

The database, Slack and the phones only change in a commit or in the effect of a call, so these are where it is checked.
"""

from collections import Counter, namedtuple
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import UUID

from bot.domain.delivery import Delivery, News, Service
from bot.domain.known import Facts
from bot.domain.send import Send
from bot.domain.thread import _PATIENT_FOR, Lane, Step
from bot.storage.timekeeping import _LONGEST_SEND
from tests.chaos.simulation.answers import LISTS, Answers
from tests.chaos.simulation.claims import Claims
from tests.chaos.simulation.files import Files
from tests.chaos.simulation.ledger import Record
from tests.chaos.simulation.neighbours import Posted
from tests.chaos.simulation.order import out_of_order
from tests.chaos.simulation.typed import TypedWords
from tests.making import a_send

KINDS = ("back", "send", "polls", "doubts", "sweep", "note", "carry", "announce")
"""Of work."""

_LONGEST_WAIT = timedelta(seconds=92)  # a backoff of a send, or what Slack asks for, and a slot behind it

SEND_WITHIN = 1200.0  # seconds after which an unsent text is given up

if TYPE_CHECKING:
    from tests.chaos.simulation.world import World

Row = namedtuple(
    "Row",
    "id message_id thread_id part parts try_number delivery service told under_way handle unconfirmed asked "
    "picture_lost decision send_at poll_at accepted_at line conversation_id seq parked",
)
Place = namedtuple(
    "Place",
    "id channel root_ts replies rev shown_rev fence closed posting lane due_at conversation_id seq parent_id typed_ts",
)
_NEVER_UNSET = ("handle", "unconfirmed", "asked", "picture_lost", "decision")


class Broken(AssertionError):  # noqa: N818 - reads as what it is
    """A promise was broken."""


class Watch:
    """Knows what the database says (as of the last commit) and what is true, and compares."""

    def __init__(self, world: "World", raw: Any) -> None:
        self._world, self._raw = world, raw
        self.rows: dict[str, Row] = {}
        self.places: dict[str, Place] = {}
        self.answers = Answers(world, raw)
        self.words = TypedWords(world, raw)
        self.files = Files(world, raw)
        self._claims = Claims(world)
        self.keys: set[str] = set()  # of what was said
        self._slots: dict[str, str] = {}
        self.notes: dict[str, str] = {}  # key → when it is due
        self._reading: str | None = None  # when the next list is due to be read
        self._reading_back: list[str] = []  # when threads are
        self._now = (world.now, _stamp(world.now))
        self._known: dict[str, News] = {}  # all that was ever worth telling
        self._opened: set[str] = set()  # threads that had a root
        self.typed, self._refused, self._acknowledged = Counter[str](), Counter[str](), set[str]()
        self.buttons: set[str] = set()  # sends whose buttons somebody has seen

    def broken(self, promise: str) -> NoReturn:
        """Fail the seed."""
        raise Broken(promise)

    # What the scheduler wants to know.

    def is_due(self, kind: str) -> bool:
        """Whether a claim of this kind would find something."""
        now = self._world.stored_now
        if self._now[0] != now:
            self._now = (now, _stamp(now))
        return any(due <= self._now[1] for due in self._dues(kind))

    def next_due(self) -> datetime | None:
        """When the next thing is due, by the true clock."""
        found = min((due for kind in KINDS for due in self._dues(kind)), default=None)
        return None if found is None else datetime.fromisoformat(found).replace(tzinfo=UTC) - self._world.skew

    def next_reading(self) -> datetime:
        """When the next list is due to be read, by the true clock."""
        [due] = self._dues("receive")
        return datetime.fromisoformat(due).replace(tzinfo=UTC) - self._world.skew

    def check_waits(self) -> None:
        """Nothing that a process would do waits for longer than a wait may be, whatever a clock said meanwhile."""
        latest = _stamp(self._world.stored_now + _LONGEST_WAIT)
        held = {row.send_at for row in self.rows.values() if row.delivery == Delivery.SENDING and row.send_at}
        if late := [due for due in held if due > _stamp(self._world.stored_now + _LONGEST_SEND)]:
            self.broken(f"a send is held for longer than any call takes: {late} at {self._world.stored_now}")
        for kind in ("send", "announce", "receive"):
            if late := [due for due in self._dues(kind) if due > latest and due not in held]:
                self.broken(f"{kind} waits for longer than anything may: {late} at {self._world.stored_now}")

    def clock_set(self) -> None:
        """Slots and leases are by the clock that somebody has just set."""
        self._claims.slots_set()
        self._claims.held.clear()

    def taken_away(self, typed_ts: str) -> None:
        """Words were edited, so their thread is taken from whoever is at it."""
        ids = self._raw.execute("SELECT id FROM threads WHERE typed_ts = ?", (typed_ts,)).fetchall()
        for (id_,) in ids:
            self._claims.taken_away(id_)

    def _dues(self, kind: str) -> list[str]:
        slots = self._slots
        if kind == "announce":
            keys = {Lane.POST.value: lambda place: place.channel}
            keys |= {Lane.EDIT.value: lambda _: "edits", Lane.MARK.value: lambda _: "marks"}
            dues = [(p.due_at, keys.get(p.lane, lambda _: "")(p)) for p in self.places.values() if p.due_at]
        elif kind == "send":
            dues = [(r.send_at, "" if r.delivery else r.line) for r in self.rows.values() if r.send_at]
        elif kind == "note":
            return list(self.notes.values())
        elif kind == "carry":
            return self.files.due
        elif kind == "back":
            dues = [(due, "back") for due in self._reading_back]
        elif kind == "receive":
            dues = [(self._reading or _stamp(self._world.stored_now), "inbound")]
        elif kind == "sweep":
            unsent = [row.accepted_at for row in self.rows.values() if not row.delivery]
            late = timedelta(seconds=SEND_WITHIN, milliseconds=1)
            if slots.get("clock", "") > _stamp(self._world.stored_now + timedelta(seconds=5)):
                return [_stamp(self._world.stored_now)]
            return [_stamp(datetime.fromisoformat(at) + late) for at in unsent] + self.words.held_until
        else:
            quiet = [row for row in self.rows.values() if row.poll_at]
            return [row.poll_at for row in quiet if bool(row.handle) == (kind == "polls")]
        return [max(due, slots.get(key, "")) for due, key in dues]

    def handle_of(self, send_id: UUID) -> str | None:
        """Return the handle the database has for a send."""
        row = self.rows.get(send_id.hex)
        return row.handle if row else None

    # What people were told.

    def acknowledged(self, key: str) -> None:
        """Somebody was promised that their text is stored."""
        self._acknowledged.add(key)
        if key not in self.keys:
            self.broken(f"{key} was acknowledged and is not stored")

    def refused(self, key: str) -> None:
        """Somebody was told that nothing was stored."""
        self._refused[key] += 1
        self._nothing_of_what_was_refused()

    def _nothing_of_what_was_refused(self) -> None:
        for key in self.keys & self.typed.keys():
            if self._refused[key] == self.typed[key]:
                self.broken(f"{key} was refused each time and is stored all the same")

    # What happens at the neighbours.

    def posted(self, post: Posted) -> None:
        """A message appears in Slack."""
        if post.id.startswith("note-"):
            return  # a private line twice harms nobody
        thread, _, number = post.id.partition("-")
        there = [other.id for other in self._world.slack.posts if other.channel == post.channel and other.visible]
        if thread not in self.places:
            self.broken(f"{post.id} belongs to no thread")
        self.answers.posted(post)
        if post.id in there and not self.answers.may_be_repeated(post):
            self.broken(f"{post.id} stands twice in {post.channel}")
        ours = [other for other in there if other.startswith(f"{thread}-")]
        later = [other for other in ours if int(other.partition("-")[2]) > int(number)]
        if later and post.id not in self._world.slack.unreadable:
            self.broken(f"{post.id} comes after {later}")

    def texted(self, send: Send) -> None:
        """A text reaches a phone."""
        row = self.rows.get(send.id.hex)
        if row is None or row.delivery not in (Delivery.SENDING, Delivery.UNCERTAIN):
            self.broken(f"a text leaves that is not noted as leaving: {row}")
        if self._world.phone.of(send.id):
            self.broken(f"{row.id} is texted twice")
        if row.thread_id not in self._opened:
            self.broken(f"{row.id} leaves before its thread is open")
        before = [r for r in self.rows.values() if (r.thread_id, r.part) == (row.thread_id, row.part - 1)]
        if before and row.try_number == 1 and not any(self._world.phone.of(UUID(r.id)) for r in before):
            self.broken(f"part {row.part} leaves before part {row.part - 1}")

    # What the database takes.

    def committed(self, records: Sequence[Record]) -> None:
        """A transaction is over."""
        self._works(records)
        old_rows, old_places = self.rows, self.places
        read = self._raw.execute
        self.rows = {row[0]: Row._make(row) for row in read(f"SELECT {', '.join(Row._fields)} FROM sends")}
        self.places = {row[0]: Place._make(row) for row in read(f"SELECT {', '.join(Place._fields)} FROM threads")}
        self._slots = dict(read("SELECT key, next_at FROM pacing").fetchall())
        self.notes = dict(read("SELECT key, due_at FROM private_notes").fetchall())
        taken_back = [row for key, row in old_rows.items() if key not in self.rows]
        if (
            any(row.delivery or not self.places[row.thread_id].typed_ts for row in taken_back)
            or old_places.keys() - self.places.keys()
        ):
            self.broken("something stored is gone")
        progress = dict(read("SELECT key, due_at FROM progress").fetchall())
        self._reading_back = [due for key, due in progress.items() if key.startswith("back:")]
        self._reading = min((due for key, due in progress.items() if key.startswith(LISTS)), default=None)
        self.answers.committed(self.places, self.places.keys() - old_places.keys())
        self.keys = {one.key for one in self.answers.messages.values()}
        self.words.committed(self.answers.messages)
        self.files.committed(self.answers.messages, _stamp(self._world.stored_now))
        for place in self.places.values():
            if place != old_places.get(place.id):
                self._place_changed(old_places.get(place.id), place)
        for row in self.rows.values():
            if row != old_rows.get(row.id):
                self._row_changed(old_rows.get(row.id), row)
        if disorder := out_of_order(old_rows, self.rows, self.places, self.files.held_back):
            self.broken(disorder)

    def _works(self, records: Sequence[Record]) -> None:
        for kind, group in groupby(sorted(records, key=lambda record: _first(records, record.kind)), lambda r: r.kind):
            check = getattr(self, f"_{kind}", None) or getattr(self.words, kind, None)
            for record in group:
                if record.error is not None and not self._world.database_away:
                    self.broken(f"{kind} failed: {record.error!r}")
                if record.error is None and check is not None:
                    check(record.item, record.outcome)

    def _place_changed(self, old: Place | None, new: Place) -> None:
        if new.root_ts:
            self._opened.add(new.id)
        if new.shown_rev > new.rev or (old and (new.rev < old.rev or new.fence < old.fence)):
            self.broken(f"a thread goes back: {old} → {new}")

    def _row_changed(self, old: Row | None, new: Row) -> None:
        delivery = Delivery(new.delivery)
        if old is not None and old.delivery != delivery:
            self._world.tell(f"{new.id[-4:]}: {Delivery(old.delivery).name} → {delivery.name}")
        if old is not None:
            self._goes_on(old, new, delivery)
        elif sum(_which(row) == _which(new) for row in self.rows.values()) > 1:
            self.broken(f"{new.id} is there twice")
        self._is_true(new, delivery)
        for told in (News.NONE, News.UNCERTAIN):
            self._known[new.id] = self._known.get(new.id, News.NONE) | _news(new, delivery, told)
        if (new.told | new.under_way) & ~self._known[new.id]:
            self.broken(f"more is told than was ever known: {new}")
        if new.told & News.ASKED or (new.told & News.FAILED and not new.handle):
            self.buttons.add(new.id)

    def _goes_on(self, old: Row, new: Row, delivery: Delivery) -> None:
        if delivery < old.delivery and (old.delivery, delivery) != (Delivery.SENDING, Delivery.ACCEPTED):
            self.broken(f"a delivery goes back: {old} → {new}")
        if delivery is Delivery.ACCEPTED and old.delivery and self._world.phone.of(UUID(new.id)):
            self.broken(f"{new.id} was sent and waits to be sent")
        if (old.delivery, delivery) == (Delivery.ACCEPTED, Delivery.UNCERTAIN):
            self.broken(f"{new.id} is doubted though nobody has it in hand")
        for name in _NEVER_UNSET:
            if getattr(old, name) and getattr(old, name) != getattr(new, name):
                self.broken(f"{name} changes: {old} → {new}")
        if old.told & ~new.told or new.told & ~(old.told | old.under_way):
            self.broken(f"told changes to what was not being told: {old} → {new}")

    def _is_true(self, row: Row, delivery: Delivery) -> None:
        own = self._world.phone.of(UUID(row.id))
        texts = own + [text for text in self._world.phone.texts if text.handle == row.handle]
        ever = {status for text in texts for status, _ in text.history}
        if delivery is Delivery.FAILED:
            if own if row.handle is None else Delivery.FAILED not in ever:
                self.broken(f"it says not sent, and that is not so: {row}")
        elif delivery >= Delivery.QUEUED and (not own or delivery not in ever):
            self.broken(f"it says {delivery.name}, and that never was so: {row}")

    # One kind of work each: who may do what, and when.

    def _take_many(self, arrival: Any, new: bool) -> None:
        self.answers.took(arrival, new)

    def _note_refusal(self, customer: str, _: None) -> None:
        self.answers.refused(customer)

    def _decide_opt_out(self, click: Any, customer: str) -> None:
        self.answers.decided(click, customer)

    def _note_reading(self, read: Any, held: bool) -> None:
        self.answers.noted_reading(read, held)

    def _claim_threads(self, ask: Any, claimed: Any) -> None:
        for task in claimed.items:
            self.answers.claimed_to_post(task)
            shown = next((one for one in task.thread.unshown if one.showing), None)
            follows = shown is not None and not shown.files  # its own files would go into one post with those before
            if task.step is Step.REPLY and follows and task.thread.failures < _PATIENT_FOR:
                self.files.claimed_to_show(task.thread.id.hex)
            if task.step is Step.SHARE:
                self.files.claimed_to_share(task.thread)
            self._claims.takes(task.thread.id.hex, task.thread.fence, ask.lease)
            if task.step.lane is Lane.POST:
                self._claims.uses(task.thread.channel, ask.interval)
            if task.step is Step.EDIT or task.edits:
                self._claims.uses("edits", timedelta(0))

    def _claim_sends(self, ask: Any, claimed: Any) -> None:
        for send in claimed.items:
            self.answers.claimed_to_send(send)
            self._claims.takes(send.id.hex, send.schedule.fence, ask.lease)
            self._claims.uses(send.words.line, ask.interval)

    def _finish_threads(self, finish: Any, held: bool) -> None:
        self._claims.gives_back(finish.thread.id.hex, finish.thread.fence, held)
        if finish.closed_slot is not None:
            self._claims.shuts(*finish.closed_slot)
        for key, _ in finish.unused_slots:
            self._claims.used.pop(key, None)

    def _finish_and_claim(self, item: Any, result: Any) -> None:
        self._finish_threads(item[0], result[0])
        self._claim_sends(item[1], result[1])

    def _release_sends(self, release: Any, held: bool) -> None:
        if held:  # not, too, when it is doubted meanwhile
            self._claims.gives_back(release.send.id.hex, release.send.schedule.fence, held)
        if release.line_rests is not None:
            self._claims.shuts(release.send.words.line, release.line_rests)

    def _keep_time(self, _: Any, back: timedelta) -> None:
        if back:
            self._claims.slots_set()

    def _end_leases(self, *_: object) -> None:
        self._claims.held.clear()


def _which(row: Row) -> tuple[str, int, int]:
    return row.message_id, row.part, row.try_number


def _news(row: Row, delivery: Delivery, told: News) -> News:
    """What is worth telling of a send that was told so far."""
    at, facts = datetime.min.replace(tzinfo=UTC), {name: bool(getattr(row, name)) for name in Facts.__struct_fields__}
    known = {"delivery": delivery, "service": Service(row.service), "decision": row.decision, "told": told}
    return a_send(UUID(row.id), UUID(row.thread_id), "", "", "", at, at, **known, **facts).news


def _stamp(at: datetime) -> str:
    """A time as SQLite keeps it."""
    return at.strftime("%Y-%m-%d %H:%M:%S.%f")


def _first(records: Sequence[Record], kind: str) -> int:
    """Return where a kind of work comes first in a transaction."""
    return next(index for index, record in enumerate(records) if record.kind == kind)
