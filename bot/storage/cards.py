"""Reading how a conversation stands, for the root of its thread. It costs the same however much was said."""

from collections import defaultdict
from collections.abc import Sequence
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
            row.waiting_since,
            row.opted_out,
            texts[row.conversation_id],
            Spot(row.on_channel, row.on_ts) if row.on_ts else None,
            Spot(*row.stood.split(" ", 1)) if row.stood else None,
        )
        for row in cards
    }


def _texts(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, tuple[Text, ...]]:
    """Return conversation → its last texts, the newest first."""
    sends: dict[UUID, list[Send]] = defaultdict(list)
    messages: dict[UUID, Message] = {}  # in their order
    for send, message in tx.ask(_TEXTS, ids=ids).of(send_and_message):
        messages[message.id] = message
        sends[message.id].append(send)
    found: dict[UUID, tuple[Text, ...]] = defaultdict(tuple)
    for message in messages.values():
        found[message.conversation_id] += (Text(message, tuple(sends[message.id])),)
    return found


_BEFORE = """
    SELECT before.channel || ' ' || before.root_ts FROM threads AS before
    WHERE before.conversation_id = threads.conversation_id AND before.seq < threads.seq
    AND before.parent_id IS NULL AND before.thread_ts IS NULL AND before.root_ts IS NOT NULL
    ORDER BY before.seq DESC LIMIT 1
"""
_CARDS = Sql(f"""
    SELECT threads.id, threads.conversation_id, waiting_since, {opted_out("customer")} AS opted_out,
        going_on.channel AS on_channel, going_on.root_ts AS on_ts, ({_BEFORE}) AS stood
    FROM threads JOIN conversations ON conversations.id = threads.conversation_id
    LEFT JOIN threads AS going_on ON going_on.id = conversations.thread_id AND going_on.id <> threads.id
        AND going_on.closed = ''
    WHERE threads.id {{among ids}}
""")
# Only the last things said are looked at, however many there were.
_TEXTS = Sql(f"""
    SELECT {SEND}, {MESSAGE} FROM conversations
    JOIN threads ON threads.conversation_id = conversations.id AND threads.seq >= conversations.next_seq - {_RECENT}
    JOIN messages ON messages.thread_id = threads.id AND messages.seq = threads.seq AND messages.direction = 'out'
    JOIN sends ON sends.message_id = messages.id
    WHERE conversations.id IN (SELECT conversation_id FROM threads WHERE id {{among ids}})
    ORDER BY messages.seq DESC, sends.part, sends.try_number
""")
