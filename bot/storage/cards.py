"""Reading how a conversation stands, for the root of its thread. It costs the same however much was said."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from bot.domain.card import Card, Spot, Text
from bot.domain.message import Message
from bot.domain.send import Send
from bot.domain.thread import Step, Thread
from bot.storage.conversations import opted_out
from bot.storage.engine import Transaction
from bot.storage.rows import MESSAGE, SEND, send_and_message
from bot.storage.sql import Sql

_RECENT = 40  # messages, either way, that are looked at
_SHARING = (Step.OPEN, Step.EDIT, Step.REPLY)  # an edit may follow a reply


def with_cards(tx: Transaction, threads: dict[UUID, Thread]) -> dict[UUID, Thread]:
    """Return threads with the cards that their roots show: of those that stand in the channel itself."""
    ids = [one.id for one in threads.values() if one.has_card and one.parent_id is None and one.next_step() in _SHARING]
    return threads | {one: replace(threads[one], card=card) for one, card in load_cards(tx, ids).items()}


def load_cards(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, Card]:
    """Return thread → card."""
    if not ids:
        return {}
    cards, texts = tx.ask(_CARDS, ids=ids), _texts(tx, ids)
    return {
        row.id: Card(
            row.is_current is True,
            row.waiting_since,
            row.opted_out,
            texts[row.id],
            None if row.is_current else _spot(row.goes_on),
            _spot(row.stood),
            row.rule,
            row.answers,
        )
        for row in cards
    }


def _spot(found: str | None) -> Spot | None:
    return Spot(*found.split(" ", 1)) if found else None


def _texts(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, tuple[Text, ...]]:
    """Return thread → the last texts that stand in it, the newest first."""
    sends: dict[UUID, list[Send]] = defaultdict(list)
    messages: dict[UUID, tuple[UUID, Message]] = {}  # in their order
    for thread_id, send, message in tx.ask(_TEXTS, ids=ids).of(_placed):
        messages[message.id] = thread_id, message
        sends[message.id].append(send)
    found: dict[UUID, tuple[Text, ...]] = defaultdict(tuple)
    for thread_id, message in messages.values():
        found[thread_id] += (Text(message, tuple(sends[message.id])),)
    return found


def _placed(*, root_id: UUID, **fields: Any) -> tuple[UUID, Send, Message]:
    return (root_id, *send_and_message(**fields))


# Of the roots in the channels themselves, the next of the conversation on one side. One that is gone leads nowhere, and
# one that had to move to its author's direct messages is theirs alone.
_BESIDE = """
    SELECT beside.channel || ' ' || beside.root_ts FROM threads AS beside
    WHERE beside.conversation_id = threads.conversation_id AND beside.seq {side} threads.seq
    AND beside.parent_id IS NULL AND beside.thread_ts IS NULL AND beside.root_ts IS NOT NULL
    AND beside.closed = '' AND beside.channel = beside.asked_in
    ORDER BY beside.seq {order} LIMIT 1
"""
# Where somebody wrote in an older thread again, the newest leads there.
_CURRENT = """
    SELECT beside.channel || ' ' || beside.root_ts FROM threads AS beside
    WHERE beside.id = conversations.thread_id AND beside.id <> threads.id
    AND beside.root_ts IS NOT NULL AND beside.closed = '' AND beside.channel = beside.asked_in
"""
_CARDS = Sql(f"""
    SELECT threads.id, waiting_since, {opted_out("customer")} AS opted_out,
        conversations.thread_id = threads.id AS is_current, rule, substr(customer, 1, 1) = '+' AS answers,
        ({_BESIDE.format(side="<", order="DESC")}) AS stood,
        coalesce(({_BESIDE.format(side=">", order="ASC")}), ({_CURRENT})) AS goes_on
    FROM threads JOIN conversations ON conversations.id = threads.conversation_id
    LEFT JOIN channels ON channels.channel = threads.channel
    WHERE threads.id {{among ids}}
""")
# Only the last things said are looked at, however many there were; of those, what stands in that thread. What was said
# in another place may be for the eyes of those there alone.
_TEXTS = Sql(f"""
    SELECT root.id AS root_id, {SEND}, {MESSAGE} FROM threads AS root
    JOIN conversations ON conversations.id = root.conversation_id
    JOIN threads ON threads.conversation_id = conversations.id AND threads.seq >= conversations.next_seq - {_RECENT}
        AND (threads.id = root.id OR threads.parent_id = root.id AND threads.channel = root.channel)
        AND threads.root_ts IS NOT NULL
    JOIN messages ON messages.thread_id = threads.id AND messages.seq = threads.seq AND messages.direction = 'out'
    JOIN sends ON sends.message_id = messages.id
    WHERE root.id {{among ids}} ORDER BY messages.seq DESC, sends.part, sends.try_number
""")
