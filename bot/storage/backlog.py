"""Counting what waits. It costs what is due, not what is stored."""

from bot.domain.backlog import Backlog
from bot.storage.alarms import callbacks_missing, last_callback
from bot.storage.claims import Head
from bot.storage.engine import Transaction
from bot.storage.inbound import without_place
from bot.storage.polls import silent_since
from bot.storage.private_notes import next_note
from bot.storage.progress import next_reading
from bot.storage.sends import SENDS
from bot.storage.sql import Sql
from bot.storage.threads import STEPS, doable_since

_DUE = Sql("""
    SELECT 'announce' AS kind, count(*) AS many FROM threads WHERE lane = 2 AND due_at <= :now
    UNION ALL SELECT 'announce', count(*) FROM threads WHERE lane < 2 AND due_at <= :now
    UNION ALL SELECT 'send', count(*) FROM sends WHERE send_at <= :now
    UNION ALL SELECT 'poll', count(*) FROM sends WHERE poll_at <= :now AND handle IS NOT NULL
    UNION ALL SELECT 'doubt', count(*) FROM sends WHERE poll_at <= :now AND handle IS NULL
    UNION ALL SELECT 'note', count(*) FROM private_notes WHERE due_at <= :now
    UNION ALL SELECT 'catch_up', count(*) FROM progress WHERE due_at <= :now
""")
_OPEN = Sql("""
    SELECT 0 AS delivery, count(*) AS many FROM sends WHERE delivery = 0
    UNION ALL SELECT 10, count(*) FROM sends WHERE send_at IS NOT NULL AND delivery = 10
    UNION ALL SELECT delivery, count(*) FROM sends WHERE poll_at IS NOT NULL GROUP BY delivery
""")
# What is to stand in a reply, or in a root that is not there yet: one that is due, or has no channel. 2 is Lane.POST.
# `direction = 'in'` would have both engines read the index of all that customers ever wrote.
_ROOT = "SELECT said_at FROM threads JOIN messages ON messages.thread_id = threads.id AND messages.seq = threads.seq"
_OF_CUSTOMERS = "root_ts IS NULL AND closed = '' AND direction <> 'out'"
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
    doable = {"announce": doable_since(tx), "send": min(sends, default=None)}
    doable |= {"poll": silent_since(tx, "polls"), "doubt": silent_since(tx, "doubts"), "note": next_note(tx)}
    doable["catch_up"] = next_reading(tx)
    due = dict.fromkeys(("announce", "send", "poll", "doubt", "note", "catch_up"), 0)
    for row in tx.ask(_DUE, now=tx.now):
        due[row.kind] += row.many
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
        callbacks_missing=callbacks_missing(tx),
    )
