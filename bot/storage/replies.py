"""What people type in threads: stored once, held, let go to the customer, or kept as a note, of which the key stays."""

from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict

from bot.domain.attachment import LARGEST_BY_SMS
from bot.domain.delivery import Service
from bot.domain.ids import new_id
from bot.domain.reply import Reply
from bot.domain.rules import Replies, Verdict, judge
from bot.domain.thread import Step
from bot.storage.attachments import files_of, store_files
from bot.storage.channels import NewRule, set_rules
from bot.storage.engine import Transaction, one_by_one
from bot.storage.held import LOAD, NEW_MESSAGE, PLACE, Heed, Held, Place, Terms, let_go, let_go_or_say, owe, wipe
from bot.storage.sql import Sql
from bot.storage.waking import wake

_KNOWN = Sql("""
    SELECT id FROM messages WHERE key = :key
    UNION ALL SELECT id FROM threads WHERE channel = CAST(:channel AS text) AND typed_ts = :ts
""")


class Typed(Struct, frozen=True):
    reply: Reply
    terms: Terms
    edited: bool = False  # these are other words than the first


@one_by_one
def take_replies(tx: Transaction, item: Typed) -> str:
    """Store something typed, once; return its `Heed`."""
    place = _place_of_new(tx, item.reply)
    return _taken(tx, place, item) if isinstance(place, Place) else place


def take_edited(tx: Transaction, item: Typed) -> str:
    """Store something whose edit overtook it, unless it is old: then it was typed when nobody listened."""
    if tx.now - item.reply.at > item.terms.send_within:
        return Heed.STRANGE
    place = _place_of_new(tx, item.reply)
    return _taken(tx, place, item) if isinstance(place, Place) else Heed.STRANGE


def keep_out(tx: Transaction, item: Typed) -> str:
    """Note of something whose deletion overtook it that it is not to be sent: its key is kept."""
    place = _place_of_new(tx, item.reply)
    if not isinstance(place, Place):
        return Heed.STRANGE
    _store(tx, place, item, Verdict.NOTE, stands=False)
    return Heed.KEPT


def _place_of_new(tx: Transaction, reply: Reply) -> Place | Heed:
    """Return where it was typed; why it is nothing to take in."""
    places = tx.ask(PLACE, thread_ts=reply.thread_ts, channel=reply.channel)
    known = tx.ask(_KNOWN, key=reply.key, channel=reply.channel, ts=reply.ts)  # under way with the question before
    if not (found := places.of(Place)):
        return Heed.STRANGE
    return Heed.KNOWN if known.column() else found[0]


def _taken(tx: Transaction, place: Place, item: Typed) -> str:
    reply, terms = item.reply, item.terms
    verdict = judged(tx, place, item)
    if verdict is Verdict.NOTE:
        its = {"conversation_id": place.conversation_id, "parent_id": place.thread_id}
        first = reply.author not in tx.ask(_NOTED_BEFORE, **its).column()
        message = _store(tx, place, item, Verdict.NOTE, stands=first)
        if first and _rule(place, reply, terms) is Replies.MENTION:
            owe(tx, message.id, reply.author, "first_note")
        return Heed.KEPT
    why_not = problem_of_files(reply, terms) or ("" if reply.text or reply.files else "no_text")
    why_not = why_not or place.why_not(terms)
    if why_not:
        message = _store(tx, place, item, Verdict.NOTE, stands=False)
        owe(tx, message.id, reply.author, why_not)
        return why_not
    message = _store(tx, place, item, verdict, stands=True)
    if verdict is Verdict.HOLD or reply.drafted:
        return Heed.HELD
    return let_go_or_say(tx, message, terms, place)


def problem_of_files(reply: Reply, terms: Terms) -> str:
    """Return why its files cannot be sent whatever is in them, "" if nothing is known against them."""
    problems = [file.problem for file in reply.files if file.problem]
    too_large = any(file.size > terms.largest_file for file in reply.files)
    return problems[0] if problems else "file_too_large" if too_large else ""


def _rule(place: Place, reply: Reply, terms: Terms) -> Replies:
    """Return the rule for what was typed then: a rule that was set later is none of its author's choice."""
    if place.rule is not None and place.set_at is not None:
        return place.rule if reply.at >= place.set_at else Replies.ASK
    held_then = place.usual_at is None or (place.usual_rule == terms.rule and reply.at >= place.usual_at)
    return terms.rule if held_then else Replies.ASK


def judged(tx: Transaction, place: Place, item: Typed) -> Verdict:
    reply, terms = item.reply, item.terms
    verdict = judge(_rule(place, reply, terms), reply.text, to_us=reply.to_us, names_others=reply.names_others)
    asks = why_held(tx, place, item) not in (None, "names")
    return Verdict.HOLD if verdict is Verdict.SEND and asks else verdict


def why_held(tx: Transaction, place: Place, item: Typed) -> str | None:
    """Return why words are held by any rule, if they are."""
    reply = item.reply
    if reply.unread:
        return f"unread:{reply.unread}"[:80]
    if tx.now - reply.at > item.terms.send_within:
        return "late"
    if item.edited:
        return "edited"
    large = any(file.size > LARGEST_BY_SMS for file in reply.files)
    if large and tx.ask(_LAST_SERVICE, line=place.line, customer=place.customer).value() == Service.SMS:
        return "large"
    return "names" if reply.names_others and not reply.to_us else None


_LAST_SERVICE = Sql("""
    SELECT service FROM sends WHERE recipient = :customer AND line = :line AND service <> ''
    ORDER BY accepted_at DESC LIMIT 1
""")
# What never got a place in the order: few, however much was typed in the thread. Who wrote it is no condition, nor is
# the thread one of a JOIN: an engine might look at all that the author ever wrote instead.
_NOTED_BEFORE = Sql("""
    SELECT author FROM threads CROSS JOIN messages
    WHERE threads.conversation_id = :conversation_id AND threads.seq = -1 AND parent_id = :parent_id
    AND messages.thread_id = threads.id AND messages.seq = -1 AND direction <> 'held'
""")


def _store(tx: Transaction, place: Place, item: Typed, verdict: Verdict, *, stands: bool) -> Held:
    """Store the message. stands: and its thread, in which something is to be done."""
    reply, note = item.reply, verdict is Verdict.NOTE
    message = Held(
        id=new_id(tx.now),
        thread_id=new_id(tx.now) if stands else place.thread_id,
        conversation_id=place.conversation_id,
        seq=-1,
        direction="note" if note else "held",
        origin="drafted" if reply.drafted and not note else "typed",
        author=reply.author,
        text="" if note else reply.text,
        files="" if note else "\n".join(file.name for file in reply.files),
        held_until=tx.now + item.terms.held_for if verdict is Verdict.HOLD else None,
        channel=place.channel,
        typed_ts=reply.ts,
        root_ts=None,
    )
    why = why_held(tx, place, item)
    tx.do(NEW_MESSAGE, **asdict(message), key=reply.key, team=reply.team, said_at=tx.now, held_why=why)
    if stands:
        rev = int(verdict is not Verdict.SEND)  # then there is a mark to put at once
        store_files(tx, [] if note else files_of(reply, message.id, message.thread_id))
        tx.do(_NEW_THREAD, **asdict(message), asked_in=place.asked_in, parent_id=place.thread_id, rev=rev, now=tx.now)
    return message


# 1 is Lane.FREE.
_NEW_THREAD = Sql("""
    INSERT INTO threads (id, conversation_id, seq, channel, asked_in, parent_id, typed_ts, mark, due_at, lane,
        replies, rev, shown_rev, looked, closed, patient, fence, failures)
    VALUES (:thread_id, :conversation_id, -1, :channel, :asked_in, :parent_id, :typed_ts, '', :now, 1,
        0, :rev, 0, 0, '', false, 0, 0)
""")


class HeldWords(Struct, frozen=True):
    """What its author is told of something typed."""

    direction: str
    origin: str
    team: str
    text: str
    files: str
    customer: str
    channel: str
    ts: str | None
    thread_ts: str | None  # of the thread it was typed in
    rule: Replies | None
    held_why: str | None  # why it is held by any rule


def held_words(tx: Transaction, message_id: UUID) -> HeldWords | None:
    return next(iter(tx.ask(_HELD_WORDS, id=message_id).of(HeldWords)), None)


_HELD_WORDS = Sql("""
    SELECT direction, origin, team, text, files, customer, threads.channel, threads.typed_ts AS ts, rule, held_why,
        coalesce(parent.root_ts, threads.root_ts) AS thread_ts
    FROM messages JOIN threads ON threads.id = messages.thread_id
    JOIN conversations ON conversations.id = threads.conversation_id
    LEFT JOIN threads AS parent ON parent.id = threads.parent_id
    LEFT JOIN channels ON channels.channel = threads.channel
    WHERE messages.id = :id
""")


class ReplyClick(Struct, frozen=True):
    """What the author of held words decides."""

    message_id: UUID
    choice: str  # "send", "keep" or "always": send, and set the rule
    by: str  # a Slack user id
    terms: Terms


@one_by_one
def decide_replies(tx: Transaction, click: ReplyClick) -> str:
    """Obey a click on a question; return what its author is told (`answers.of_reply`)."""
    found = tx.ask(LOAD, id=click.message_id).of(Held)
    if not found or found[0].origin == "correction":  # which has a form of its own
        return "gone"
    [message] = found
    if message.author != click.by:
        return "not_yours"
    if message.direction != "held" or message.held_until is None:
        return "already_sent" if message.direction == "out" else "already_kept"
    if message.origin == "drafted" and click.choice != "keep":
        return "changed"
    over = "kept" if click.choice == "keep" else "expired" if message.held_until <= tx.now else ""
    if why_not := over or let_go(tx, message, click.terms):
        wipe(tx, message.id)
        wake(tx, [message.thread_id], Step.MARK)
        return why_not
    if click.choice == "always":
        set_rules(tx, [NewRule(message.channel, Replies.SEND, click.by)])
    return "sent"
