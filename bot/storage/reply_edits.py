"""What people make of words they typed: other words, or none. It counts while none of them has left."""

from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.ids import new_id
from bot.domain.reply import Edit, Removal
from bot.domain.rules import Verdict
from bot.domain.thread import Step
from bot.storage.attachments import files_of, store_files, without_files
from bot.storage.conversations import let_out
from bot.storage.engine import Transaction, one_by_one
from bot.storage.held import LOAD_TYPED, NEW_MESSAGE, PARENT, Heed, Held, Place, Terms, let_go_or_say, owe, wipe
from bot.storage.intake import KNOWN
from bot.storage.places import was_not_written
from bot.storage.replies import Typed, judged, keep_out, problem_of_files, take_edited, why_held
from bot.storage.sql import Sql
from bot.storage.waking import wake


class Changed(Struct, frozen=True):
    edit: Edit
    plain: str  # its text, readable as it is
    terms: Terms


@one_by_one
def edit_replies(tx: Transaction, item: Changed) -> str:
    """Take in the new words of something typed, while none of it has left; return its `Heed`.

    An edit never begins to send what was not on its way: it is asked about.
    """
    reply = item.edit.reply
    found = tx.ask(LOAD_TYPED, channel=reply.channel, ts=reply.ts).of(Held)
    if not found:
        return take_edited(tx, Typed(reply, item.terms, edited=True))
    names = "\n".join(file.name for file in reply.files)
    same = (found[0].text, found[0].files) == (reply.text, names)
    if found[0].author != reply.author or found[0].direction == "note" or same:
        return Heed.STRANGE
    message, typed = found[0], Typed(reply, item.terms)
    around = tx.ask(PARENT, thread_id=message.thread_id).of(Place)
    if not around:  # it was removed, as what is old is
        return Heed.STRANGE
    verdict = judged(tx, around[0], typed)
    if message.direction == "out" and not _take_back(tx, message):
        return _correct(tx, item, message)
    why_not = "" if verdict is Verdict.NOTE else problem_of_files(reply, item.terms)
    if why_not or verdict is Verdict.NOTE or not (reply.text or reply.files):
        wipe(tx, message.id)
        if why_not:
            owe(tx, message.id, message.author, why_not)
        wake(tx, [message.thread_id], Step.MARK)
        was_not_written(tx, [message.thread_id])
        return why_not or Heed.KEPT
    held = verdict is Verdict.HOLD or message.direction == "held"
    tx.do(
        _EDITED,
        id=message.id,
        text=reply.text,
        files=names,
        origin="drafted" if reply.drafted else "typed",
        held_until=tx.now + item.terms.held_for if held else None,
        held_why=why_held(tx, around[0], typed),
    )
    without_files(tx, message.id)
    store_files(tx, files_of(reply, message.id, message.thread_id))
    tx.do(_ADMIT_AGAIN, id=message.thread_id, now=tx.now)
    was_not_written(tx, [message.thread_id])
    if held or reply.drafted:
        return Heed.HELD
    return let_go_or_say(tx, replace(message, text=reply.text, files=names), item.terms, around[0])


def _take_back(tx: Transaction, message: Held) -> bool:
    """Take back what is on its way; return whether none of it was ever handed to Sendblue."""
    tx.do(_LOCK_SENDS, message_id=message.id)
    if tx.ask(_BEGUN, message_id=message.id).column():
        return False
    tx.do(_DROP_REPORTS, message_id=message.id)
    tx.do(_DROP, message_id=message.id)
    let_out(tx, [message.thread_id])
    return True


# 0 is Delivery.ACCEPTED, 50 FAILED, 4 HandleFrom.REFUSAL: what was refused has not left (`Known.was_refused`).
_LEFT = Sql("""
    SELECT id FROM sends WHERE message_id = :message_id AND delivery <> 0
    AND NOT (delivery = 50 AND (handle IS NULL OR handle_from = 4)) LIMIT 1
""")
_LOCK_SENDS = Sql("SELECT id FROM sends WHERE message_id = :message_id ORDER BY id {lock}")
_BEGUN = Sql("SELECT id FROM sends WHERE message_id = :message_id AND (delivery <> 0 OR decision <> '') LIMIT 1")
_DROP_REPORTS = Sql("DELETE FROM reports WHERE send_id IN (SELECT id FROM sends WHERE message_id = :message_id)")
_DROP = Sql("DELETE FROM sends WHERE message_id = :message_id")
_EDITED = Sql("""
    UPDATE messages SET direction = 'held', text = :text, files = :files, origin = :origin, held_until = :held_until,
        held_why = :held_why WHERE id = :id
""")
# Its author is asked once more, and the names in it are looked up; who is at it with the old words holds it no more.
_ADMIT_AGAIN = Sql("""
    UPDATE threads SET root_ts = NULL, rev = rev + 1, due_at = :now, lane = 1, patient = false, fence = fence + 1
    WHERE id = :id
""")


def _correct(tx: Transaction, item: Changed, message: Held) -> str:
    """Offer to send the new words of what has left already; they are kept for that for as long as held ones."""
    reply, correction_id = item.edit.reply, new_id(tx.now)
    if not tx.ask(_LEFT, message_id=message.id).column():
        owe(tx, message.id, reply.author, "edited_unsent")
        return Heed.LATE
    if message.text == reply.text or not item.plain:
        owe(tx, message.id, reply.author, "files_late")
        return Heed.LATE
    key = f"edit:{message.id.hex}:{item.edit.edited_ts}"[:200]
    if tx.ask(KNOWN, keys=[key]).column():
        return Heed.KNOWN
    tx.do(
        NEW_MESSAGE,
        id=correction_id,
        thread_id=message.thread_id,
        conversation_id=message.conversation_id,
        key=key,
        direction="held",
        origin="correction",
        team=reply.team,
        author=reply.author,
        text=item.plain,
        files="",
        said_at=tx.now,
        held_until=tx.now + item.terms.held_for,
        held_why=None,
    )
    owe(tx, correction_id, reply.author, "edited_late")
    return Heed.LATE


class Removed(Struct, frozen=True):
    removal: Removal
    terms: Terms


@one_by_one
def remove_replies(tx: Transaction, item: Removed) -> str:
    """Take in that somebody deleted what they typed; return its `Heed`."""
    found = tx.ask(LOAD_TYPED, channel=item.removal.channel, ts=item.removal.ts).of(Held)
    if not found and item.removal.reply is not None:
        return keep_out(tx, Typed(item.removal.reply, item.terms))
    if not found or found[0].direction == "note":
        return Heed.STRANGE
    [message] = found
    tx.do(PARENT, thread_id=message.thread_id)  # locked before its conversation, as everywhere
    if message.direction == "held" or _take_back(tx, message):
        wipe(tx, message.id)
        was_not_written(tx, [message.thread_id])
        return Heed.KEPT
    if tx.ask(_LEFT, message_id=message.id).column():
        owe(tx, message.id, message.author, "removed_late")
    return Heed.LATE


def correction_of(tx: Transaction, message_id: UUID, author: str) -> tuple[str, str, str, str] | None:
    """Return the new words of a text, its line and customer, and the channel; None: not theirs, or over."""
    row = next(iter(tx.ask(_CORRECTION, id=message_id, author=author, now=tx.now)), None)
    return None if row is None else (row.text, row.line, row.customer, row.channel)


_CORRECTION = Sql("""
    SELECT text, line, customer, channel FROM messages JOIN threads ON threads.id = messages.thread_id
    JOIN conversations ON conversations.id = messages.conversation_id
    WHERE messages.id = :id AND messages.author = :author AND direction = 'held' AND origin = 'correction'
    AND held_until > :now AND customer <> ''
""")


@one_by_one
def end_correction(tx: Transaction, message_id: UUID) -> None:
    """Forget the new words of a text: they were sent by themselves."""
    wipe(tx, message_id)
