"""Making threads due when there is more to show in them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from bot.domain.delivery import Delivery, News
from bot.domain.send import Send
from bot.domain.thread import Step
from bot.storage.engine import Transaction, one_by_one
from bot.storage.sql import Sql

_AT_ONCE = timedelta(0)
_TAKEN_WAITS = timedelta(seconds=1.5)  # for the mark of a typed text that is on its way: mostly a better one comes
_CARD_WAITS = timedelta(seconds=5)


def wake_threads(
    tx: Transaction, before: Mapping[UUID, Send], changed: Iterable[Send], sent_waits: timedelta = _AT_ONCE
) -> None:
    """Make the threads due whose sends have news, or stand otherwise than the root says.

    sent_waits: how long *Sent* waits for *Delivered*.
    """
    steps: dict[tuple[Step, timedelta], set[UUID]] = defaultdict(set)
    for send in changed:
        old = before.get(send.id)
        if news := send.news:
            steps[Step.REPLY, sent_waits if news is News.SENT else _AT_ONCE].add(send.thread_id)
        elif old is None or old.headline != send.headline:
            steps[Step.EDIT, _AT_ONCE].add(send.thread_id)
        elif send.words.quiet and old.known.delivery < Delivery.QUEUED <= send.known.delivery:
            steps[Step.MARK, _TAKEN_WAITS].add(send.thread_id)
    for (step, wait), ids in steps.items():
        wake(tx, list(ids), step, wait)


def wake(tx: Transaction, ids: Sequence[UUID], step: Step, wait: timedelta = _AT_ONCE) -> None:
    """Make threads due in which there is such a step to do."""
    if ids:
        which = _WAKE_TYPED if step is Step.MARK else _WAKE
        tx.do(which, ids=ids, due=tx.now + wait, patient=bool(wait), lane=step.lane)


def wake_cards(tx: Transaction, ids: Sequence[UUID]) -> None:
    """Have roots say anew how their conversations stand, in a moment, for more may change.

    ids: threads whose own roots changed, stand now or are gone. Those meant are their parents or, of a thread without
    one, the roots beside it.
    """
    if ids:
        tx.do(_WAKE_CARDS, ids=ids, due=tx.estimate + _CARD_WAITS, patient=True, lane=Step.EDIT.lane)


def wake_current(tx: Transaction, customer: str) -> None:
    """Have the current threads of a customer say anew how their conversations stand."""
    tx.do(_WAKE_CURRENT, customer=customer, due=tx.now, patient=False, lane=Step.EDIT.lane)


def left_unshown(tx: Transaction) -> list[UUID]:
    """Return threads with messages to show where nothing is due: an older version at work beside us left them so."""
    return tx.ask(_UNSHOWN).column()


@one_by_one
def wake_to_show(tx: Transaction, ids: Sequence[UUID]) -> None:
    """Make these threads due, to show their messages."""
    wake(tx, ids, Step.REPLY)


_UNSHOWN = Sql("""
    SELECT id FROM threads WHERE due_at IS NULL AND closed = '' AND channel <> ''
    AND id IN (SELECT thread_id FROM messages WHERE to_show)
""")
# Where there is no channel yet, nothing can be due. What is due later waits for the end of a lease, or because Slack
# said so, unless it is patient: then news cuts it short. The second edit of a root, which is patient, is owed all the
# same, once the news is told. -1 is UNKNOWN, -2 EDITING.
_CHANGE = """
    UPDATE threads SET
        rev = rev + 1,
        due_at = CASE WHEN due_at IS NULL OR patient AND due_at > :due AND lane <= :lane THEN :due ELSE due_at END,
        patient = CASE WHEN due_at IS NULL OR patient AND due_at > :due AND lane <= :lane
                  THEN :patient ELSE patient END,
        shown_rev = CASE WHEN patient AND shown_rev = -1 AND lane = 0 THEN -2 ELSE shown_rev END,
        lane = CASE WHEN due_at IS NOT NULL AND lane > :lane THEN lane
               WHEN typed_ts IS NOT NULL AND :lane = 0 THEN -1 ELSE :lane END
    WHERE channel <> '' AND """
_WAKE = Sql(f"{_CHANGE} id {{among ids}}")
_WAKE_TYPED = Sql(f"{_CHANGE} id {{among ids}} AND typed_ts IS NOT NULL")
# Of a thread with a parent, that. Else the roots around it, as far as the nearest that stand in
# their place: what moved to somebody's direct messages leads nobody anywhere (`bot.storage.cards`). And the newest of
# all, which lead to where the conversation goes on.
_NEAREST = """(
    SELECT {which}(standing.seq) FROM threads AS standing
    WHERE standing.conversation_id = changed.conversation_id AND standing.seq {side}
    AND standing.parent_id IS NULL AND standing.root_ts IS NOT NULL AND standing.closed = ''
    AND standing.channel = standing.asked_in
)"""
_BESIDE = """
    SELECT beside.id FROM threads AS changed
    JOIN threads AS beside ON beside.conversation_id = changed.conversation_id
        AND beside.parent_id IS NULL AND beside.id <> changed.id
    WHERE changed.id {among ids} AND changed.parent_id IS NULL AND beside.seq
"""
_WAKE_CARDS = Sql(f"""{_CHANGE} closed = '' AND id IN (
    SELECT parent_id FROM threads AS changed WHERE id {{among ids}}
    UNION {_BESIDE} >= coalesce({_NEAREST.format(which="max", side="< changed.seq")}, 0)
    AND beside.seq <= coalesce({_NEAREST.format(which="min", side="> changed.seq")}, changed.seq)
    UNION {_BESIDE} >= coalesce({_NEAREST.format(which="max", side=">= 0")}, 0)
)""")
# Also one that is being opened right now: its root may say what held before.
_WAKE_CURRENT = Sql(f"""{_CHANGE} closed = '' AND id IN (
    SELECT thread_id FROM conversations WHERE customer = :customer AND customer <> ''
)""")
