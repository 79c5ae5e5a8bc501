"""Counting what waits. It costs what is due, not what is stored."""

from bot.domain.backlog import Backlog
from bot.storage.alarms import last_callback, standing_alarms
from bot.storage.claims import Head
from bot.storage.engine import Transaction
from bot.storage.pacing import free_from
from bot.storage.places import without_place
from bot.storage.sends import SENDS
from bot.storage.sql import Sql
from bot.storage.threads import STEPS, doable_since

_DUE = Sql("""
    SELECT 'announce' AS kind, count(*) AS many, min(due_at) AS due_at FROM threads WHERE lane = 2 AND due_at <= :now
    UNION ALL SELECT 'announce', count(*), min(due_at) FROM threads WHERE lane < 2 AND due_at <= :now
    UNION ALL SELECT 'send', count(*), min(send_at) FROM sends WHERE send_at <= :now
    UNION ALL SELECT 'poll', count(*), min(poll_at) FROM sends WHERE poll_at <= :now AND handle IS NOT NULL
    UNION ALL SELECT 'doubt', count(*), min(poll_at) FROM sends WHERE poll_at <= :now AND handle IS NULL
    UNION ALL SELECT 'note', count(*), min(due_at) FROM private_notes WHERE due_at <= :now
    UNION ALL SELECT 'carry', count(*), min(due_at) FROM attachments WHERE due_at <= :now
    UNION ALL SELECT 'catch_up', count(*), min(due_at) FROM progress
        WHERE due_at <= :now AND substr(key, 1, 8) IN ('inbound:', 'outbound')
    UNION ALL SELECT 'read_back', count(*), min(due_at) FROM progress
        WHERE due_at <= :now AND substr(key, 1, 5) = 'back:'
""")
_SLOTS = {"poll": "polls", "doubt": "doubts"}  # kind → the pacing key that its questions share
_OPEN = Sql("""
    SELECT 0 AS delivery, count(*) AS many FROM sends WHERE delivery = 0
    UNION ALL SELECT 10, count(*) FROM sends WHERE send_at IS NOT NULL AND delivery = 10
    UNION ALL SELECT delivery, count(*) FROM sends WHERE poll_at IS NOT NULL GROUP BY delivery
""")
# What is to stand in a reply, or in a root that is not there yet: one that is due, or has no channel. 2 is Lane.POST.
# `direction = 'in'` would have both engines read the index of all that customers ever wrote.
_ROOT = "SELECT said_at FROM threads JOIN messages ON messages.thread_id = threads.id AND messages.seq = threads.seq"
_OF_CUSTOMERS = "root_ts IS NULL AND closed = '' AND direction <> 'out' AND typed_ts IS NULL"
_UNSHOWN = Sql(f"""
    SELECT count(*) AS many, min(said_at) AS at FROM (
        SELECT said_at FROM messages WHERE to_show AND direction <> 'note'
        UNION ALL {_ROOT} WHERE lane = 2 AND due_at IS NOT NULL AND channel <> '' AND {_OF_CUSTOMERS}
        UNION ALL {_ROOT} WHERE lane < 2 AND due_at IS NOT NULL AND channel <> '' AND {_OF_CUSTOMERS}
        UNION ALL {_ROOT} WHERE channel = '' AND {_OF_CUSTOMERS}
    ) AS unshown
""")


def backlog(tx: Transaction) -> Backlog:
    sends = (head.when for head in SENDS.heads(tx).of(Head))
    doable, due = {"announce": doable_since(tx), "send": min(sends, default=None)}, dict[str, int]()
    for row in tx.ask(_DUE, now=tx.now):
        due[row.kind] = due.get(row.kind, 0) + row.many
        free = free_from(tx, _SLOTS[row.kind]) if row.kind in _SLOTS else None
        doable.setdefault(row.kind, row.due_at and max(row.due_at, free or row.due_at))
    [unshown] = tx.ask(_UNSHOWN)
    return Backlog(
        due=due,
        doable_since={kind: since for kind, since in doable.items() if since is not None and since <= tx.now},
        waiting_for_slot={"announce": STEPS.waiting_for_slot(tx), "send": SENDS.waiting_for_slot(tx)},
        open={row.delivery.name.lower(): row.many for row in tx.ask(_OPEN) if row.many},
        unshown=unshown.many,
        unshown_since=unshown.at,
        without_place=without_place(tx),
        last_callback=last_callback(tx),
        alarms=standing_alarms(tx),
    )
