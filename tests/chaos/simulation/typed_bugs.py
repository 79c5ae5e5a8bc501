"""Bugs somebody could make with what colleagues type, to be planted as those of bugs.py."""

from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from msgspec.structs import replace

from bot.domain import mark, rules
from bot.domain.delivery import Delivery
from bot.services import deciding
from bot.services.permitting import Permitting
from bot.storage import admitting, held, replies, reply_edits, threads
from tests.chaos.simulation.bug import Bug
from tests.statements import Sql


def _a_note_is_a_text() -> AbstractContextManager[Any]:
    """What begins with `!` is judged as everything else."""
    return patch.object(rules, "is_note", lambda text: False)


def _taken_is_marked_as_delivered() -> AbstractContextManager[Any]:
    """Sendblue's yes is taken for the phone's."""
    return patch.dict(mark._MARKS, {Delivery.QUEUED: mark.DELIVERED})


def _anybody_may_decide() -> AbstractContextManager[Any]:
    """A click on somebody else's question counts."""
    real = replies.decide_replies

    def decide_replies(tx: Any, clicks: Any) -> Any:
        found = [list(tx.ask(held.LOAD, id=click.message_id).of(held.Held)) for click in clicks]
        return real(tx, [replace(one, by=its[0].author) for one, its in zip(clicks, found, strict=True)])

    return patch.object(deciding, "decide_replies", decide_replies)


def _what_has_left_is_taken_back() -> AbstractContextManager[Any]:
    """An edit changes also what Sendblue has."""
    return patch.object(reply_edits, "_BEGUN", Sql("SELECT id FROM sends WHERE message_id = :message_id AND false"))


def _expired_words_are_kept() -> AbstractContextManager[Any]:
    """Held words become a note that can still be read."""
    only = Sql("UPDATE messages SET direction = 'note', held_until = NULL WHERE id = :id")
    return patch.object(held, "_WIPE", only)


def _nobody_is_asked_who_types() -> AbstractContextManager[Any]:
    """Everybody is admitted."""

    async def check_in(*_: object) -> None:
        """Refuse nobody."""

    return patch.object(Permitting, "check_in", check_in)


def _what_has_its_names_goes() -> AbstractContextManager[Any]:
    """Words that mention somebody leave once the names are known."""
    real = admitting.name_words

    def name_words(tx: Any, thread: Any, text: str, terms: Any) -> None:
        real(tx, thread, text, terms)
        for message in tx.ask(held.LOAD, id=thread.message.id).of(held.Held):
            held.let_go_or_say(tx, message, terms)

    return patch.object(threads, "name_words", name_words)


def _nothing_is_read_below_a_late_root() -> AbstractContextManager[Any]:
    """What is typed below a root that we do not know yet is nobody's."""
    return patch.object(threads, "owe_reading", lambda tx, stood_since: None)


TYPED_BUGS = {
    "a note is a text": Bug(_a_note_is_a_text, "a note is not kept", 34),
    "taken is marked as delivered": Bug(_taken_is_marked_as_delivered, "which is more than is so", 4),
    "anybody may decide": Bug(_anybody_may_decide, "somebody else decides", 83),
    "what has left is taken back": Bug(_what_has_left_is_taken_back, "something stored is gone", 38),
    "expired words are kept": Bug(_expired_words_are_kept, "the words of a note are kept", 25),
    "nobody is asked who types": Bug(_nobody_is_asked_who_types, "who may not text leave", 189),
    "what has its names goes": Bug(_what_has_its_names_goes, "without their author's word", 72),
    "nothing is read below a late root": Bug(_nothing_is_read_below_a_late_root, "typed is lost", 43),
}
