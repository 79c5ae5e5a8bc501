"""How a conversation stands, in the lines that the root of its thread shows of it. Pure."""

from datetime import timedelta

from bot.domain.card import Card, Spot, Text
from bot.domain.rules import Replies
from bot.domain.thread import Thread
from bot.slack.markup import escape, permalink, shorten, when
from bot.slack.sentences import status_line

RULE_LINES = {
    Replies.ASK: "💬 Write here: I ask before I send · Begin with `!` for a note",
    Replies.SEND: "💬 Write here to send · Begin with `!` for a note",
    Replies.MENTION: "💬 Begin with @bluethread to send · Everything else is a note",
}


def card_lines(thread: Thread, *, watched_for: timedelta, address: str, rule: Replies) -> list[str]:
    """Return what is to be said beside how the root's own text stands.

    address: the workspace's, for links. rule: of channels that have none of their own.
    """
    card = thread.card
    if card is None:
        return []
    if card.goes_on is not None:
        return [f"➡️ The conversation goes on in {_link(card.goes_on, 'another thread', address)}."]
    lines = _stands(card, thread, watched_for) if card.is_current else []
    if card.is_current and card.answers and not card.opted_out:
        lines.append(RULE_LINES[card.rule or rule])
    if card.before is not None:
        lines.append(f"⬅️ What was said before stands in {_link(card.before, 'an older thread', address)}.")
    return lines


def _stands(card: Card, thread: Thread, watched_for: timedelta) -> list[str]:
    lines = ["🚫 *Opted out*"] if card.opted_out else []
    if card.waiting_since is not None and not card.opted_out:
        lines.append(f"⏳ *Waiting for an answer since* {when(card.waiting_since)}")
    elif (last := card.last(thread.message.id)) is not None:
        lines.append(_newest(last, watched_for))
    return [*lines, *([_unsettled(card.unsettled)] if card.unsettled else [])]


def _newest(text: Text, watched_for: timedelta) -> str:
    words = f"“{escape(shorten(text.message.text, 60))}”" if text.message.text else "a file"
    return f"Last: <@{text.message.author}> {words} · {status_line(text.sends[-1:], watched_for=watched_for)}"


def _unsettled(count: int) -> str:
    return "1 earlier text is not settled yet." if count == 1 else f"{count} earlier texts are not settled yet."


def _link(spot: Spot, label: str, address: str) -> str:
    if not address:
        return f"{label} in <#{spot.channel}>"
    return f"<{permalink(address, spot.channel, spot.ts)}|{label}>"
